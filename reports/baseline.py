"""The baseline of a folder of runs: which runs others are compared with, in the file `baseline.json` there."""

import json
from collections.abc import Sequence
from pathlib import Path

from reports.comparison import NotComparable, load
from reports.likeness import repeats
from scenarios.record import write_whole

NAME = "baseline.json"


def mark(runs: Path, folders: Sequence[Path]) -> list[str]:
    """Make these runs the baseline of the folder `runs`, in place of any other; returns their names there.

    Several must be repeats of each other. Raises RecordError and NotComparable.
    """
    home = runs.resolve()
    faults = [f"{one} is not in {runs}" for one in folders if one.resolve().parent != home]
    if faults:
        raise NotComparable(*faults)
    seen = [load(one) for one in folders]
    odd = [one.id for one in seen if not repeats(seen[0].config, one.config)]
    if odd:
        raise NotComparable(*(f"{one} is no repeat of {seen[0].id}: only the seed may differ" for one in odd))
    names = [one.resolve().name for one in folders]
    document = json.dumps({"runs": names}, indent=1, ensure_ascii=False) + "\n"
    write_whole(runs / NAME, lambda file: file.write(document.encode()))
    return names


def marked(runs: Path) -> list[Path]:
    """The folders of the baseline of `runs`. Raises NotComparable when none is marked."""
    path = runs / NAME
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["runs"]
        if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
            raise ValueError("it must name runs beside it")
    except FileNotFoundError:
        raise NotComparable(f"no baseline in {runs}: mark one with `launchnight compare --mark RUN`") from None
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise NotComparable(f"{path}: not a readable baseline ({fault})") from None
    return [runs / name for name in names]
