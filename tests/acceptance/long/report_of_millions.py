"""B: the report of a run with two million applicants is built in 5 s, weighs 250 KB, and is fit to be read.

`make acceptance NAME=report-of-millions`: rehearses the opening for two minutes (or takes a finished run, `--run`),
grows its record to two million people with every metric that the run has, and builds the report by the command, in both
languages. Each page must be small, ask the network for nothing, stand axe by day and by night and fit a phone and A4.
The pages and pictures of them stay in `--folder`. Ends with 3 when a bar is missed, with 2 without Chromium or axe.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

import reports
from loadtests.harness.errors import Exit
from tests.acceptance.long.swarm_runs import Bars
from tests.browser import window
from tests.browser.report_page import DESK, PAPER, PHONE, Scheme, seen
from tests.conftest import REPOSITORY
from tests.grown_record import grow

PEOPLE = 2_000_000
WITHIN_S = 5.0
MOST_BYTES = 250_000
BUILDS = 3
"""The least of so many counts: what else runs on the machine only ever adds."""
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
LAUNCHNIGHT = [sys.executable, "-m", "loadtests.cli"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=report-of-millions", description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=PEOPLE, help="in the record (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of who becomes what (%(default)s)")
    parser.add_argument("--run", type=Path, help="a finished run to grow, instead of a rehearsal")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".launchnight" / "report-of-millions",
                        help="where pages and pictures go (%(default)s)")  # fmt: skip
    options = parser.parse_args()
    program = shutil.which("chromium")
    if program is None or not window.AXE.exists():
        print(
            "cannot prove: chromium (apt-get install chromium) or axe (make test-browser) is missing", file=sys.stderr
        )
        return Exit.USAGE
    shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True)
    bars = Bars()
    with tempfile.TemporaryDirectory() as work:
        run = options.run or rehearsed(Path(work) / "runs")
        if run is None:
            return Exit.NOT_READY
        began = time.monotonic()
        record = grow(run, Path(work) / "record", options.people, seed=options.seed)
        size = sum(path.stat().st_size for path in record.iterdir())
        print(f"        {options.people:,} people, {size / 1e6:,.0f} MB, grown in {time.monotonic() - began:.0f} s")
        pages = [built(record, language, options.folder, bars) for language in reports.LANGUAGES]
    with sync_playwright() as driver:
        browser = window.launched(driver.chromium, program)
        for page in pages:
            look(browser, page, bars)
        browser.close()
    print(f"        pages and pictures: {options.folder}")
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def rehearsed(runs: Path) -> Path | None:
    """The folder of a small real rehearsal; None, with what it said, when there was none."""
    options = ["--people", "1/500", "--minutes", "2", "--pace", "60", "--drain-minutes", "2", "--quiet"]
    done = subprocess.run(
        [*LAUNCHNIGHT, "rehearse", "prakerja-wave-1", *options, "--runs", str(runs)], capture_output=True, text=True
    )
    found = sorted(path.parent for path in runs.glob("*/people.npz"))
    if not found:
        print(f"cannot prove: no rehearsal to grow: {done.stdout}{done.stderr}", file=sys.stderr)
        return None
    return found[0]


def built(record: Path, language: str, folder: Path, bars: Bars) -> Path:
    """The page, as the command builds it, and how long that takes from its start to its end."""
    took = []
    for _ in range(BUILDS):
        began = time.monotonic()
        done = subprocess.run(
            [*LAUNCHNIGHT, "report", str(record), "--language", language], capture_output=True, text=True
        )
        took.append(time.monotonic() - began)
        if done.returncode in (Exit.CRASH, Exit.USAGE):
            raise SystemExit(done.stderr)
    page = Path(shutil.copy(record / "report.html", folder / f"report-{language}.html"))
    size = page.stat().st_size
    told = ", ".join(f"{seconds:.2f}" for seconds in took)
    bars.judge(min(took) <= WITHIN_S, f"{language}: built in {min(took):.2f} s (of {told}), {WITHIN_S:g} allowed")
    bars.judge(size <= MOST_BYTES, f"{language}: {size:,} bytes, {MOST_BYTES:,} allowed")
    return page


def look(browser: Browser, page: Path, bars: Bars) -> None:
    """Judge a page in Chromium and photograph it."""
    for scheme in SCHEMES:
        with seen(browser, page, scheme) as sight:
            sight.page.screenshot(path=page.with_name(f"{page.stem}-phone-{scheme}.png"), full_page=True)
            bars.judge(sight.asked == [], f"{page.stem}, {scheme}: asks for nothing beside itself {sight.asked or ''}")
            beside = sight.beside(PHONE[0])
            bars.judge(beside == 0, f"{page.stem}, {scheme}: {beside} px beside a screen of {PHONE[0]}")
            faults = sight.faults()
            bars.judge(not faults, f"{page.stem}, {scheme}: axe finds {faults or 'nothing'}")
    with seen(browser, page, size=DESK) as sight:
        sight.page.screenshot(path=page.with_name(f"{page.stem}-desk.png"), full_page=True)
    with seen(browser, page, size=PAPER) as sight:
        sight.page.emulate_media(media="print")
        sight.page.screenshot(path=page.with_name(f"{page.stem}-paper.png"), full_page=True)
        sight.page.pdf(path=page.with_name(f"{page.stem}-a4.pdf"), format="A4")
        beside = sight.beside(PAPER[0])
        bars.judge(beside == 0, f"{page.stem}: {beside} px beside a sheet of A4")


if __name__ == "__main__":
    sys.exit(main())
