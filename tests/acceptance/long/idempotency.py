"""R7 on real processes: 10,000 operations over HTTP, three in ten repeated, raced or cut, and each done exactly once.

`make acceptance NAME=idempotency` lets people register at two replicas. Some requests are sent again, or several at
once, some lose their answer on a bad line (the fault proxy), and the database is cut off at its commits: before the
commit arrives, while it is on its way, or before its answer. Each operation must end in one effect and one answer, in
the database and at the partners. Then the control: a fifth of it with the keys ignored, where doubles must be found,
and only what has a natural key of its own may hold. Ends with 3 when a bar is missed, with 5 when nothing was proved.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from loadtests.harness.errors import Exit, HarnessError
from tests.benchmarks.stack import say, stack
from tests.integration.commit_cutter import AT_COMMIT, Cut
from tests.integration.effects import NATURAL, doubled, missing
from tests.integration.repeating_crowd import Fate, Seen
from tests.integration.repeating_house import KEPT, house

SEED = 20200411
OPERATIONS = 10_000
EACH = 16
"""Operations of one person, from the ticket to the join."""
CONTROL = 5
"""The control plays one person in so many."""
AT_ONCE = 32
SHARE = 0.03
"""Of the commits that are cut."""
LEAST_CUTS = 10
"""Of each way to cut, in 10,000 operations; fewer prove little."""
TROUBLED = (0.27, 0.33)


@dataclass(frozen=True)
class Run:
    """One crowd and what it left behind."""

    people: int
    took: float
    seen: Seen
    effects: dict[str, int]
    partners: dict[str, int]
    ledger: dict[str, Any]
    commits: int
    cuts: dict[Cut, int]
    bites: int
    unknown: dict[str, int]
    repeats: dict[str, int]

    @property
    def troubled(self) -> float:
        return 1.0 - self.seen.fates[Fate.ONCE] / max(self.seen.operations, 1)


def main() -> int:
    options = arguments().parse_args()
    people = -(-options.operations // EACH)
    try:
        with stack() as rooms:
            kept = asyncio.run(played(rooms, "kept", people, options.seed))
            print(table("keys kept", kept))
            ignored = asyncio.run(played(rooms, "ignored", -(-people // CONTROL), options.seed, IDEMPOTENCY="off"))
            print(table("keys ignored (control)", ignored))
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    faults = judged(kept, ignored)
    for fault in faults:
        print(f"missed: {fault}")
    empty = unproved(kept, options.operations)
    for fault in empty:
        print(f"INVALID: {fault}")
    print("met" if not faults and not empty else "not met")
    return Exit.MISSED if faults else Exit.INVALID if empty else Exit.OK


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make acceptance NAME=idempotency", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, default=SEED, help="of every fate and every cut (%(default)s)")
    parser.add_argument("--operations", type=int, default=OPERATIONS, help="at least so many (%(default)s)")
    return parser


async def played(rooms: Any, name: str, people: int, seed: int, **settings: str) -> Run:
    """Raises HarnessError."""
    folder = rooms.folder / name
    folder.mkdir()
    database = await asyncio.to_thread(rooms.database, f"idempotency_{name}")
    async with house(database, folder, seed=seed, workers_too=True, **settings) as room:
        say(f"{people} people register, keys {name}")
        began = time.monotonic()
        seen = await room.play(people, seed=seed, share=SHARE, at_once=AT_ONCE)
        took = time.monotonic() - began
        await room.drained()
        return Run(
            people=people,
            took=took,
            seen=seen,
            effects=await room.effects(),
            partners=await room.at_partners(),
            ledger=await room.ledger(),
            commits=room.cutter.commits,
            cuts=dict(room.cutter.cuts),
            bites=await room.bites(),
            unknown=await room.told("registration_commits_unknown_total", "outcome"),
            repeats=await room.told("registration_transaction_repeats_total", "reason"),
        )


def judged(kept: Run, ignored: Run) -> list[str]:
    """What R7 asks with the keys, and of their absence."""
    seen, people = kept.seen, kept.people
    double, missed = doubled(kept.effects, people), missing(kept.effects, people)
    audit = {kind: found for kind, found in kept.ledger.items() if found["doubled"] or found.get("lost")}
    control = doubled(ignored.effects, ignored.people)
    asked: list[tuple[bool, Callable[[], str]]] = [
        (not double, lambda: f"done twice: {double}"),
        (not missed, lambda: f"missing: {missed}"),
        (not audit, lambda: f"the service's own ledger disagrees: {sorted(audit)}"),
        (seen.done == people and not seen.stuck, lambda: f"people who could not go on: {seen.stuck[:5]}"),
        (not seen.differing, lambda: f"{len(seen.differing)} operations had two answers: {seen.differing[:5]}"),
        (kept.partners == {"messages": people, "checks": people}, lambda: f"partners saw {kept.partners}"),
        (
            kept.effects["kept answers"] == KEPT * people,
            lambda: f"{kept.effects['kept answers']} answers were kept, not {KEPT * people}",
        ),
        (
            bool(control.keys() & {"tickets", "code requests", "uploads"}) and bool(ignored.seen.differing),
            lambda: "the negative control held: nothing was doubled without the keys",
        ),
        (
            not control.keys() & set(NATURAL),
            lambda: f"natural keys did not hold: {sorted(control.keys() & set(NATURAL))}",
        ),
    ]
    return [say_so() for held, say_so in asked if not held]


def unproved(kept: Run, operations: int) -> list[str]:
    """What did not happen often enough to prove anything."""
    least = LEAST_CUTS * operations / OPERATIONS
    low, high = TROUBLED
    found = [f"only {kept.cuts.get(cut, 0)} commits cut: {cut.value}" for cut in Cut if kept.cuts.get(cut, 0) < least]
    if not low <= kept.troubled <= high and operations >= OPERATIONS:
        found.append(f"{kept.troubled:.0%} of the operations were repeated, raced or cut, not 30 %")
    if kept.seen.operations < operations:
        found.append(f"only {kept.seen.operations} operations were begun")
    if kept.bites < least:
        found.append(f"the bad line lost only {kept.bites} answers")
    if not (kept.unknown["done"] and kept.unknown["undone"]):
        found.append(f"commits of unknown fate: {dict(kept.unknown)}")
    return found


def table(title: str, run: Run) -> str:
    seen = run.seen
    fates = ", ".join(f"{seen.fates[fate]} {fate.value}" for fate in Fate)
    cut = ", ".join(f"{run.cuts.get(each, 0)} {each.value}" for each in Cut)
    double = doubled(run.effects, run.people)
    return "\n".join(
        [
            f"{title}: {run.people} people, {seen.operations} operations ({fates}: {run.troubled:.0%} in trouble)",
            f"  {seen.requests} requests in {run.took:.0f} s, {seen.lost} of them lost their answer; "
            f"sent again after 503: {_counts(seen.refused)}",
            f"  {run.commits} commits, cut: {cut}; {sum(run.cuts.get(each, 0) for each in AT_COMMIT)} at the commit",
            f"  commits of unknown fate: {_counts(run.unknown)}; transactions undone: {_counts(run.repeats)}",
            f"  done twice: {double or 'nothing'}; missing: {missing(run.effects, run.people) or 'nothing'}",
            f"  operations with two answers: {len(seen.differing)}; people who could not go on: {len(seen.stuck)}",
            f"  partners: {run.partners['messages']} messages, {run.partners['checks']} checks",
        ]
    )


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in found.items() if number) or "none"


if __name__ == "__main__":
    sys.exit(main())
