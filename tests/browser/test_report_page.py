"""The report of a run in Chromium: in both languages, by day and by night, on a phone and on paper."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import reports
from tests.browser.report_page import PAPER, PHONE, Scheme, seen
from tests.unit.synthetic_run import SyntheticRun

STRANGERS = {
    "id": re.compile(r"\b(the|and|with|this|that|not|were|which|people|requests)\b", re.IGNORECASE),
    "en": re.compile(r"\b(yang|dan|tidak|untuk|dengan|atau|dari|orang|jawaban)\b", re.IGNORECASE),
}
"""Words that tell of the other language."""


@pytest.fixture(scope="module", params=reports.LANGUAGES)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = SyntheticRun().write(tmp_path_factory.mktemp("run") / "record", scrape_s=10.0)
    reports.write(folder, request.param)
    return folder / "report.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_fetched(browser: Browser, report: Path, scheme: Scheme) -> None:
    with seen(browser, report, scheme) as sight:
        assert sight.faults() == []
        assert sight.asked == []


def test_a_page_speaks_one_language_and_fits_a_phone(browser: Browser, report: Path) -> None:
    """What the record holds in English is marked as English; nothing lies beside the screen, on paper neither."""
    with seen(browser, report) as sight:
        language = sight.page.locator("html").get_attribute("lang")
        assert language in STRANGERS
        words = sight.words()
        assert [words[found.start() - 40 : found.end() + 20] for found in STRANGERS[language].finditer(words)] == []
        assert sight.beside(PHONE[0]) == 0
        sight.page.emulate_media(media="print")
        assert sight.beside(PAPER[0]) == 0


def test_a_fault_would_be_found(browser: Browser, report: Path, tmp_path: Path) -> None:
    """The same page with letters too faint, something wide, and a picture to fetch."""
    spoiled = tmp_path / "report.html"
    text = report.read_text().replace("</main>", '<p style="color:#999;background:#aaa;width:999px">faint</p></main>')
    spoiled.write_text(text.replace("<main>", '<main><img alt="" src="none.png">'))
    with seen(browser, spoiled) as sight:
        assert any("color-contrast" in fault for fault in sight.faults())
        assert sight.asked == [(tmp_path / "none.png").as_uri()]
        assert sight.beside(PHONE[0]) > 0
