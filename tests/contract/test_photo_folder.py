"""Photos in a folder: what only a disk can do to them."""

import subprocess
from contextlib import suppress

import pytest

from service.domain.errors import StorageFull
from service.domain.uploads import Part, StorageFailed
from service.storage.photos import LocalPhotoStore
from tests.full_disk import smallest_files

ID = "ab" * 16
FIRST = Part(1, 0)


@pytest.fixture
def store(tmp_path):
    store = LocalPhotoStore(tmp_path / "photos")
    yield store
    store.close()


def test_a_removed_file_is_not_made_anew_by_a_late_piece(run, store):
    """Who took over may have removed it: what comes late must not lie there for ever."""
    run(store.write(ID, FIRST, 0, b"first"))
    run(store.remove(ID, 1))
    with pytest.raises(StorageFailed):
        run(store.write(ID, FIRST, 5, b"late"))
    assert run(store.size(ID, [FIRST], 5)) == 0


def test_write_beyond_the_allowed_size_says_full(run, store):
    """Temporary, with a time to come back."""
    with smallest_files(1000), pytest.raises(StorageFull) as caught:
        run(store.write(ID, FIRST, 0, bytes(2000)))
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
        run(store.write(ID, FIRST, 0, bytes(20_000)))
        ballast = disk / "ballast"
        with suppress(OSError):
            ballast.write_bytes(bytes(64_000))
        with pytest.raises(StorageFull):
            run(store.write(ID, FIRST, 20_000, bytes(30_000)))
        ballast.unlink()
        run(store.write(ID, FIRST, 20_000, bytes(30_000)))
        assert run(store.size(ID, [FIRST], 50_000)) == 50_000
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
    run(store.write(ID, FIRST, 0, b"x"))
    assert (tmp_path / "photos" / "ab" / f"{ID}.1").stat().st_mode & 0o077 == 0


def test_a_clean_copy_leaves_no_draft(run, store, tmp_path):
    """It gets its name when it is whole."""
    run(store.keep(ID, b"clean"))
    assert [path.name for path in (tmp_path / "photos").rglob("*") if path.is_file()] == [f"{ID}.clean"]
    run(store.remove_copy(ID))
    assert [path for path in (tmp_path / "photos").rglob("*") if path.is_file()] == []
