"""The whole way, from the start page to joined, on a phone's screen: with script in both languages, and without."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Browser

from service.actions.upload_writers import Writers
from service.metrics import Metrics
from service.web.pages import site
from tests.browser import tour
from tests.browser.applicant import Applicant, Walk
from tests.browser.house import House
from tests.browser.window import opened

pytestmark = pytest.mark.timeout(150)


@pytest.mark.parametrize(("language", "script"), [("id", True), ("en", True), ("id", False)])
def test_from_the_start_page_to_joined(
    browser: Browser, house: House, photo: Path, number: int, language: str, script: bool
) -> None:
    """Every page and every refused form of the way is judged as it stands there; nothing complains on the console."""
    seen: list[str] = []
    with opened(browser, script=script, language=language) as window:

        def look(name: str) -> None:
            seen.append(name)
            window.look()

        walk = Walk(house, window, Applicant(number))
        tour.to_account(walk, look)
        tour.to_joined(walk, photo, look)
    assert seen == list(tour.CAPTIONS)
    assert window.judged == slugs() - tour.ASIDE_ONLY


def slugs() -> set[str]:
    """Of every page there is; of those with a number the first."""
    ports: Any = SimpleNamespace(policy=SimpleNamespace(synthetic_people=True))
    settings: Any = SimpleNamespace(photo_max_bytes=1)
    return {
        re.sub("{.*}", "1", page.slug.replace("{code}", "3372"))
        for page in site.pages(ports, Metrics(), Writers(), settings)
    }
