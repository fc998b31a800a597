"""Where a process says where its metrics are, for Prometheus's file discovery.

Each process takes the lowest free slot of its role, holds it by a file lock and writes `ROLE-SLOT.json`. The slot names
its series (`instance="web-2"`), so that they go on when another process takes the place of one that was killed. After
a clean end the file goes; after a kill it stays, its target is seen to be down, and the next process overwrites it.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

EVERYWHERE = ("0.0.0.0", "::", "")
"""Listening on all addresses: others reach us by the machine's name."""


@contextmanager
def announced(folder: Path | None, role: str, host: str, port: int) -> Iterator[None]:
    """Keep `role` announced at host:port while the block runs; a folder of None announces nothing.

    Raises OSError when the folder cannot be written to.
    """
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock, slot = _claim(folder, role)
    name = f"{role}-{slot}"
    target = folder / f"{name}.json"
    address = socket.gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    try:
        _write(target, [{"targets": [f"{address}:{port}"], "labels": {"job": role, "instance": name}}])
        try:
            yield
        finally:
            target.unlink(missing_ok=True)
    finally:
        os.close(lock)  # and with it the slot


def _claim(folder: Path, role: str) -> tuple[int, int]:
    """The lock of the lowest free slot, held, and its number from 1. Lock files stay: to remove one would free two
    processes to hold the same slot."""
    for slot in count(1):
        lock = os.open(folder / f"{role}-{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        except BaseException:
            os.close(lock)
            raise
        else:
            return lock, slot
    raise AssertionError("count() has no end")


def _write(path: Path, groups: list[dict[str, object]]) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(groups))
    draft.replace(path)  # Prometheus watches the folder and must never read half a file
