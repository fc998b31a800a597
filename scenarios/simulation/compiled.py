"""How the simulation is compiled: the one place that knows numba's options and where the compiled code is kept.

A kernel is a function over flat arrays that is compiled as a whole (`ready`). What it calls is `shared`: plain Python
for Python, compiled for a kernel, like the rules of the service (scenarios.simulation.rules). No fastmath and no
parallel loops: both change the digits.

numba keeps compiled kernels on disk and throws one away when the kernel's own file changed, but not when a function it
calls did, in another file: then it silently gives the old results. So the folder is named after a digest over
every source that could be compiled into a kernel; what is not in a folder of the right name does not exist.
"""

import fcntl
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numba
import numpy as np
from numba.extending import register_jitable

from scenarios.simulation import rules

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("scenarios/*.py", "scenarios/simulation/*.py", "service/domain/*.py")
"""More than the modules with compiled functions: a constant that is compiled in may come from any they import."""
UNUSED_DAYS = 14
"""Then compiled code of another version of the sources is thrown away: each is some megabytes."""
PLAIN = "LAUNCHNIGHT_PLAIN"
"""The environment variable that lets kernels run uncompiled, about a hundred times slower, under any debugger."""

CONFIG: Any = numba.config
"""Its attributes come from the environment, so no type checker knows them."""
RULES = rules.RULES
"""Importing them registers them: every kernel may call them."""

Function = TypeVar("Function", bound=Callable[..., Any])


def shared(function: Function) -> Function:
    """The same function, which kernels may call from now on. It may allocate nothing: arrays come from outside."""
    register_jitable(_nrt=False, **rules.CALLED)(function)
    return function


def inlined(function: Function) -> Function:
    """As `shared`, and taken into the kernel rather than called.

    For what each timer goes through, from few places: an array is handed over by value, seven words of it, so that a
    call of a function of the wheel is sixty instructions before it begins.
    """
    register_jitable(_nrt=False, **rules.INLINED)(function)
    return function


@shared
def whole(x: Any) -> int:
    """A number from an array of narrow ones as one of 64 bits; `int` would leave it narrow where it is compiled."""
    return int(np.int64(x))


def ready(kernel: Function, plain: bool | None = None) -> Function:
    """`kernel` compiled, from disk where it was before; uncompiled if `plain`, or where LAUNCHNIGHT_PLAIN is 1."""
    if plain is None:
        plain = os.environ.get(PLAIN, "0") not in ("", "0")
    return kernel if plain else _compiled(kernel)


@cache
def _compiled(kernel: Any) -> Any:
    folder = cache_folder()
    if folder is None:
        return numba.njit(nogil=True)(kernel)
    before = CONFIG.CACHE_DIR
    CONFIG.CACHE_DIR = str(folder)  # read when a function is made ready, and not again
    try:
        return Kernel(numba.njit(cache=True, nogil=True)(kernel), folder / f"{kernel.__name__}.lock")
    finally:
        CONFIG.CACHE_DIR = before


class Kernel:
    """A kernel that one process compiles, while others that want it wait for what that leaves on disk: it takes a
    minute, and they would all take it from each other's cores."""

    def __init__(self, dispatcher: Any, lock: Path) -> None:
        self.dispatcher = dispatcher
        self._lock = lock

    def __call__(self, *arguments: Any) -> Any:
        if not self.dispatcher.signatures:
            with self._lock.open("w") as held:
                fcntl.flock(held, fcntl.LOCK_EX)
                self.dispatcher.compile(tuple(map(numba.typeof, arguments)))
        return self.dispatcher(*arguments)


@cache
def cache_folder() -> Path | None:
    """Where kernels of these sources are kept on disk; None where nothing can be written.

    Below NUMBA_CACHE_DIR if that is set, else in the clone, else where the system keeps such things for its user.
    """
    folder = _caches() / source_digest(ROOT)[:20]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):
        return None
    forget_unused(folder.parent)
    return folder


def _caches() -> Path:
    if CONFIG.CACHE_DIR:
        return Path(CONFIG.CACHE_DIR)
    if (ROOT / "pyproject.toml").exists():
        return ROOT / ".launchnight" / "numba"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "launchnight" / "numba"


def source_digest(root: Path) -> str:
    """64 hex digits over all that decides what a kernel of the sources under `root` compiles to."""
    found = hashlib.sha256()
    made_by = (sys.version, numba.__version__, version("llvmlite"), np.__version__, str(CONFIG.BOUNDSCHECK))
    for part in made_by:
        found.update(part.encode() + b"\0")
    for path in sorted(path for pattern in SOURCES for path in root.glob(pattern)):
        content = path.read_bytes()
        found.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return found.hexdigest()


def forget_unused(caches: Path) -> None:
    """Throws away folders that no process has used for UNUSED_DAYS."""
    for folder in caches.iterdir():
        if len(folder.name) == 20 and folder.stat().st_mtime < time.time() - UNUSED_DAYS * 86_400:
            shutil.rmtree(folder, ignore_errors=True)
