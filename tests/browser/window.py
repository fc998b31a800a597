"""One browser window of an applicant, as large as a cheap phone, with its content security policy switched on."""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserType, ConsoleMessage, Page

WIDTH, HEIGHT = 360, 640
AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN_AXE = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  return found.violations.map((each) => ({
    rule: each.id, help: each.help, where: each.nodes.map((node) => `${node.target}: ${node.failureSummary}`),
  }));
}"""
_LAYOUT = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const small = [...document.querySelectorAll('main button, main input, main select, main textarea, main .button')]
    .map((each) => [each, (each.closest('label') ?? each).getBoundingClientRect()])
    .filter(([each, box]) => each.type !== 'hidden' && each.checkVisibility() && (box.height < 44 || box.width < 44))
    .map(([each]) => each.outerHTML.slice(0, 100));
  const inline = document.querySelectorAll('[style], style, script:not([src]), [onclick], [onsubmit]').length;
  return {wide, small, inline};
}"""

_TEXT = """() => {
  const body = document.body.cloneNode(true), language = document.documentElement.lang;
  for (const each of body.querySelectorAll(`select, [lang]:not([lang=${language}])`)) each.remove();
  return body.textContent;
}"""
"""What is written on the page in its own language; names of places stay as they are."""
_SLUG = re.compile("^/daftar/(en/)?")
_OTHER_LANGUAGE = {
    "id": re.compile(r"\b(the|your|you|and|with|this|that|not|for|please|error|invalid)\b", re.IGNORECASE),
    "en": re.compile(r"\b(anda|yang|dan|tidak|untuk|dengan|atau|ini|sudah|belum|ketik|pilih)\b", re.IGNORECASE),
}


def launched(chromium: BrowserType, program: str) -> Browser:
    """Chromium as it comes with the system; as root it runs only without its sandbox."""
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    return chromium.launch(executable_path=program, args=options)


@dataclass
class Window:
    page: Page
    script: bool
    language: str = "id"
    complaints: list[str] = field(default_factory=list)
    """What the console said of errors and of violations of the policy."""
    judged: set[str] = field(default_factory=set)
    """Slugs of the pages that were looked at."""
    refused: set[int] = field(default_factory=set)
    """Status numbers of pages that are expected: a refused form says 422, and the console repeats it."""

    def hear(self, message: ConsoleMessage) -> None:
        expected = any(f"status of {status} " in message.text for status in self.refused)
        if message.type in ("error", "warning") and not expected:
            self.complaints.append(message.text)

    def look(self) -> None:
        """Judge the page as it stands: nothing beside the screen, no small targets, nothing inline, no word of the
        other language, no fault found by axe, no complaint on the console.

        axe is evaluated through the driver, so the policy stays on. It needs timers, so only with script.
        """
        where = self.page.url
        self.judged.add(_SLUG.sub("", urlsplit(where).path))
        layout: dict[str, Any] = self.page.evaluate(_LAYOUT)
        assert layout == {"wide": 0, "small": [], "inline": 0}, (where, layout)
        assert self.page.locator("h1").count() == 1, where
        assert self.page.locator("html").get_attribute("lang") == self.language, where
        strangers = _OTHER_LANGUAGE[self.language].findall(self.page.evaluate(_TEXT))
        assert strangers == [], (where, strangers)
        if self.script:
            self.page.evaluate(AXE.read_text())
            faults = self.page.evaluate(_RUN_AXE, _TAGS)
            assert faults == [], (where, json.dumps(faults, indent=1))
        assert self.complaints == [], (where, self.complaints)


@contextmanager
def opened(browser: Browser, *, script: bool = True, language: str = "id", width: int = WIDTH) -> Iterator[Window]:
    """A window without any memory."""
    context = browser.new_context(
        java_script_enabled=script, viewport={"width": width, "height": HEIGHT}, device_scale_factor=2, has_touch=True
    )
    try:
        page = context.new_page()
        page.set_default_timeout(15_000)
        window = Window(page, script, language)
        page.on("console", window.hear)
        page.on("pageerror", lambda error: window.complaints.append(str(error)))
        yield window
    finally:
        context.close()
