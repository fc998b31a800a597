"""Records in, verdict, figures and report out."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios.capacity_record import is_capacity
from scenarios.plan_record import is_plan
from scenarios.record import Run, write_whole

if TYPE_CHECKING:
    from reports.plan_verdict import PlanVerdict
    from reports.search_verdict import SearchVerdict
    from reports.verdict import Verdict


LANGUAGES = ("en", "id")


def write(folder: Path | str, language: str = "en") -> Verdict | SearchVerdict | PlanVerdict:
    """Judge the run, search or plan in `folder` and write verdict.json, summary.md, junit.xml and report.html there.

    Sentences are in `language`, one of LANGUAGES; what programs read (ids, outcomes, keys) is in none. Each file
    appears whole or not at all; old ones are replaced. Raises scenarios.record.RecordError when the folder is none.
    """
    # Imported here: matplotlib and Jinja2 take half a second, and `launchnight --help` imports this package.
    from reports.wording import speaking

    folder = Path(folder)
    with speaking(language), _undisturbed():
        if is_plan(folder):
            return _write_plan(folder)
        return _write_search(folder) if is_capacity(folder) else write_run(folder)


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Looking for garbage among a dozen figures would take a tenth of the time, and find nothing worth it."""
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()


def write_run(folder: Path) -> Verdict:
    """As `write`, of a run only, in the language that is spoken."""
    with ThreadPoolExecutor(1) as reading:
        record = reading.submit(Run.load, folder)  # unpacks on one core while the other imports
        from reports import html, junit, summary
        from reports.facts import Facts
        from reports.verdict import judged

        facts = Facts(record.result())
    aside = html.begun(facts)
    verdict = judged(facts)
    _put(folder / "verdict.json", _document(verdict.to_dict()))
    _put(folder / "junit.xml", junit.render(verdict))
    _put(folder / "summary.md", summary.render(verdict, html.title(facts)).encode())
    _put(folder / "report.html", html.render(facts, verdict, aside).encode())  # last: the most that can go wrong
    return verdict


def _write_search(folder: Path) -> SearchVerdict:
    from reports import capacity_page, html, search_verdict
    from reports.search import Searched

    searched = Searched.load(folder)
    verdict = search_verdict.judge(searched)
    _put(folder / "verdict.json", _document(verdict.to_dict()))
    _put(folder / "junit.xml", search_verdict.junit(verdict))
    _put(folder / "summary.md", search_verdict.summary(verdict, capacity_page.title(searched)).encode())
    _put(folder / "report.html", html.render_search(searched, verdict).encode())
    return verdict


def _write_plan(folder: Path) -> PlanVerdict:
    from reports import html, plan_page, plan_verdict
    from scenarios.plan_record import Plan

    plan = Plan.load(folder)
    verdict = plan_verdict.judge(plan)
    _put(folder / "verdict.json", _document(verdict.to_dict()))
    _put(folder / "junit.xml", plan_verdict.junit(verdict))
    _put(folder / "summary.md", plan_verdict.summary(verdict, plan_page.title(plan)).encode())
    told = plan_page.sections(plan, verdict)
    _put(folder / "report.html", html.page(plan_page.title(plan), verdict, told).encode())
    return verdict


def _document(told: dict[str, Any]) -> bytes:
    return (json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _put(path: Path, content: bytes) -> None:
    write_whole(path, lambda file: file.write(content))
