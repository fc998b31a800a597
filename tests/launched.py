"""The command `launchnight` as a process under way, for tests that watch it or end it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.harness.processes import environment
from tests.children import child_process


@contextmanager
def launchnight(folder: Path, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
    """It runs in `folder`, with an embedded database and no settings from outside; what is left of it is killed."""
    folder.mkdir(parents=True, exist_ok=True)
    with child_process(
        [sys.executable, "-m", "loadtests.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env={name: value for name, value in environment({}).items() if name != "DATABASE_URL"},
    ) as process:
        yield process
