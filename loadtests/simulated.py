"""`launchnight simulate|plan`: lets the simulation play in a process of its own, then reports what it recorded.

The simulation's memory is given back before the report takes its own. What it hands over is told here, so that one
document has all: the night, the verdict, and what the whole command took. Where there is nothing to report (--help, a
mistake, --no-record) the simulation has said all itself.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

INTERRUPTED = 130
PUTTING_AWAY_S = 2.0
"""For a simulation that was interrupted too, to say so: 400 MB of notes are gone in less. After that it is told."""

Report = Callable[[Path, str], dict[str, Any]]
"""Writes the report of a run folder in a language; the verdict as in verdict.json."""


def run(verb: str, words: Sequence[str], report: Report, name: str) -> int:
    """Simulate or plan as the command's `words` ask, and report; the exit code is the simulation's.

    name: of the report.
    """
    hearing, telling = os.pipe()
    command = [sys.executable, "-m", "scenarios.simulation", verb, *words, "--hand-over", str(telling)]
    try:
        with subprocess.Popen(command, pass_fds=(telling,)) as simulation:
            os.close(telling)
            try:
                told = _heard(hearing, simulation)
            finally:
                code = simulation.wait()
        if not told:
            return code
        handed = json.loads(told)
        folder = Path(handed["document"]["record"])
        verdict = report(folder, handed["language"])
    except KeyboardInterrupt:
        return INTERRUPTED
    document = {**handed["document"], **_of_report(verdict, folder / name), **_of_everything()}
    if handed["json"]:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return code
    judged = verdict["verdict"]
    print(handed["text"])
    if verb == "simulate":  # the text of a plan is its verdict
        print(f"  judged as a rehearsal would be: {judged['outcome']}: {judged['sentence']}")
    print(f"  {document['total_cpu_s']:.1f} s of CPU in all, {document['total_peak_rss_mb']:,} MB at most")
    print(document["report"])
    return code


def _heard(hearing: int, simulation: "subprocess.Popen[bytes]") -> str:
    """What the simulation hands over; nobody hears it any more when this returns, and then it ends."""
    with os.fdopen(hearing, encoding="utf-8") as heard:
        try:
            return heard.read()
        except KeyboardInterrupt:
            # At a terminal it was interrupted too, and puts things away; was it not, the pipe's end tells it.
            with suppress(subprocess.TimeoutExpired):
                simulation.wait(PUTTING_AWAY_S)
            raise


def _of_report(verdict: dict[str, Any], report: Path) -> dict[str, Any]:
    judged = {name: verdict["verdict"][name] for name in ("outcome", "exit_code", "sentence")}
    return {"report": str(report), "verdict": judged, "answer": verdict["answer"]}


def _of_everything() -> dict[str, Any]:
    """Processor time of this process and of all that it started, and the most memory that any of them took."""
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return {
        "total_cpu_s": round(time.process_time() + others.ru_utime + others.ru_stime, 3),
        "total_peak_rss_mb": round(max(own.ru_maxrss, others.ru_maxrss) / 1024),
    }
