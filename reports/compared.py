"""What `launchnight compare` answers: which runs stand on which side, the comparisons, and the exit code."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reports import baseline, likeness
from reports.change import WORSE
from reports.comparison import REPEATS_FROM, Comparison, NotComparable, compare, load
from reports.measures import Seen
from reports.wording import say, speaking

REGRESSION = 7
SERVICE_CODE, REHEARSAL_CODE = "service code", "rehearsal code"
"""In a record's versions: digests of the sources of what is rehearsed, and of what rehearses it."""


def asked(options: Namespace, sides: Sequence[Sequence[Path]]) -> dict[str, Any]:
    """What the options of `launchnight compare` ask for, as the document of `--json`, in the language they name.

    sides: run folders as they were named. Raises RecordError, NotComparable, and OSError for a file not written.
    """
    with speaking(options.language):
        if options.mark:
            names = baseline.mark(options.runs, [folder for side in sides for folder in side])
            return {"exit_code": 0, "runs": str(options.runs), "marked": names}
        if options.trend:
            from reports import trend  # brings matplotlib

            return trend.document(options.runs, sides[0][0] if sides else None)
        return answer(sides, options.runs, with_baseline=options.baseline, unlike=options.unlike)


def answer(sides: Sequence[Sequence[Path]], runs: Path, *, with_baseline: bool, unlike: bool) -> dict[str, Any]:
    """Comparisons of the runs that were named.

    Where a side names several runs these are its repeats, and every side is as it was named. Else runs stand together
    that differ in nothing but the seed; where nothing tells them apart the first is compared with the others.
    Raises RecordError and NotComparable.
    """
    named = [[load(folder) for folder in side] for side in sides]
    told = any(len(side) > 1 for side in named)
    if with_baseline:
        marked = [load(folder) for folder in baseline.marked(runs)]
        known = {run.folder.resolve() for run in marked}
        if again := [run.id for side in named for run in side if run.folder.resolve() in known]:
            raise NotComparable(*(f"{one} is in the baseline itself" for one in again))
        placed = [marked, *(named if told else _repeats(named))]
    else:
        placed = named if told else _repeats(named)
        if len(placed) == 1:
            placed = [placed[0][:1], placed[0][1:]]
    found = compare(placed, unlike=unlike)
    worse = any(one.call == WORSE for one in found)
    return {
        "exit_code": REGRESSION if worse else 0,
        "comparisons": [one.to_dict() for one in found],
        "notes": [str(note) for one in found for note in _notes(one)],
    }


def _repeats(named: Sequence[Sequence[Seen]]) -> list[list[Seen]]:
    runs = [run for side in named for run in side]
    return [[runs[place] for place in side] for side in likeness.grouped([run.config for run in runs])]


def _notes(one: Comparison) -> list[str]:
    """What a reader must know beside the table."""
    before, after = one.before[0].config["versions"], one.after[0].config["versions"]
    notes: list[str] = []
    if len(one.before) + len(one.after) < REPEATS_FROM + 2:
        notes.append(
            say(
                "One run a side: how much runs of the same differ from each other is not in these intervals. "
                "Three repeats a side or more show it."
            )
        )
    if bool(one.before[0].config.get("simulated")) != bool(one.after[0].config.get("simulated")):
        notes.append(
            say(
                "One side was simulated, the other measured: what differs may be the model's error as well as a change."
            )
        )
    if before.get(REHEARSAL_CODE) != after.get(REHEARSAL_CODE):
        notes.append(say("Swarm, night or harness are not the same code on both sides: a change may be theirs."))
    return notes
