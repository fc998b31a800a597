"""B2 on real processes: a phone comes back while its old request still hangs half-open, and gets its upload at once.

`make acceptance NAME=upload-takeover` leaves uploads hanging in a black hole (the fault proxy) and has their phones
come back over another connection: HEAD, then the rest. On one replica, across three, with the holder stopped (it wakes
up later and must change nothing) and with the holder killed. What had arrived must count, other requests must not wait.
Then the control: replicas that neither let go nor fence, where the same bars must be missed. Ends with 3 when a bar is
missed, with 5 when the run proves nothing.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from statistics import median

from loadtests.faults.processes import ProcessFaults
from loadtests.harness.errors import Exit, HarnessError
from tests.acceptance.long.upload_replicas import (
    Back,
    Hanging,
    Probe,
    Replica,
    Unbitten,
    at,
    come_back,
    hanging,
    replicas,
)
from tests.benchmarks.stack import Stack, say, stack

SEED = 20200411
TRIALS = 200
FROZEN = 30
KILLED = 10
CONTROL = 20
BATCH = 10
"""Uploads that hang at the same time."""
LARGEST = 600_000
"""Bytes of a photo: a phone's photo after the page made it smaller has half of it."""
ONE, ACROSS, OTHERS = 0.25, 1.0, 0.05
"""Seconds at p99: usable again on one replica, and across three; how much longer others wait than on a quiet one."""
CONTROL_MODULE = "tests.acceptance.long.upload_deaf"


@dataclass
class Case:
    """What phones that came back met."""

    name: str
    bar: float
    backs: list[Back] = field(default_factory=list)
    lost: int = 0
    """Bytes that had arrived and were not there; of a holder that could not let go, bytes that were acknowledged."""
    wrong: int = 0
    """Uploads that were not the photo in the end."""
    old: Counter[str] = field(default_factory=Counter)
    """What the old requests were answered in the end."""

    @property
    def refused(self) -> int:
        return sum(back.status != 204 for back in self.backs)

    def row(self) -> str:
        head = [back.head_s * 1e3 for back in self.backs]
        usable = [back.usable_s * 1e3 for back in self.backs]
        figures = f"{median(head):8.0f} {at(0.99, head):8.0f} {median(usable):8.0f} {at(0.99, usable):8.0f}"
        words = ", ".join(f"{count} x {status}" for status, count in sorted(self.old.items()))
        return f"{self.name:34} {len(self.backs):5} {figures} {self.lost:9} {self.refused:8} {self.wrong:6}  {words}"

    def missed(self) -> list[str]:
        """Bars that were not met."""
        found = []
        if (slowest := at(0.99, [back.usable_s for back in self.backs])) > self.bar:
            found.append(f"{self.name}: usable after {slowest * 1e3:.0f} ms at p99, not {self.bar * 1e3:.0f}")
        for what, count in (("bytes lost", self.lost), ("refused", self.refused), ("not the photo", self.wrong)):
            if count:
                found.append(f"{self.name}: {count} {what}")
        return found


HEADER = (
    f"{'':34} {'':5} {'HEAD (ms)':>17} {'usable (ms)':>17}\n"
    f"{'case':34} {'times':>5} {'p50':>8} {'p99':>8} {'p50':>8} {'p99':>8} {'lost (B)':>9} {'refused':>8} {'wrong':>6}"
    "  the old request's answer"
)

Where = Callable[[list[Replica]], tuple[Replica, Replica]]
"""Who holds the hanging uploads, and where their phones come back to."""


class Night:
    """The cases of one run, on replicas that are up."""

    def __init__(self, house: list[Replica], faults: ProcessFaults, seed: int) -> None:
        self.house = house
        self._faults = faults
        self._draw = random.Random(seed)

    async def play(self, case: Case, times: int, where: Where) -> Case:
        """Phones that come back while the holder is well."""
        while len(case.backs) < times:
            holder, elsewhere = where(self.house)
            async with hanging(holder, min(BATCH, times - len(case.backs)), self._draw, LARGEST) as left:
                await self._return(case, left, elsewhere)
            await self._end(case, left)
        return case

    async def play_stopped(self, case: Case, times: int, where: Where) -> Case:
        """The holder is stopped (SIGSTOP) before they come back, and wakes up when they are done."""
        while len(case.backs) < times:
            holder, elsewhere = where(self.house)
            async with hanging(holder, min(BATCH, times - len(case.backs)), self._draw, LARGEST) as left:
                await asyncio.to_thread(self._faults.stop, holder.web.pid)
                try:
                    await self._return(case, left, elsewhere, mute=True)
                finally:
                    await asyncio.to_thread(self._faults.resume, holder.web.pid)
            await self._end(case, left)
        return case

    async def play_killed(self, case: Case, times: int, where: Where) -> Case:
        """The holder is killed (SIGKILL) before they come back: what it had not acknowledged is gone with it."""
        holder, elsewhere = where(self.house)
        async with hanging(holder, times, self._draw, LARGEST) as left:
            await asyncio.to_thread(self._faults.kill, holder.web.pid)
            await self._return(case, left, elsewhere, mute=True)
        self.house.remove(holder)
        await self._end(case, left)
        return case

    async def _return(self, case: Case, left: Sequence[Hanging], elsewhere: Replica, *, mute: bool = False) -> None:
        for one in left:
            back = await come_back(one, elsewhere)
            case.backs.append(back)
            case.lost += max(0, (one.acknowledged if mute else one.arrived) - back.offset)

    async def _end(self, case: Case, left: Sequence[Hanging]) -> None:
        """The old requests have ended, late ones too: each photo must be the one that was sent."""
        for one, back in zip(left, case.backs[-len(left) :], strict=True):
            case.old[str(one.words.status) if one.words else "nothing"] += 1
            case.wrong += back.status == 204 and await one.person.room.stored(one.path) != one.photo


def main() -> int:
    options = arguments().parse_args()
    try:
        with stack() as rooms, ProcessFaults() as faults:
            cases, quiet, busy = asyncio.run(proof(rooms, faults, options))
            control = asyncio.run(without(rooms, faults, options))
    except Unbitten as error:
        print(f"INVALID: {error}")
        return Exit.INVALID
    except HarnessError as error:
        print(f"cannot prove: {error}", file=sys.stderr)
        return error.exit_code
    print(HEADER)
    for case in [*cases, *control]:
        print(case.row())
    longer = at(0.99, busy) - median(quiet)
    print(
        f"others on the replica: {median(quiet) * 1e3:.1f} ms in the median while it is quiet, meanwhile "
        f"{median(busy) * 1e3:.1f}, at p99 {at(0.99, busy) * 1e3:.1f} (so {longer * 1e3:.1f} longer), at most "
        f"{max(busy) * 1e3:.1f}; asked {len(busy)} times"
    )
    missed = [line for case in cases for line in case.missed()]
    if longer > OTHERS:
        missed.append(f"others waited {longer * 1e3:.0f} ms longer at p99, not {OTHERS * 1e3:.0f}")
    missed += [f"the negative control held: {case.name}" for case in control if not case.missed()]
    for line in missed:
        print(f"missed: {line}")
    late, woken = len(cases[2].backs), cases[2].old["409"]
    if woken < late:
        print(f"INVALID: {woken} of {late} writers that were stopped woke up and were refused")
    print("met" if not missed and woken == late else "not met")
    return Exit.MISSED if missed else Exit.OK if woken == late else Exit.INVALID


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make acceptance NAME=upload-takeover", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of photos, places and cuts (%(default)s)")
    parser.add_argument("--times", type=int, default=TRIALS, help="of each way to come back (%(default)s)")
    return parser


async def proof(
    rooms: Stack, faults: ProcessFaults, options: argparse.Namespace
) -> tuple[list[Case], list[float], list[float]]:
    """The cases, and how long others waited before and meanwhile. Raises HarnessError."""
    draw = random.Random(options.seed)

    def same(house: list[Replica]) -> tuple[Replica, Replica]:
        return house[0], house[0]

    def elsewhere(house: list[Replica]) -> tuple[Replica, Replica]:
        holder, other = draw.sample(house, 2)
        return holder, other

    async with replicas(rooms, "takeover", 3) as house:
        night = Night(house, faults, options.seed)
        say("a replica while it is quiet")
        async with probing(house[0]) as quiet:
            await asyncio.sleep(2.0)
        say(f"{options.times} phones come back to one replica")
        async with probing(house[0]) as busy:
            cases = [await night.play(Case("the same replica", ONE), options.times, same)]
        say(f"{options.times} phones come back to another of three replicas")
        cases.append(await night.play(Case("another replica", ACROSS), options.times, elsewhere))
        say(f"{FROZEN} phones come back while the holder is stopped")
        cases.append(await night.play_stopped(Case("another, the holder stopped", ACROSS), FROZEN, elsewhere))
        say(f"{KILLED} phones come back after the holder was killed")
        cases.append(await night.play_killed(Case("another, the holder killed", ACROSS), KILLED, elsewhere))
        return cases, quiet.took, busy.took


async def without(rooms: Stack, faults: ProcessFaults, options: argparse.Namespace) -> list[Case]:
    """The control: nobody lets go, and nobody is fenced. Raises HarnessError."""
    async with replicas(rooms, "takeover_control", 2, CONTROL_MODULE) as house:
        night = Night(house, faults, options.seed)
        say(f"control: {CONTROL} phones come back to replicas that neither let go nor fence")
        return [
            await night.play(Case("control: the same replica", ONE), CONTROL, lambda them: (them[0], them[0])),
            await night.play(Case("control: another replica", ACROSS), CONTROL, lambda them: (them[0], them[1])),
        ]


@asynccontextmanager
async def probing(replica: Replica) -> AsyncIterator[Probe]:
    async with Probe(replica).asking() as probe:
        yield probe


if __name__ == "__main__":
    sys.exit(main())
