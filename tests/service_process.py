"""Processes of the service, as a supervisor would run them, for the tests that look at them from outside."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LEAST = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1])}


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "service", *arguments]


@contextmanager
def running(*arguments: str, **variables: str) -> "Iterator[tuple[subprocess.Popen[bytes], dict[str, Any]]]":
    """A process that has said that it is ready, and what it said."""
    process = subprocess.Popen(
        command(*arguments), env=LEAST | variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin and process.stdout
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        try:
            process.wait(20)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
