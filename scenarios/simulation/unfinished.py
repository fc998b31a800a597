"""The run folder that a simulation is filling: whoever ends before it is whole removes it, and nobody else's.

Who makes a folder has it: making is one step of the file system, so of two commands that want one name one gets it.
The process of a seed fills the folder of its command.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import NoReturn

LONGEST_NAME = 200
"""Bytes of a night's name, as for rehearsals: with the time before it and a number behind it file systems take 255."""


class Unfinished:
    """At most one folder, known to the thread that fills it and to the one that may have to end the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._folder: Path | None = None

    @contextmanager
    def made(self, runs: Path, night_name: str, out: Path | None = None) -> Iterator[Path]:
        """Make it: `out`, else one below `runs`; it stays when the block ends well.

        Raises ValueError for a night whose name is no folder's, and where `out` is there already; OSError.
        """
        with self._lock:
            self._folder = _new(runs, night_name) if out is None else _named(out)
        with self._filled(self._folder) as folder:
            yield folder

    @contextmanager
    def taken(self, folder: Path) -> Iterator[Path]:
        """One that was made for this process."""
        with self._lock:
            self._folder = folder
        with self._filled(folder):
            yield folder

    def end(self, code: int) -> NoReturn:
        """Remove it if it is not whole, and end this process at once."""
        with self._lock:  # and never give it back, so that nothing is made or declared whole any more
            self._remove()
            os._exit(code)

    @contextmanager
    def _filled(self, folder: Path) -> Iterator[Path]:
        try:
            yield folder
        except BaseException:
            with self._lock:
                self._remove()
            raise
        with self._lock:
            self._folder = None

    def _remove(self) -> None:
        folder, self._folder = self._folder, None
        if folder is None:
            return
        with suppress(OSError):  # gone in one step for whoever still writes into it by its name
            folder = folder.rename(folder.with_name(f".removed-{os.getpid()}"))
        shutil.rmtree(folder, ignore_errors=True)


def _named(out: Path) -> Path:
    try:
        out.mkdir(parents=True)
    except FileExistsError:
        raise ValueError(f"--out: {out} is there already; name a folder that is not, or take --runs") from None
    return out


def _new(runs: Path, night_name: str) -> Path:
    """Make a folder whose name was free below `runs`."""
    if not night_name.isprintable() or set(night_name) & set("/\\") or len(os.fsencode(night_name)) > LONGEST_NAME:
        raise ValueError(
            f"the night's name {night_name!r} cannot be part of a folder's name: give it another, or --out"
        )
    runs.mkdir(parents=True, exist_ok=True)
    stamp = f"{datetime.now():%Y%m%d-%H%M%S}-{night_name}-simulated"
    for number in count(1):
        folder = runs / (stamp if number == 1 else f"{stamp}-{number}")
        with suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise AssertionError("there is always another number")
