"""B13 without a machine: how often `launchnight compare` cries wolf, and what it finds.

`make acceptance NAME=comparison` makes 1,000 pairs of synthetic runs of forty minutes that differ by chance
alone, whose windows resemble each other as those of real rehearsals do (the autocorrelation of both is printed), and
compares them: at most 5 % may be called, better or worse, in any measure. Of pairs whose answers are 5 % slower 90 %
must be called in the 99 % point. Then a table, without bars, of how large a shift is found where the service wavers
more, and with repeats. Ends with 3 when a bar is missed. About six minutes on two cores.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context

import numpy as np

from loadtests.harness.errors import Exit
from reports.change import BETTER, WORSE
from reports.comparison import compare
from reports.measures import MEASURES, seen
from tests.acceptance.long.swarm_runs import Bars
from tests.paired_runs import Night, made, wandering

PAIRS = 1000
SHIFTED = 200
SHIFT = 1.05
MOST_FALSE, LEAST_POWER = 0.05, 0.9
NIGHT = Night(seconds=2400, answers_per_s=500.0, wavering=0.02, people=2000)
REAL_LAGS_S = (2, 4, 10, 20, 40)
REAL = (0.81, 0.69, 0.53, 0.42, 0.41)
"""Autocorrelation at these lags of the difference between two rehearsals of the same night (1/100, five minutes, two
cores), of the logarithm of the median answer of each two seconds; the mean of three pairs, each with 290 windows."""
TABLE_PAIRS = 40
TABLE = (
    ("one run a side", 1, 0.02), ("one run a side", 1, 0.05), ("one run a side", 1, 0.1), ("5 repeats a side", 5, 0.1),
)  # fmt: skip
IDS = [measure.id for measure in MEASURES]
SHIFTS = (1.05, 1.1, 1.2, 1.4)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=comparison", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=1, help="of the first pair; each takes the next (%(default)s)")
    parser.add_argument("--pairs", type=int, default=PAIRS, help="that differ by chance alone (%(default)s)")
    parser.add_argument("--no-table", action="store_true", help="leave out the table at the end")
    options = parser.parse_args()
    bars = Bars()
    resemblance()
    for library in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(library, "1")  # of each process that is started: one for each core is enough
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        called = tally(pool, options.seed, options.pairs, NIGHT, 1.0, 1)
        false = called["any"] / options.pairs
        each = ", ".join(f"{name} {n}" for name, n in called.most_common() if name in IDS)
        bars.judge(
            false <= MOST_FALSE,
            f"{called['any']} of {options.pairs:,} pairs of the same are called: {false:.1%} "
            f"({MOST_FALSE:.0%} at most); by measure: {each or 'none'}",
        )
        shifted = max(1, min(SHIFTED, options.pairs))
        found = tally(pool, options.seed + options.pairs, shifted, NIGHT, SHIFT, 1)
        power = found["api_p99_s:worse"] / shifted
        bars.judge(
            power >= LEAST_POWER,
            f"answers {SHIFT - 1:.0%} slower: the 99 % point is called worse in {found['api_p99_s:worse']} of "
            f"{shifted} pairs: {power:.1%} ({LEAST_POWER:.0%} at least); something is, in {found['worse']}",
        )
        if not options.no_table:
            table(pool, options.seed)
    print("met" if not bars.missed else "not met")
    return Exit.MISSED if bars.missed else Exit.OK


def resemblance() -> None:
    """What the windows of synthetic and of real runs have to do with those after them."""
    rng = np.random.default_rng(0)
    night = replace(NIGHT, seconds=2_000_000)
    windows = wandering(night, rng, night.seconds).reshape(-1, 2).mean(axis=1)
    windows = windows - windows.mean()
    own = [float(np.mean(windows[lag // 2 :] * windows[: -(lag // 2)]) / np.mean(windows**2)) for lag in REAL_LAGS_S]
    print("        autocorrelation after s     " + "".join(f"{lag:>7}" for lag in REAL_LAGS_S))
    print("        of two rehearsals           " + "".join(f"{one:>7.2f}" for one in REAL))
    print("        of the synthetic runs       " + "".join(f"{one:>7.2f}" for one in own), flush=True)


def tally(pool: ProcessPoolExecutor, seed: int, pairs: int, night: Night, slower: float, repeats: int) -> Counter[str]:
    """How many pairs were called: any, worse, and by measure, alone and with the call."""
    job = partial(called_in, night, slower, repeats)
    counted: Counter[str] = Counter()
    for done, names in enumerate(pool.map(job, range(seed, seed + pairs), chunksize=5), start=1):
        counted.update(names)
        if done % 200 == 0:
            print(f"        {done} of {pairs} pairs", file=sys.stderr, flush=True)
    return counted


def called_in(night: Night, slower: float, repeats: int, seed: int) -> Sequence[str]:
    """What is called of one pair: measures, measures with calls, and `any`, `worse`."""
    rng = np.random.default_rng(seed)
    before, after = ([seen(made(night, rng, factor)) for _ in range(repeats)] for factor in (1.0, slower))
    (one,) = compare([before, after])
    calls = [(change.id, change.call) for change in one.changes if change.call in (WORSE, BETTER)]
    names = [name for name, _ in calls] + [f"{name}:{call}" for name, call in calls]
    return [*names, *(["any"] if calls else []), *(["worse"] if one.call == WORSE else [])]


def table(pool: ProcessPoolExecutor, seed: int) -> None:
    """Shares of pairs in which the 99 % point is called, by shift and by how much the service wavers."""
    print(f"\n        the 99 % point is called worse, of {TABLE_PAIRS} pairs each, where answers are slower by")
    print(f"        {'':<34}" + "".join(f"{shift - 1:>7.0%}" for shift in SHIFTS))
    for words, repeats, wavering in TABLE:
        night = replace(NIGHT, wavering=wavering, seconds=NIGHT.seconds if repeats == 1 else NIGHT.seconds // 8)
        pairs = TABLE_PAIRS if repeats == 1 else TABLE_PAIRS // 2
        found = [tally(pool, seed, pairs, night, shift, repeats)["api_p99_s:worse"] / pairs for shift in SHIFTS]
        label = f"{words}, wavering {wavering:.0%}"
        print(f"        {label:<34}" + "".join(f"{share:>7.0%}" for share in found), flush=True)


if __name__ == "__main__":
    sys.exit(main())
