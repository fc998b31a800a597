"""Tools from outside Python that a test needs."""

import os
import shutil

import pytest

SYSTEM_PROGRAMS = "/usr/sbin"
"""Where Debian puts nginx, which is not on everybody's PATH."""


def need(program: str, *, package: str) -> str:
    """The program's path. Without it the test is skipped with the fix, or fails where CI=true."""
    found = shutil.which(program) or shutil.which(program, path=SYSTEM_PROGRAMS)
    if found is None:
        text = f"{program} is missing; the fix on Debian: apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    return found
