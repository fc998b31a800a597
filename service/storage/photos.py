"""Photo bytes on a local disk: positional writes, durable before they are acknowledged.

Each writer (epoch) of an upload has a file of its own, `FOLDER/ab/abcdef….EPOCH`, which begins where it took over: the
bytes of a part. A request that wakes up after another took over can only touch its own file, whatever the network or
the scheduler did to it meanwhile. The clean copy is
`FOLDER/ab/abcdef….clean`; it gets its name when it is whole.
"""

import errno
import os
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

from service.domain.errors import StorageFull
from service.domain.uploads import Part, Pieces, StorageFailed, spans
from service.photo_ports import Hash
from service.storage.file_threads import FileThreads

THREADS = 4  # writes wait for the disk, not for the CPU; more would only queue up in the disk instead of here
READ_BYTES = 1 << 20
COPY = "clean"
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
RETRY_AFTER = 30.0  # seconds; somebody has to make room

T = TypeVar("T")


class LocalPhotoStore:
    """Implements `service.photo_ports.PhotoStore`. File work runs in threads of its own; `close` ends them."""

    grows = True
    pieces = Pieces(1 << 20, 5.0)
    """A photo of the usual 250 KB costs one write, a raw one of 2.6 MB three."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError when the folder cannot be made or written."""
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
        self._folder = str(folder)
        self._threads = FileThreads(THREADS, "photos")

    def close(self) -> None:
        self._threads.close()

    async def write(self, upload_id: str, part: Part, offset: int, data: bytes, hashes: Sequence[Hash] = ()) -> None:
        path = self._path(upload_id, part.writer)
        await self._in_thread(lambda: _write(path, offset - part.start, data, hashes))

    async def read(self, upload_id: str, parts: Sequence[Part], size: int) -> bytes:
        return b"".join([data async for data in self.stream(upload_id, parts, size)])

    async def stream(self, upload_id: str, parts: Sequence[Part], size: int, start: int = 0) -> AsyncIterator[bytes]:
        for part, length in spans(parts, size):
            path, end = self._path(upload_id, part.writer), part.start + length
            while start < end:
                position, most = start - part.start, min(READ_BYTES, end - start)
                data = await self._in_thread(partial(_read, path, position, most))
                start += len(data)
                yield data

    async def size(self, upload_id: str, parts: Sequence[Part], size: int) -> int:
        held = [(self._path(upload_id, part.writer), length) for part, length in spans(parts, size)]
        return await self._in_thread(lambda: sum(min(max(_size(path), 0), length) for path, length in held))

    async def remove(self, upload_id: str, writers: int) -> None:
        paths = [self._path(upload_id, writer) for writer in range(writers + 1)]
        await self._in_thread(lambda: _unlink(paths))

    async def remove_part(self, upload_id: str, part: Part) -> None:
        await self._in_thread(lambda: _unlink([self._path(upload_id, part.writer)]))

    async def keep(self, upload_id: str, copy: bytes) -> None:
        path = self._path(upload_id, COPY)
        await self._in_thread(lambda: _put(path, copy))

    async def copy(self, upload_id: str) -> bytes:
        path = self._path(upload_id, COPY)
        return await self._in_thread(Path(path).read_bytes)

    async def copy_size(self, upload_id: str) -> int:
        path = self._path(upload_id, COPY)
        return await self._in_thread(lambda: _size(path))

    async def remove_copy(self, upload_id: str) -> None:
        await self._in_thread(lambda: _unlink([self._path(upload_id, COPY)]))

    def _path(self, upload_id: str, part: int | str) -> str:
        """A text: to put a `Path` together and take it apart costs as much as to open the file."""
        return f"{self._folder}/{upload_id[:2]}/{upload_id}.{part}"

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await self._threads.run(work)
        except OSError as error:
            if error.errno in FULL:
                raise StorageFull(retry_after_s=RETRY_AFTER) from error
            raise StorageFailed(retry_after_s=RETRY_AFTER) from error


def _write(path: str, position: int, data: bytes, hashes: Sequence[Hash]) -> None:
    made = position == 0
    descriptor = _create(path) if made else os.open(path, os.O_WRONLY)
    try:
        _write_all(descriptor, data, position)
        for one in hashes:
            one.update(data)
        os.fdatasync(descriptor)
    finally:
        os.close(descriptor)
    if made:
        _sync_folder(_folder_of(path))


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except FileNotFoundError:
        return -1


def _read(path: str, position: int, most: int) -> bytes:
    """At least one byte."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = os.pread(descriptor, most, position)
    finally:
        os.close(descriptor)
    if not data:
        raise OSError(errno.EIO, "fewer bytes than were acknowledged", path)
    return data


def _unlink(paths: Sequence[str]) -> None:
    for path in paths:
        Path(path).unlink(missing_ok=True)


def _put(path: str, data: bytes) -> None:
    """Whole or not at all, also when two put the same."""
    draft = f"{path}.{token_hex(4)}"
    try:
        descriptor = _create(draft)
        try:
            _write_all(descriptor, data, 0)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        Path(draft).replace(path)
    finally:
        _unlink([draft])
    _sync_folder(_folder_of(path))


def _create(path: str) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        folder = _folder_of(path)
        Path(folder).mkdir(mode=0o700, exist_ok=True)
        _sync_folder(_folder_of(folder))
        return os.open(path, flags, 0o600)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[written:], offset + written


def _folder_of(path: str) -> str:
    return path.rpartition("/")[0]


def _sync_folder(folder: str) -> None:
    """A new name is durable only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
