"""Room on the disk."""

from pathlib import Path

import pytest

from loadtests.harness import disk
from loadtests.harness.disk import GB, DiskGuard, check_room, needed_bytes, used_bytes
from loadtests.harness.errors import Refusal


def test_used_bytes_counts_every_file_below(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one").write_bytes(b"x" * 1000)
    (tmp_path / "two").write_bytes(b"x" * 500)
    assert used_bytes(tmp_path) == 1500
    assert used_bytes(tmp_path / "nowhere") == 0


def test_a_plan_beyond_the_cap_is_refused_before_the_start(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"--disk-cap-gb"):
        check_room(tmp_path, planned=100_000, cap_bytes=8 * GB)


def test_too_little_free_space_is_refused_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda folder: needed_bytes(100) + disk.FLOOR_BYTES - 1)
    with pytest.raises(Refusal, match=r"make room"):
        check_room(tmp_path, planned=100, cap_bytes=8 * GB)
    check_room(tmp_path, planned=99, cap_bytes=8 * GB)


def test_the_room_of_a_folder_that_is_not_there_yet_is_its_parents(tmp_path: Path) -> None:
    assert disk.free_bytes(tmp_path / "a" / "b") > 0


def test_the_guard_stops_at_the_cap(tmp_path: Path) -> None:
    guard = DiskGuard([tmp_path], cap_bytes=1000, floor_bytes=0)
    assert guard.fault() is None
    (tmp_path / "photo").write_bytes(b"x" * 1001)
    faults = [guard.fault() for _ in range(DiskGuard.WALK_EVERY)]
    assert [fault for fault in faults if fault] and "--disk-cap-gb" in str(faults[-1])


def test_the_guard_stops_at_the_floor_at_every_look(tmp_path: Path) -> None:
    guard = DiskGuard([tmp_path], cap_bytes=8 * GB, floor_bytes=10**18)
    assert "make room" in str(guard.fault())
    assert "make room" in str(guard.fault())
