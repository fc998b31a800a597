"""One house and one Chromium for the session. axe-core is installed by `make test-browser`."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import pictures, window
from tests.browser.house import House, raised
from tests.conftest import REPOSITORY
from tests.tools import need

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with raised(tmp_path_factory.mktemp("house"), _data("house")) as found:
        yield found


@pytest.fixture(scope="session")
def slow_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose gate lets one person in every two seconds: people wait."""
    with raised(tmp_path_factory.mktemp("slow-house"), _data("slow"), GATE_RATE="0.5") as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = need("chromium", package="chromium")
    if not window.AXE.exists():
        pytest.fail("axe-core is missing: run the browser tests by `make test-browser`")
    with sync_playwright() as driver:
        found = window.launched(driver.chromium, program)
        yield found
        found.close()


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As a chat program passes it on: about 150 KB."""
    return pictures.picture(tmp_path_factory.mktemp("photo") / "card.jpg", 1000, 700)


@pytest.fixture
def number() -> int:
    """Of an applicant that no other test of the session is."""
    return next(_numbers)


def _data(name: str) -> Path:
    return REPOSITORY / ".launchnight" / "browser" / f"{os.getpid()}-{name}"
