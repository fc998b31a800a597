"""One suite for every photo store: what is acknowledged is there, whoever writes late."""

import asyncio
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.domain.errors import StorageFull
from service.domain.uploads import StorageFailed
from service.storage.photos import LocalPhotoStore

ID = "ab" * 16


@pytest.fixture(params=[LocalPhotoStore])
def store(request, tmp_path):
    store = request.param(tmp_path / "photos")
    yield store
    store.close()


def read(tmp_path, epoch, upload_id=ID):
    return (tmp_path / "photos" / upload_id[:2] / f"{upload_id}.{epoch}").read_bytes()


def test_pieces_end_up_where_they_belong(run, store, tmp_path):
    """Positional: writing a piece twice changes nothing."""

    async def write():
        await store.write(ID, 1, 0, b"hello ")
        await store.write(ID, 1, 6, b"world")
        await store.write(ID, 1, 6, b"world")
        return await store.size(ID, 1)

    assert run(write()) == 11
    assert read(tmp_path, 1) == b"hello world"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    data=st.binary(min_size=1, max_size=400),
    cuts=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 60)), max_size=5),
)
def test_writers_that_take_over_continue_the_same_bytes(run, tmp_path, data, cuts):
    """Each writer starts with what was acknowledged; what the one before wrote beyond it does not count."""
    store = LocalPhotoStore(tmp_path / "photos")

    async def write():
        committed, epoch = 0, 0
        for cut, stray in [*sorted(cuts), (len(data), 0)]:
            cut = min(cut, len(data))
            if cut <= committed:
                continue
            if committed:
                await store.carry_over(ID, old=epoch, new=epoch + 1, size=committed)
            epoch += 1
            await store.write(ID, epoch, committed, data[committed:cut])
            if stray:
                await store.write(ID, epoch, cut, bytes(stray))  # written, never acknowledged
            committed = cut
        return epoch

    try:
        assert read(tmp_path, run(write()))[: len(data)] == data
    finally:
        store.close()


def test_late_writer_cannot_touch_acknowledged_bytes(run, store, tmp_path):
    """A request that wakes up after it lost the upload writes to its own file, or to none."""

    async def write():
        await store.write(ID, 1, 0, b"right")
        await store.carry_over(ID, old=1, new=2, size=5)
        await store.write(ID, 2, 5, b" bytes")
        await store.write(ID, 1, 5, b" WRONG")
        await store.remove(ID, 1)
        with pytest.raises(StorageFailed):
            await store.write(ID, 1, 11, b"later")
        return await store.size(ID, 1), await store.size(ID, 2)

    assert run(write()) == (-1, 11)
    assert read(tmp_path, 2) == b"right bytes"


def test_carrying_over_more_than_there_is_fails(run, store):
    """Acknowledged bytes that are missing are an error, never zeros."""

    async def carry():
        await store.write(ID, 1, 0, b"four")
        await store.carry_over(ID, old=1, new=2, size=5)

    with pytest.raises(StorageFailed):
        run(carry())


def test_unknown_photo_has_no_size_and_removing_it_is_no_error(run, store):
    assert run(store.size(ID, 1)) == -1
    run(store.remove(ID, 1))


@contextmanager
def smallest_files(limit: int) -> Iterator[None]:
    """The kernel lets this process write files of at most `limit` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_write_beyond_the_allowed_size_says_full(run, store):
    """Temporary, with a time to come back."""
    with smallest_files(1000), pytest.raises(StorageFull) as caught:
        run(store.write(ID, 1, 0, bytes(2000)))
    assert caught.value.temporary
    assert caught.value.retry_after_s


def test_full_disk_says_full_and_keeps_what_was_acknowledged(run, tmp_path):
    """A real full file system; when there is room again the upload goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a small file system: run the tests as root")
    store = LocalPhotoStore(disk / "photos")
    try:
        run(store.write(ID, 1, 0, bytes(20_000)))
        ballast = disk / "ballast"
        with suppress(OSError):
            ballast.write_bytes(bytes(64_000))
        with pytest.raises(StorageFull):
            run(store.write(ID, 1, 20_000, bytes(30_000)))
        ballast.unlink()
        run(store.write(ID, 1, 20_000, bytes(30_000)))
        assert run(store.size(ID, 1)) == 50_000
    finally:
        store.close()
        subprocess.run(["umount", disk], check=True)


def test_folder_that_cannot_be_used_is_refused_at_start(tmp_path):
    """A bad setting shows at the start, not with the first photo."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        LocalPhotoStore(tmp_path / "file")


def test_files_are_private(run, store, tmp_path):
    """Photos of identity cards are for nobody else on the machine."""
    run(store.write(ID, 1, 0, b"x"))
    assert (tmp_path / "photos" / "ab" / f"{ID}.1").stat().st_mode & 0o077 == 0


def test_a_clean_copy_is_whole_or_not_there(run, store, tmp_path):
    """Put twice, the last one counts; a removed one is gone, and removing it again is no error."""

    async def keep():
        sizes = [await store.copy_size(ID)]
        await asyncio.gather(store.keep(ID, b"first"), store.keep(ID, b"first"))
        sizes.append(await store.copy_size(ID))
        await store.keep(ID, b"the second")
        kept = await store.copy(ID)
        for _ in range(2):
            await store.remove_copy(ID)
        return [*sizes, await store.copy_size(ID)], kept

    assert run(keep()) == ([-1, 5, -1], b"the second")
    assert [path for path in (tmp_path / "photos").rglob("*") if path.is_file()] == []


def test_an_original_is_read_up_to_what_was_acknowledged(run, store):
    """Bytes beyond it are nobody's; fewer than acknowledged are a failure of the disk."""

    async def read(size):
        await store.write(ID, 1, 0, b"acknowledged and more")
        return await store.read(ID, 1, size)

    assert run(read(12)) == b"acknowledged"
    with pytest.raises(StorageFailed):
        run(read(100))
