"""`launchnight simulate --seeds K`: the same night for K seeds in processes beside each other, and how they differ.

`python -m scenarios.simulation.seeds` plays one of them: it reads the command's options as one line of JSON, writes the
document as another, and ends when its input does, so that nothing goes on after the command has ended.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

from scenarios.simulation.planning.goals import melts_below

PROCESS_BYTES, PERSON_BYTES = 300_000_000, 170
"""What a process takes that plays a night, and for each of its people; measured with two million, rounded up."""
SPREAD = ("came_joined", "admitted", "polls", "ended_s", "events")
"""Figures of a document whose spread is told, beside those of its tables."""
_TABLES = ("fates", "furthest", "busy_core_s")
Document = dict[str, Any]


class SeedFailed(RuntimeError):
    """The process of a seed ended without a document; what it said stands on standard error."""


def run(options: argparse.Namespace, people: int, folder: Path | None, tell: Callable[[str], None]) -> Document:
    """Play seeds S, S + 1, ..., K of them. tell: a line of progress. Raises SeedFailed.

    people: arrivals that will be played.
    folder: an empty one for the record of the first seed, None for no record; the others keep none.
    """
    seeds = range(options.seed, options.seed + options.seeds)
    beside = processes(options.seeds, people)
    tell(f"{options.seeds} seeds, {beside} at a time")
    running: list[subprocess.Popen[str]] = []
    found: dict[int, Document] = {}
    with ThreadPoolExecutor(beside) as threads:
        left: dict[Future[Document], int] = {
            threads.submit(_one, options, seed, folder if seed == seeds[0] else None, running): seed for seed in seeds
        }
        try:
            while left:
                done, _ = wait(left, return_when=FIRST_COMPLETED)
                for future in done:
                    seed = left.pop(future)
                    one = found[seed] = future.result()
                    tell(f"seed {seed}: {one['came_joined']:.1%} of who came joined, digest {one['digest'][:12]}")
        except BaseException:
            for future in left:
                future.cancel()
            for process in running:
                process.kill()
            raise
    return together([found[seed] for seed in seeds])


def processes(seeds: int, people: int) -> int:
    """How many at a time: one a core, as many as fit into the memory that is free, one at least."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    fit = _free_bytes() // (PROCESS_BYTES + PERSON_BYTES * people)
    return max(1, min(seeds, cores, fit))


def together(documents: Sequence[Document]) -> Document:
    """One document of several: each as it is, the spread of their figures, and in how many the night melted down."""
    from scenarios.simulation.planning.chances import chance  # scipy's distributions take a second to import

    tipped = [one["came_joined"] < melts_below(()) for one in documents]
    return {
        "night": documents[0]["night"],
        "people": documents[0]["people"],
        "seeds": [one["seed"] for one in documents],
        "record": documents[0].get("record"),
        "spread": dict(_spread(documents)),
        "meltdown": {
            **chance(sum(tipped), len(tipped)).to_dict(),
            "below": melts_below(()),
            "tipped": [one["seed"] for one, did in zip(documents, tipped, strict=True) if did],
        },
        "runs": list(documents),
        "remarks": documents[0]["remarks"],
        "broken_laws": [f"seed {one['seed']}: {law}" for one in documents for law in one["broken_laws"]],
    }


def _spread(documents: Sequence[Document]) -> Iterator[tuple[str, Any]]:
    """Median, least and most of each figure over the seeds; what a table of one seed lacks was nothing there."""
    for name in SPREAD:
        yield name, _of([float(one[name]) for one in documents])
    for table in _TABLES:
        keys = dict.fromkeys(key for one in documents for key in one[table])
        yield table, {key: _of([float(one[table].get(key, 0.0)) for one in documents]) for key in keys}


def _of(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "min": min(values), "max": max(values)}


def text_of(document: Mapping[str, Any]) -> str:
    """The same for people."""
    melted, spread, seeds = document["meltdown"], document["spread"], document["seeds"]
    lines = [
        f"{document['night']}, seeds {seeds[0]} to {seeds[-1]}: {document['people']:,} people each",
        f"  {'':>24} {'median':>12} {'least':>12} {'most':>12}",
        _line("share that joined", spread["came_joined"], ".2%"),
        *(_line(name, figures, ",.0f") for name, figures in spread["fates"].items()),
        f"  melted down (fewer than {melted['below']:.0%} of who came joined): {melted['count']} of {melted['runs']}, "
        f"so in {melted['low']:.1%} to {melted['high']:.1%} of such nights ({melted['confidence']:.0%} sure)",
        *(f"  {remark}" for remark in document["remarks"]),
        *(f"  LAW BROKEN: {each}" for each in document["broken_laws"]),
    ]
    return "\n".join(lines)


def _line(name: str, figures: Mapping[str, float], form: str) -> str:
    cells = (f"{figures[which]:>12{form}}" for which in ("median", "min", "max"))
    return f"  {name:>24} {' '.join(cells)}"


def _one(
    options: argparse.Namespace, seed: int, folder: Path | None, running: list[subprocess.Popen[str]]
) -> Document:  # fmt: skip
    """The document of one seed, played by a process of its own. Raises SeedFailed."""
    asked = {**vars(options), "seed": seed, "seeds": 1, "folder": None if folder is None else str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", "scenarios.simulation.seeds"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # an interrupt at the terminal is the parent's to answer
    )
    running.append(process)
    assert process.stdin is not None and process.stdout is not None
    with process:
        process.stdin.write(json.dumps(asked, default=str) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        code = process.wait()
    if not line:
        raise SeedFailed(f"seed {seed}: the process that played it ended with {code}")
    document: Document = json.loads(line)
    return document


def _free_bytes() -> int:
    """Memory that may be taken without swapping; where the system does not say it, what lies idle."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


def main() -> int:
    """Play one seed; returns the exit code."""
    from scenarios.simulation import simulate
    from scenarios.simulation.unfinished import Unfinished

    options = argparse.Namespace(**json.loads(sys.stdin.readline()))
    unfinished = Unfinished()
    threading.Thread(target=_end_with_input, args=(unfinished.end,), daemon=True).start()
    with unfinished.taken(Path(options.folder)) if options.folder else nullcontext() as folder:
        document = simulate.document(simulate.game_of(options), folder, lambda hours, gone: None)
    print(json.dumps(document), flush=True)
    return 0


def _end_with_input(end: Callable[[int], object]) -> None:
    sys.stdin.read()
    end(1)


if __name__ == "__main__":
    sys.exit(main())
