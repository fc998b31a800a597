"""Photo bytes in a bucket of an S3 server: what was stored once is never written again.

Each piece of an upload is an object of its own, `PREFIX/abcdef…/WRITER.START`, made by one conditional PUT: whole and
durable when it is answered, or not there. A photo that came without an interruption is one object, and the clean copy
beside it is `PREFIX/abcdef…/clean`. Any process can continue or read what another one has stored.
"""

import asyncio
import errno
import math
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import obstore
import structlog
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    GenericError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from service.domain.bucket_address import BucketAddress
from service.domain.errors import StorageFull
from service.domain.uploads import Part, Pieces, StorageFailed, spans
from service.photo_ports import Hash

READ_BYTES = 1 << 20
COPY = "clean"
PATIENCE = 10.0
"""Seconds for one operation, its repeats included: the phone behind it waits no longer either."""
RETRY_AFTER = 30.0  # seconds; somebody has to mend something
Done = Callable[[str, float, bool], None]
"""Told of each operation: its kind (write, read, size, remove), how many seconds it took, and whether it worked."""

FULL = re.compile(r"\b507\b|QuotaExceeded|StorageFull|InsufficientStorage")
CODE = re.compile(r"<Code>(\w+)</Code>")
REFUSED = re.compile(r"NoSuchBucket|InvalidBucketName|InvalidAccessKeyId|SignatureDoesNotMatch|AccessDenied")

log = structlog.get_logger(__name__)


class S3PhotoStore:
    """Implements `service.photo_ports.PhotoStore`. Connections are made when they are needed and end by themselves."""

    grows = False
    pieces = Pieces(8 << 20, 5.0)
    """Each piece is a request that is paid for: any photo is one, unless it comes so slowly that too much would be lost
    with this process."""

    def __init__(
        self,
        address: BucketAddress,
        *,
        key: str = "",
        secret: str = "",
        patience: float = PATIENCE,
        done: Done = lambda kind, seconds, ok: None,
    ) -> None:
        """key, secret: credentials; empty ones are looked for where AWS's own tools look for them."""
        self._done = done
        given = {
            "access_key_id": key,
            "secret_access_key": secret,
            "endpoint": address.endpoint,
            "region": address.region,
        }
        self._address = address
        self._patience = patience
        self._store = S3Store(
            address.bucket,
            prefix=address.prefix or None,
            config={name: value for name, value in given.items() if value},  # type: ignore[arg-type]
            client_options={
                "allow_http": (address.endpoint or "").startswith("http://"),
                "connect_timeout": timedelta(seconds=patience / 4),
                "timeout": timedelta(seconds=patience),
            },
            retry_config={
                "max_retries": 2,
                "backoff": {"init_backoff": timedelta(milliseconds=100), "max_backoff": timedelta(seconds=1)},
                "retry_timeout": timedelta(seconds=patience / 2),
            },
        )

    async def check(self) -> None:
        """Raises OSError when the bucket can never be used as it is set; one that does not answer may do so later."""
        try:
            async with asyncio.timeout(self._patience):
                await obstore.list(self._store, chunk_size=1).__anext__()
        except StopAsyncIteration:
            pass  # empty
        except (BaseError, OSError, TimeoutError) as error:
            if isinstance(error, PermissionDeniedError | UnauthenticatedError | FileNotFoundError) or REFUSED.search(
                str(error)
            ):
                raise PermissionError(errno.EACCES, "the S3 server refuses it", str(self._address)) from error
            log.warning("photo bucket does not answer", bucket=str(self._address), error=type(error).__name__)

    async def write(self, upload_id: str, part: Part, offset: int, data: bytes, hashes: Sequence[Hash] = ()) -> None:
        if offset != part.start:
            raise ValueError("a piece is a part of its own")
        if hashes:
            await asyncio.to_thread(_feed, hashes, data)
        name = _name(upload_id, part)
        async with self._operation("write"):
            try:
                await obstore.put_async(self._store, name, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                # Nobody else writes under this name: our own first try was stored, and its answer lost.
                if bytes(await obstore.get_range_async(self._store, name, start=0, length=len(data))) != data:
                    raise

    async def read(self, upload_id: str, parts: Sequence[Part], size: int) -> bytes:
        return b"".join([data async for data in self.stream(upload_id, parts, size)])

    async def stream(self, upload_id: str, parts: Sequence[Part], size: int, start: int = 0) -> AsyncIterator[bytes]:
        for part, length in spans(parts, size):
            name, end = _name(upload_id, part), part.start + length
            while start < end:
                most = min(READ_BYTES, end - start)  # a request for each: no connection waits for a slow reader
                async with self._operation("read"):
                    data = bytes(
                        await obstore.get_range_async(self._store, name, start=start - part.start, length=most)
                    )
                    if len(data) < most:
                        raise GenericError("fewer bytes than were acknowledged")
                start += most
                yield data

    async def size(self, upload_id: str, parts: Sequence[Part], size: int) -> int:
        held = [(await self._size(_name(upload_id, part)), length) for part, length in spans(parts, size)]
        return sum(min(max(there, 0), length) for there, length in held)

    async def remove(self, upload_id: str, writers: int) -> None:
        async with self._operation("remove"):
            names = [
                item["path"]
                async for page in obstore.list(self._store, f"{upload_id}/", chunk_size=1000)
                for item in page
            ]
            left = [name for name in names if _writer(name) <= writers]
            if left:
                await obstore.delete_async(self._store, left)

    async def remove_part(self, upload_id: str, part: Part) -> None:
        await self._remove(_name(upload_id, part))

    async def keep(self, upload_id: str, copy: bytes) -> None:
        async with self._operation("write"):
            await obstore.put_async(self._store, f"{upload_id}/{COPY}", copy, use_multipart=False)

    async def copy(self, upload_id: str) -> bytes:
        async with self._operation("read"):
            return bytes(await (await obstore.get_async(self._store, f"{upload_id}/{COPY}")).bytes_async())

    async def copy_size(self, upload_id: str) -> int:
        return await self._size(f"{upload_id}/{COPY}")

    async def remove_copy(self, upload_id: str) -> None:
        await self._remove(f"{upload_id}/{COPY}")

    async def _size(self, name: str) -> int:
        """-1 when there is no such object."""
        async with self._operation("size"):
            try:
                return (await obstore.head_async(self._store, name))["size"]
            except FileNotFoundError:
                return -1

    async def _remove(self, name: str) -> None:
        async with self._operation("remove"):
            await obstore.delete_async(self._store, name)

    @asynccontextmanager
    async def _operation(self, kind: str) -> AsyncIterator[None]:
        """Ends in time, with an error of the domain when it fails."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(self._patience):
                yield
            self._done(kind, time.perf_counter() - begun, True)
        except (BaseError, OSError, TimeoutError) as error:
            self._done(kind, time.perf_counter() - begun, False)
            said = CODE.search(str(error))
            log.warning("photo bucket failed", kind=kind, error=said[1] if said else type(error).__name__)
            full = FULL.search(str(error)) is not None
            raise (StorageFull if full else StorageFailed)(retry_after_s=RETRY_AFTER) from error


def _name(upload_id: str, part: Part) -> str:
    return f"{upload_id}/{part.writer}.{part.start}"


def _writer(name: str) -> float:
    """Who has stored an object, by its name; of the clean copy and of what is not ours it is beyond every writer."""
    writer = name.rpartition("/")[2].partition(".")[0]
    return int(writer) if writer.isdecimal() else math.inf


def _feed(hashes: Sequence[Hash], data: bytes) -> None:
    for one in hashes:
        one.update(data)
