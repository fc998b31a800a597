"""A process that a test starts, and that never outlives it."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def child_process(command: Sequence[str | Path], **how: Any) -> "Iterator[subprocess.Popen[Any]]":
    """It runs while the block does: what is left of it then is killed, however the block ended, so nobody waits for it.

    how: as for subprocess.Popen.
    """
    with subprocess.Popen(command, **how) as process:
        try:
            yield process
        finally:
            process.kill()
