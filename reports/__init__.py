"""Records in, verdict, figures and report out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.record import Run, write_whole

if TYPE_CHECKING:
    from reports.verdict import Verdict


LANGUAGES = ("en", "id")


def write(folder: Path | str, language: str = "en") -> Verdict:
    """Judge the run in `folder` and write verdict.json, summary.md, junit.xml and report.html there.

    Sentences are in `language`, one of LANGUAGES; what programs read (ids, outcomes, keys) is in none. Each file appears whole or not at all; old ones are replaced. Raises scenarios.record.RecordError when the folder
    is not a run.
    """
    # Imported here: matplotlib and Jinja2 take half a second, and `launchnight --help` imports this package.
    from reports import html, junit, summary
    from reports.facts import Facts
    from reports.verdict import judge
    from reports.wording import speaking

    folder = Path(folder)
    run = Run.load(folder)
    with speaking(language):
        verdict = judge(run)
        document = json.dumps(verdict.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        _put(folder / "verdict.json", document.encode())
        _put(folder / "junit.xml", junit.render(verdict))
        _put(folder / "summary.md", summary.render(verdict, html.title(Facts(run))).encode())
        _put(folder / "report.html", html.render(run, verdict).encode())  # last: the most that can go wrong
    return verdict


def _put(path: Path, content: bytes) -> None:
    write_whole(path, lambda file: file.write(content))
