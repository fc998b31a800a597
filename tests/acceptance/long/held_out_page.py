"""The table of the held-out proof: as it is printed, and as it stands in docs/simulation.md."""

import time
from collections.abc import Sequence

from loadtests.harness.processes import ROOT
from scenarios.calibration_file import Calibration
from tests.acceptance.long.held_out_grades import Line

PAGE = ROOT / "docs" / "simulation.md"
BEGINS, ENDS = "<!-- written by make acceptance NAME=held-out -->", "<!-- end of what is written -->"


def text(
    lines: Sequence[Line], even: Sequence[Line], absent: Sequence[str], knee_per_s: float, sha: str,
    found: Calibration, minutes: float,
) -> str:  # fmt: skip
    """The table in Markdown, with what it stands on.

    even: the same lines for a core that is always as fast as usual. absent: what could not be rehearsed.
    """
    held, held_even = (sum(line.held for line in some) for some in (lines, even))
    cpus = found.runs[0].cpus
    told = [
        f"On {time.strftime('%d %B %Y')}, {cpus} cores, rehearsals of {minutes:g} minutes, a knee of {knee_per_s:.1f} "
        f"people a second: **{held} of {len(lines)}** figures were as near as asked. The model and what it "
        f"expects of a core of even speed had been written down before (SHA-256 `{sha[:16]}...`, calibration "
        f"`{found.digest[:16]}`): of that alone, {held_even} would have been.",
        "",
        "| rehearsal | figure | even speed | simulated | measured | off by | may be | again (A/A) | |",
        "|---|---|---|---|---|---|---|---|---|",
        *(_row(line, before) for line, before in zip(lines, even, strict=True)),
        *(f"| {name} | could not be rehearsed: every try was invalid | | | | | | | |" for name in absent),
    ]
    return "\n".join(told)


def write(told: str) -> None:
    """Put it in its place on the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    PAGE.write_text(f"{before}{BEGINS}\n{told}\n{ENDS}{after}", encoding="utf-8")


def _row(line: Line, even: Line) -> str:
    end = "" if line.held else "**missed**"
    if line.what == "tips":
        words = ["yes" if value else "no" for value in (even.expected, line.expected, line.seen)]
        return f"| {line.load} | tips | {words[0]} | {words[1]} | {words[2]} | | | | {end} |"
    noise = "" if line.noise is None else f"{line.noise:+.1%}"
    told = f"{_number(even.expected)} | {_number(line.expected)} | {_number(line.seen)} {line.unit}"
    return f"| {line.load} | {line.what} | {told} | {line.off:+.1%} | {line.most_off:.0%} | {noise} | {end} |"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 100.0 else f"{value:.0f}"
