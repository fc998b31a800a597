"""What was acknowledged survives a power cut: of a disk only what was synced is still there."""

import asyncio
import os
from pathlib import Path

import pytest

from service.storage import photos
from service.storage.photos import LocalPhotoStore
from service.storage.uploads import parts_of
from tests.integration.upload_desk import Body, upload_desk

DATA = os.urandom(4000)


class Disk:
    """Watches the syncs of this process, and tells what a power cut would leave."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._contents: dict[Path, bytes] = {}
        self._names: dict[Path, set[Path]] = {}
        self._fdatasync, self._fsync = os.fdatasync, os.fsync
        monkeypatch.setattr(os, "fdatasync", self._sync_file)
        monkeypatch.setattr(os, "fsync", self._sync_folder)

    def _sync_file(self, descriptor: int) -> None:
        self._fdatasync(descriptor)
        path = _open_at(descriptor)
        self._contents[path] = path.read_bytes()

    def _sync_folder(self, descriptor: int) -> None:
        self._fsync(descriptor)
        path = _open_at(descriptor)
        self._names[path] = set(path.iterdir())

    def left(self, path: Path) -> bytes:
        """What a power cut leaves of a file two folders below one that was there before."""
        named = path in self._names.get(path.parent, ())
        reachable = named and path.parent in self._names.get(path.parent.parent, ())
        return self._contents.get(path, b"") if reachable else b""


def _open_at(descriptor: int) -> Path:
    return Path(f"/proc/self/fd/{descriptor}").readlink()


async def upload_with_power_cuts(database_url: str, folder: Path, disk: Disk) -> None:
    """Two requests of two pieces each; after each acknowledgment its bytes are looked for on what a cut would leave."""
    async with upload_desk(database_url, LocalPhotoStore(folder)) as desk:
        upload_id = await desk.begin(len(DATA))
        for start in (0, 2000):
            body = Body(open_end=True)
            sending = asyncio.create_task(desk.send(upload_id, start, body))
            for end in (start + 1000, start + 2000):
                body.give(DATA[end - 1000 : end], ends=end == start + 2000)
                async with asyncio.timeout(30):
                    while not body.waits and not sending.done():  # noqa: ASYNC110 - the other task goes on
                        await asyncio.sleep(0.001)
                row = await desk.row(upload_id)
                assert row["committed"] == end
                left = b""
                for part in parts_of(row["parts"]):
                    left = left[: part.start] + disk.left(folder / upload_id[:2] / f"{upload_id}.{part.writer}")
                assert left == DATA[:end]
            await sending


def test_acknowledged_bytes_survive_a_power_cut(run, module_database_url, tmp_path, monkeypatch):
    run(upload_with_power_cuts(module_database_url, tmp_path, Disk(monkeypatch)))


BROKEN = {
    "no sync of the file": (os, "fdatasync", lambda descriptor: None),
    "no sync of its name": (photos, "_sync_folder", lambda folder: None),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_missing_sync_is_found_out(run, module_database_url, tmp_path, monkeypatch, what):
    """Negative control."""
    disk = Disk(monkeypatch)
    monkeypatch.setattr(*BROKEN[what])
    with pytest.raises(AssertionError):
        run(upload_with_power_cuts(module_database_url, tmp_path, disk))
