"""G1 and G3 on PostgreSQL: the gatekeeper's and the claims' real statements, command by command beside the reference.

The actions are the service's own, on a real database; only their clock is virtual. After each transaction what the
tables say is compared with what the reference expected. Leaders are replaced, people vanish and come back, batches hold
the same ticket twice.
"""

import asyncio
import random
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import numpy as np

from service.actions.claims import claim_together, retry_s
from service.actions.gatekeeper import TAKEOVER, Candidate, Leader
from service.domain import gate, waiting_room
from service.domain.policy import Policy
from service.ports import Begin, Ports
from service.room_ports import Claimant
from service.storage.migrate import migrate_url
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault
from tests.acceptance.long.room_goals import Figures, Finding, Run
from tests.acceptance.long.room_model import Reference
from tests.acceptance.long.room_windows import most_in_window
from tests.benchmarks.stack import stack

GOALS = ("G1", "G3")
SEEDS, QUICK = 2, 1

COMMANDS, QUICK_COMMANDS = 60_000, 8_000
RATE = 120.0
EPOCH = 1
SHOW = 0.6


class Trace:
    """One run: a virtual clock, tickets that are due to claim, and the reference that is told everything."""

    def __init__(self, begin: Begin, watcher: asyncpg.Connection, draw: random.Random) -> None:
        self.begin = begin
        self.watcher = watcher
        self.draw = draw
        self.now = 1000.0
        self.reference = Reference()
        self.did: Counter[str] = Counter()
        self.instants: list[float] = []
        self.due: list[tuple[float, int]] = []
        """When, and which ticket."""
        self._ports = cast(Ports, SimpleNamespace(begin=begin, policy=Policy(gate_rate_per_s=RATE)))
        self._invited = 0
        self._beat_at = 0.0
        self.leader: Leader | None = None
        self.leaders = 0

    def clock(self) -> float:
        return self.now

    async def lead(self) -> None:
        """Another gatekeeper takes over from one that is silent."""
        candidate = Candidate(UUID(int=self.draw.getrandbits(128)))
        self.leader = None
        while self.leader is None:
            self.leader = await candidate.look(self._ports, self.clock)
            self.now += 0.0 if self.leader else TAKEOVER / 2
        self.leaders += 1
        self._beat_at = self.now
        self.reference.granted(self.reference.now_ms, 0)

    async def step(self) -> None:
        """A twentieth of a second: a tick, in between claims, now and then something else."""
        assert self.leader is not None
        if self.now >= self._beat_at:
            await self._beat(self.leader)
        await self._tick(self.leader)
        for _ in range(self.draw.randrange(0, 3)):
            await self._claims()
            self.now += self.draw.random() * 0.02
        self.now += gate.TICK * self.draw.choice((0.5, 1.0, 1.0, 1.0, 6.0))
        if self.draw.random() < 0.01:
            self.did["kill the leader"] += 1
            await self.lead()

    async def _tick(self, leader: Leader) -> None:
        before = int(await self.watcher.fetchval("select admitted from gate"))
        if not await leader.tick(self._ports, self.clock):
            raise AssertionError("the only leader does not lead")
        row = await self.watcher.fetchrow("select at_ms, granted from gate")
        self.reference.granted(row["at_ms"], row["granted"] - before)
        await self._compare(before)

    async def _beat(self, leader: Leader) -> None:
        self._beat_at = self.now + waiting_room.BEAT
        last = self._invited + int(RATE * 40)
        await self.watcher.execute("select setval('ticket_number', $1)", last)
        figures = await leader.beat(self._ports, self.clock)
        assert figures is not None
        frontier = min(int(figures.room.frontier), last)
        self.did["join"] += max(frontier - self._invited, 0)
        for number in range(self._invited + 1, frontier + 1):
            if self.draw.random() < SHOW:
                self.due.append((self.now + 1.0 + self.draw.random() * 2.0, number))
            elif self.draw.random() < 0.1:
                self.due.append((self.now + self.draw.random() * 200.0, number))
        self._invited = max(self._invited, frontier)
        self.due.sort()

    async def _claims(self) -> None:
        """Those who are due claim together; one of them in two tabs."""
        count = self.draw.randrange(1, 40)
        ready = [number for moment, number in self.due[:count] if moment <= self.now]
        if not ready:
            return
        del self.due[: len(ready)]
        batch = [*ready, self.draw.choice(ready)]
        self.draw.shuffle(batch)
        claimants = [Claimant(number, number, EPOCH) for number in batch]
        async with self.begin() as tx:
            held = await tx.gate.hold()
        for one in claimants:
            if waiting_room.may_claim(one.place, held.frontier):
                until = gate.waits_until_ms(held.at_ms, retry_s(held, one))
                self.reference.claimed(one.number, one.place, until)
        answers = await claim_together(self.begin, claimants)
        self.did["claim"] += len(batch)
        await self._compare(held.admitted)
        for number, answer in dict(zip(batch, answers, strict=True)).items():
            inside = answer.found is not None
            if inside != (number in self.reference.inside):
                self.reference.inversions += 1
            if inside and self.draw.random() < 0.03:
                self.due.append((self.now + self.draw.random() * 100.0, number))
            elif not inside and self.draw.random() < 0.05:
                self.did["vanish"] += 1
                self.due.append((self.now + 40.0 + self.draw.random() * 100.0, number))
            elif not inside:
                self.due.append((self.now + max(answer.retry_s, 1.0) + self.draw.random() * 2.0, number))
        self.due.sort()

    async def _compare(self, before: int) -> None:
        rows = await self.watcher.fetch("select number from claim where admission > $1 order by admission", before)
        let_in = [row["number"] for row in rows]
        self.instants += [self.now] * len(let_in)
        if let_in or self.reference.allowed > 0:
            self.reference.admitted(let_in, 1 << 62)


async def played(url: str, seed: int, commands: int) -> dict[str, Any]:
    await migrate_url(url)
    watcher = await asyncpg.connect(url)
    await watcher.execute(f'alter database "{url.rpartition("/")[2]}" set synchronous_commit = off')
    database = await Database.open(url, connections=2)
    trace = Trace(begin_on(database, KeyVault(bytes(32))), watcher, random.Random(seed))
    try:
        await trace.lead()
        while trace.did.total() < commands:
            await trace.step()
        doubled = await watcher.fetchval("select count(*) - count(distinct admission) from claim where admission > 0")
    finally:
        await database.close()
        await watcher.close()
    instants = np.array(trace.instants)
    return {
        "did": dict(trace.did),
        "admitted": len(instants),
        "leaders": trace.leaders,
        "inversions": trace.reference.inversions,
        "doubled": trace.reference.doubled + int(doubled),
        "excess": trace.reference.excess
        + max(most_in_window(instants, 1.0) - gate.second_limit(RATE), 0)
        + max(most_in_window(instants, 60.0) - gate.minute_limit(RATE), 0),
        "seconds": trace.now - 1000.0,
    }


def measure(seed: int, run: Run) -> Figures:
    with stack() as server:
        url = server.database(f"store_{seed}")
        return asyncio.run(played(url, seed, QUICK_COMMANDS if run.quick else COMMANDS))


def judge(figures: list[Figures]) -> list[Finding]:
    total = {
        key: sum(one[key] for one in figures) for key in ("inversions", "doubled", "excess", "admitted", "leaders")
    }
    commands = sum(sum(one["did"].values()) for one in figures)
    wrong = total["inversions"] + total["doubled"]
    text = f"on PostgreSQL {wrong} inversions or doubled places in {commands:,} commands, {len(figures)} seeds (0)"
    also = f"on PostgreSQL {total['excess']} too many among {total['admitted']:,}, over {total['leaders']} leaders (0)"
    return [Finding("G1", wrong == 0, text), Finding("G3", total["excess"] == 0, also)]
