"""Processes of the service, as a supervisor would run them, for the tests that look at them from outside."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.children import child_process

LEAST = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1])}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "service", *arguments]


@contextmanager
def running(*arguments: str, **variables: str) -> "Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]":
    """A process that has said that it is ready, and what it said."""
    pipe = subprocess.PIPE
    with child_process(command(*arguments), env=LEAST | variables, stdin=pipe, stdout=pipe) as process:
        assert process.stdin and process.stdout
        yield process, json.loads(process.stdout.readline())
        process.stdin.close()
        process.wait(20)
