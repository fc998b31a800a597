"""A report in Chromium: what axe finds, what it asks of the network, whether anything lies beside the screen."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, Page, Request

from tests.browser import window

Scheme = Literal["light", "dark"]
PHONE, DESK, PAPER = (360, 640), (1280, 900), (794, 1123)
"""CSS pixels; paper is A4 at 96 to the inch."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_BESIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
_OPEN_ALL = "document.querySelectorAll('details').forEach((each) => { each.open = true; })"
_FAULTS = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  return found.violations.map((each) =>
    `${each.id}: ${each.help}: ${each.nodes.slice(0, 3).map((node) => node.target)}`);
}"""
_TEXT = """(language) => {
  const body = document.body.cloneNode(true);
  for (const each of body.querySelectorAll(`[lang]:not([lang=${language}]), style`)) each.remove();
  return body.textContent;
}"""


@dataclass
class Sight:
    """One report that is looked at. asked: every address that the page asked for beside itself."""

    page: Page
    asked: list[str] = field(default_factory=list)

    def beside(self, width: int) -> int:
        """CSS pixels that lie beside a screen of this width, all details open."""
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.evaluate(_OPEN_ALL)
        wide: int = self.page.evaluate(_BESIDE)
        return wide

    def faults(self) -> Sequence[str]:
        """What axe finds, all details open."""
        self.page.evaluate(_OPEN_ALL)
        self.page.evaluate(window.AXE.read_text())
        found: list[str] = self.page.evaluate(_FAULTS, RULES)
        return found

    def words(self) -> str:
        """What is written in the page's own language."""
        text: Any = self.page.evaluate(_TEXT, self.page.locator("html").get_attribute("lang"))
        return str(text)


@contextmanager
def seen(browser: Browser, report: Path, scheme: Scheme = "light", size: tuple[int, int] = PHONE) -> Iterator[Sight]:
    """The report, opened from its file."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
    try:
        page = context.new_page()
        sight = Sight(page)

        def heard(request: Request) -> None:
            if request.url != report.as_uri():
                sight.asked.append(request.url)

        page.on("request", heard)
        page.goto(report.as_uri())
        yield sight
    finally:
        context.close()


def told(faults: Sequence[str]) -> str:
    return json.dumps(faults, indent=1)
