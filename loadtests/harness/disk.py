"""Room on the disk: enough before the start, never filled during the run."""

import os
import shutil
from pathlib import Path

from loadtests.harness.errors import Refusal

GB = 1_000_000_000

FLOOR_BYTES = 1 * GB
"""Free space under which a run stops: PostgreSQL and the machine itself need room to end in order."""

BYTES_PER_PERSON = 800_000
"""Two photos (median 250 KB, some of raw camera size) and the rows, WAL and samples of one applicant."""

BASE_BYTES = 200_000_000
"""An empty cluster with its first WAL segments, the photo corpus, logs."""


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written where `folder` is or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def used_bytes(folder: Path) -> int:
    """Bytes of all files below `folder`; a file that vanishes meanwhile counts nothing."""
    total = 0
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue
    return total


def needed_bytes(planned: int) -> int:
    """Bytes that a rehearsal with `planned` applicants writes at most, roughly."""
    return BASE_BYTES + planned * BYTES_PER_PERSON


def check_room(folder: Path, *, planned: int, cap_bytes: int) -> None:
    """Raises Refusal when the disk or the cap cannot hold what the rehearsal will write."""
    need = needed_bytes(planned)
    free = free_bytes(folder)
    if need > cap_bytes:
        raise Refusal(
            f"{planned:,} applicants need about {_gb(need)}, the cap is {_gb(cap_bytes)}: "
            "raise it with --disk-cap-gb, or plan fewer with --people or --minutes"
        )
    if free < need + FLOOR_BYTES:
        raise Refusal(
            f"{folder} has {_gb(free)} free; {planned:,} applicants need about {_gb(need)} "
            f"and {_gb(FLOOR_BYTES)} must stay free: make room, or plan fewer with --people or --minutes"
        )


class DiskGuard:
    """Says when a run must stop: the floor is looked at often, the cap (a walk over all files) seldom."""

    WALK_EVERY = 10
    """Looks: at 2 s a look and 10 MB/s of photos the cap is passed by 200 MB at most; the floor is never."""

    def __init__(self, folders: list[Path], *, cap_bytes: int, floor_bytes: int = FLOOR_BYTES) -> None:
        self._folders = folders
        self._cap = cap_bytes
        self._floor = floor_bytes
        self._looks = 0

    def fault(self) -> str | None:
        """What is wrong now, with the fix; None while there is room."""
        for folder in self._folders:
            if (free := free_bytes(folder)) < self._floor:
                return f"only {_gb(free)} left on the disk of {folder}: make room and run again"
        self._looks += 1
        if self._looks % self.WALK_EVERY == 1:
            used = sum(used_bytes(folder) for folder in self._folders)
            if used > self._cap:
                return f"the run has written {_gb(used)}, the cap is {_gb(self._cap)}: raise it with --disk-cap-gb"
        return None


def _gb(size: int) -> str:
    return f"{size / GB:.1f} GB"
