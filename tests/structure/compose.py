"""docker-compose.yml as the real Compose parser reads it; no engine is needed."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
SERVICE = ("migrate", "web", "worker", "gatekeeper")
"""The containers of the image of the service."""


def parsed(*arguments: str, text: str | None = None) -> "subprocess.CompletedProcess[str]":
    """What the parser says of our file, or of `text` in its place."""
    program = Path(sys.executable).with_name("docker-compose")
    return subprocess.run(
        [program, "--project-directory", ROOT, "--file", "-", *arguments],
        input=FILE.read_text() if text is None else text,
        env={"PATH": "/usr/bin"},  # defaults are what is tested, not the variables of whoever runs this
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def document() -> dict[str, Any]:
    """The whole file, every profile, resolved."""
    done = parsed("--profile", "*", "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = document()["services"]
    return found
