"""`make pages-sheet`: photographs every page on a phone's screen into docs/images/pages, and writes docs/pages.md.

The pictures show a synthetic applicant of a service that is started for it. A palette of 256
colors keeps them small.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser import tour, window
from tests.browser.applicant import Applicant, Walk, button
from tests.browser.house import House, raised
from tests.browser.pictures import picture
from tests.browser.window import Window, opened
from tests.conftest import REPOSITORY

PAGE = REPOSITORY / "docs/pages.md"
PICTURES = REPOSITORY / "docs/images/pages"
README_PICTURE = REPOSITORY / "docs/images/pages.png"
README_SHOWS = ("start", "line-waiting", "account-refused", "status-pending", "joined")

WAITING = {"line-waiting": "A place in line: it renews itself, and a closed page loses nothing"}
ENGLISH = {
    "start-en": "The start page in English",
    "line-en": "The waiting room",
    "account-en": "Making an account",
    "account-refused-en": "A refused form",
    "code-en": "Typing the code",
    "status-en": "Every step and its state",
}
WIDE = {"start-wide": "On a computer"}
SECTIONS = (
    ("The way", tour.CAPTIONS),
    ("Waiting", WAITING),
    ("Beside the way", tour.ASIDE),
    ("In English", ENGLISH),
    ("On a wide screen", WIDE),
)
WIB = timezone(timedelta(hours=7))
_ROW = 4
_AHEAD = 240
_COLORS = 256


class Camera:
    """Keeps a picture of the window under a name, whole and at the width of the screen."""

    def __init__(self, window: Window, suffix: str = "", only: frozenset[str] = frozenset()) -> None:
        self._window = window
        self._suffix = suffix
        self._only = only

    def __call__(self, name: str) -> None:
        name += self._suffix
        if self._only and name not in self._only:
            return
        self._window.look()
        path = PICTURES / f"{name}.png"
        self._window.page.screenshot(path=path, full_page=True, scale="css")
        with Image.open(path) as image:
            small = image.convert("RGB").quantize(_COLORS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        print(path.relative_to(REPOSITORY), file=sys.stderr)


@contextmanager
def houses() -> Iterator[tuple[House, House]]:
    """One whose gate is wide open, and one with a long line. Their wave closes in five days at 16:00, as it did."""
    closes_at = f"{datetime.now(WIB).date() + timedelta(days=5)}T16:00:00+07:00"
    with TemporaryDirectory() as folder:
        home = REPOSITORY / ".launchnight" / "browser"
        with (
            raised(Path(folder), home / "sheet", WAVE_CLOSES_AT=closes_at) as wide,
            raised(Path(folder), home / "sheet-slow", WAVE_CLOSES_AT=closes_at, GATE_RATE="0.3") as narrow,
        ):
            yield wide, narrow


def photograph(browser: Browser, house: House, slow_house: House, photo: Path) -> None:
    applicant = Applicant(1)
    with opened(browser) as window:
        walk = Walk(house, window, applicant)
        tour.to_account(walk, Camera(window))
        tour.to_joined(walk, photo, Camera(window))
    applicant = Applicant(2)
    with opened(browser, language="en") as window:
        tour.to_account(Walk(house, window, applicant), Camera(window, "-en", frozenset(ENGLISH)))
    with opened(browser) as window:
        walk = Walk(house, window, applicant)
        tour.come_back(walk, Camera(window))
        tour.answers_of_the_registry(walk, Camera(window))
        tour.odds_and_ends(walk, photo, Camera(window))
        tour.at_a_desk(walk, Camera(window))
        tour.for_everybody(walk, Camera(window))
    with opened(browser) as window:
        for each in range(_AHEAD):
            slow_house.ask("/tickets", f"sheet-{each}")
        Walk(slow_house, window, applicant).take_ticket()
        button(window.page, "ticket").wait_for(state="detached")
        Camera(window)("line-waiting")
    with opened(browser, width=1024) as window:
        window.page.goto(house.address(""))
        Camera(window)("start-wide")


_IN_THE_SWARM = """
A share of a night's people (`population.without_javascript`, 3 in 100 of the shipped one; `--without-javascript` for a
run) goes the whole way through these pages as a browser without JavaScript does: it keeps the cookie, opens each page,
sends its form with what is hidden in it, follows the 303, waits as long as the page says, and sends photos whole as
`multipart/form-data`. That makes 78 requests where the API takes 41. Refusals are read from `data-problem` of `<main>`,
which holds the problem's code and, for codes, the reason. A form with another field than the browser knows, or a page
that is none, ends the run with a defect: the crowd does not guess. Pages show few ids, so most receipts of these people
say only that an effect is there (`unnamed ...`); the audit counts them against the effects that nobody was told of by
id. Others only look: a page or a few, then they leave ([people.md](people.md#people-who-only-look)). Routes `pages-*`,
`files-form` for photos, and `swarm_onlookers_*`: [metrics.md](metrics.md).
"""


def written() -> str:
    """The page that shows them all."""
    lines = [
        "# The applicant's pages",
        "",
        "Every page and state as it stands on a phone of 360 x 640, photographed by `make pages-sheet` from the running"
        " service with a synthetic applicant. `make test-browser` walks the same way and judges each of them: axe finds"
        " no fault, nothing lies beside the screen, targets are large enough, the content security policy stays on.",
        "",
    ]
    for title, captions in SECTIONS:
        lines += [f"## {title}", "", *_table(captions), ""]
    lines += ["## In the swarm", "", " ".join(_IN_THE_SWARM.split()), ""]
    return "\n".join(lines)


def _table(captions: dict[str, str]) -> list[str]:
    rows = []
    names = list(captions)
    for start in range(0, len(names), _ROW):
        row = names[start : start + _ROW]
        cells = "".join(
            f'<td valign="top"><img src="images/pages/{name}.png" width="200" alt="{captions[name]}"><br>'
            f"{captions[name]}</td>"
            for name in row
        )
        rows.append(f"<tr>{cells}</tr>")
    return ["<table>", *rows, "</table>"]


def _side_by_side() -> None:
    """The picture of the README: a few pages in a row, cut to one height."""
    pages = [Image.open(PICTURES / f"{name}.png").convert("RGB") for name in README_SHOWS]
    height, gap = window.HEIGHT + 40, 16
    row = Image.new("RGB", (len(pages) * (window.WIDTH + gap) + gap, height + 2 * gap), "#d5dbe1")
    for number, page in enumerate(pages):
        place = Image.new("RGB", (window.WIDTH, height), "#fff")
        place.paste(page.crop((0, 0, window.WIDTH, height)) if page.height > height else page)
        row.paste(place, (gap + number * (window.WIDTH + gap), gap))
    row.quantize(_COLORS, dither=Image.Dither.NONE).save(README_PICTURE, optimize=True)


def main() -> None:
    program = shutil.which("chromium")
    if program is None:
        sys.exit("chromium is missing; the fix on Debian: apt-get install chromium")
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir(parents=True)
    with houses() as (house, slow_house), sync_playwright() as driver, TemporaryDirectory() as folder:
        browser = window.launched(driver.chromium, program)
        photograph(browser, house, slow_house, picture(Path(folder) / "card.jpg", 1000, 700))
        browser.close()
    _side_by_side()
    PAGE.write_text(written())


if __name__ == "__main__":
    main()
