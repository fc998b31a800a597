"""Claiming at the gate: who waits there, who comes in next, what is said meanwhile. The leader's clock is virtual."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from service.actions.claims import claim_together
from service.actions.gatekeeper import AdmissionsLost, Candidate, Figures, Leader
from service.domain.policy import Policy
from service.ports import Begin
from service.room_ports import ClaimAnswer, Claimant
from service.storage.pool import Database
from service.storage.transaction import begin_on
from service.storage.vault import KeyVault

RATE = 10.0


@dataclass
class Scene:
    """A gate that is led, a line of a thousand tickets, and everybody who claims."""

    begin: Begin
    rows: asyncpg.Connection
    leader: Leader
    ports: Any
    now: float = 1000.0

    def clock(self) -> float:
        return self.now

    async def claims(self, *numbers: int, epoch: int = 1) -> list[ClaimAnswer]:
        """In one batch."""
        return list(await claim_together(self.begin, [Claimant(number, number, epoch) for number in numbers]))

    async def inside(self, *numbers: int) -> list[int]:
        """Those of them who find a pass."""
        answers = await self.claims(*numbers)
        return [number for number, answer in zip(numbers, answers, strict=True) if answer.found is not None]

    async def passes(self, seconds: float) -> None:
        """Time, tick by tick."""
        for _ in range(round(seconds / 0.05)):
            self.now += 0.05
            assert await self.leader.tick(self.ports, self.clock)

    async def beat(self) -> Figures:
        figures = await self.leader.beat(self.ports, self.clock)
        assert figures is not None
        return figures


@asynccontextmanager
async def scene(database_url: str, *, cap: int = 0, rate: float = RATE) -> AsyncIterator[Scene]:
    database = await Database.open(database_url, connections=2)
    rows = await asyncpg.connect(database_url)
    try:
        await rows.execute("select setval('ticket_number', 1000)")
        begin = begin_on(database, KeyVault(bytes(32)))
        ports: Any = SimpleNamespace(begin=begin, policy=Policy(gate_rate_per_s=rate))
        leader = await Candidate(UUID(int=1)).look(ports, lambda: 1000.0, cap=cap)
        assert leader is not None
        found = Scene(begin, rows, leader, ports)
        await found.beat()
        await rows.execute("update waiting_room set frontier = 500")
        yield found
    finally:
        await rows.close()
        await database.close()


def test_who_waits_at_the_gate_comes_in_by_place(run, database_url):
    """Not before it is granted; then the first by place, although another one claimed first; asked again, the same."""

    async def trial():
        async with scene(database_url) as gate:
            early = await gate.claims(40, 30)
            await gate.passes(0.3)  # three people at 10/s, as two windows of 50 ms are waited for
            later = await gate.claims(20)
            in_time = await gate.inside(30, 40, 20)
            first = (await gate.claims(30))[0].found
            again = (await gate.claims(30))[0].found
            return early, later, in_time, first, again

    early, later, in_time, first, again = run(trial())
    assert [answer.found for answer in early] == [None, None]
    assert all(0.8 < answer.retry_s < 1.2 for answer in early)
    assert in_time[:2] == [30, 40] and later[0].retry_s > 0.8
    assert first == again and first.admission == 1 and not first.first


def test_a_pass_is_told_for_the_first_time_once(run, database_url):
    """Whoever is let in while away is counted when they hear of it, in whatever tab."""

    async def trial():
        async with scene(database_url) as gate:
            await gate.claims(1)
            await gate.passes(0.2)
            tabs = await gate.claims(1, 1, 1)
            later = await gate.claims(1)
            return tabs, later

    tabs, later = run(trial())
    assert [answer.found.first for answer in (*tabs, *later)] == [True, False, False, False]
    assert {answer.found.admission for answer in (*tabs, *later)} == {1}


def test_who_is_not_invited_or_of_an_earlier_start_does_not_wait_at_the_gate(run, database_url):
    async def trial():
        async with scene(database_url) as gate:
            far, near = await gate.claims(501, 500)
            (old,) = await gate.claims(3, epoch=2)
            return far, near, old, await gate.rows.fetchval("select count(*) from claim")

    far, near, old, waiting = run(trial())
    assert (far.found, far.retry_s) == (None, -1.0)
    assert near.retry_s > 0.0
    assert old.stale and not far.stale
    assert waiting == 1


def test_the_absent_are_not_waited_for_and_come_in_next_when_they_are_back(run, database_url):
    """Claimed and gone: after the time in which they were to ask again others come in; back, they are first."""

    async def trial():
        async with scene(database_url) as gate:
            await gate.claims(1)
            await gate.rows.execute("update waiting_room set wanted = 'paused'")
            await gate.beat()
            await gate.passes(8.0)
            forgotten = (await gate.beat()).pending
            await gate.rows.execute("update waiting_room set wanted = 'open'")
            await gate.claims(2, 3, 4)
            await gate.beat()
            await gate.passes(0.11)
            without = await gate.rows.fetch("select number from claim where admission is not null order by admission")
            await gate.claims(1)
            await gate.passes(0.1)
            rest = await gate.rows.fetch(
                "select number from claim where admission > $1 order by admission", len(without)
            )
            return forgotten, [row["number"] for row in without], [row["number"] for row in rest]

    forgotten, without, rest = run(trial())
    assert (forgotten.pending, forgotten.claimed) == (0, 1)
    assert without and without == [2, 3, 4][: len(without)] and len(without) < 3
    assert rest[0] == 1


def test_a_pass_that_is_over_is_claimed_anew(run, database_url):
    """It counts as another admission; while it lives it is found again and nothing counts."""

    async def trial():
        async with scene(database_url) as gate:
            await gate.claims(1)
            await gate.passes(0.2)
            (before,) = await gate.claims(1)
            await gate.rows.execute("update claim set pass_until = now() - interval '1 s'")
            await gate.claims(1)
            await gate.passes(0.2)
            (after,) = await gate.claims(1)
            return before.found, after.found, await gate.rows.fetchval("select admitted from gate")

    before, after, admitted = run(trial())
    assert (before.admission, after.admission, admitted) == (1, 2, 2)
    assert after.pass_until > before.pass_until
    assert not after.first  # the person was counted


def test_paused_nobody_comes_in_and_nobody_loses_a_place(run, database_url):
    async def trial():
        async with scene(database_url) as gate:
            await gate.passes(1.0)
            await gate.rows.execute("update waiting_room set queue_all = true, message = 'sebentar'")
            paused = await gate.beat()
            await gate.passes(0.1)
            refused = await gate.claims(7, 5)
            await gate.passes(2.0)
            still = await gate.inside(7, 5)
            await gate.rows.execute("update waiting_room set queue_all = false")
            opened = await gate.beat()
            await gate.passes(0.11)
            return (
                paused.room,
                refused,
                still,
                opened.room,
                await gate.rows.fetch("select number from claim where admission is not null order by admission"),
            )

    paused, refused, still, opened, inside = run(trial())
    assert (paused.state, paused.reason, paused.rate_per_s) == ("paused", "sebentar", 0.0)
    assert still == [] and all(answer.retry_s > 20.0 for answer in refused)
    assert opened.state == "open" and opened.rate_per_s == RATE
    assert [row["number"] for row in inside][:1] == [5]


@pytest.mark.parametrize("bound", ["fixed_rate_per_s", "hard_rate_per_s"])
def test_a_rate_of_nobody_is_a_pause(run, database_url, bound):
    """An open room would promise a wait by some other rate."""

    async def trial():
        async with scene(database_url) as gate:
            await gate.rows.execute(f"update waiting_room set {bound} = 0")
            return (await gate.beat()).room

    room = run(trial())
    assert (room.state, room.rate_per_s) == ("paused", 0.0)


def test_a_full_house_says_so_and_lets_nobody_in(run, database_url):
    """The cap counts passes that may live; the line stands still meanwhile."""

    async def trial():
        async with scene(database_url, cap=3) as gate:
            await gate.claims(1, 2, 3, 4, 5)
            await gate.passes(2.0)
            figures = await gate.beat()
            frontier = figures.room.frontier
            await gate.passes(1.0)
            return figures, await gate.inside(1, 2, 3, 4, 5), (await gate.beat()).room.frontier - frontier

    figures, inside, moved = run(trial())
    assert (figures.room.state, figures.inside, figures.pending.pending) == ("full", 3, 2)
    assert inside == [1, 2, 3]
    assert moved == 0.0


def test_a_new_leader_counts_what_came_in_before(run, database_url):
    """Six came in just before the last leader died, all that a minute allows: the next sixty seconds see nobody."""

    async def trial():
        async with scene(database_url, rate=0.1) as gate:
            await gate.rows.execute("update gate set admitted = 6, granted = 6, at_ms = 100000, holder = null")
            await gate.rows.execute("insert into gate_tick (at_ms, admitted) values (99950, 6)")
            leader = await Candidate(UUID(int=2)).look(gate.ports, gate.clock)
            assert leader is not None
            leader.rate_per_s = 0.1
            return [leader.ceiling(gate.now + seconds) for seconds in (0.0, 10.0, 30.0, 59.9, 60.1)]

    *meanwhile, after = run(trial())
    assert max(meanwhile) <= 6
    assert after == 7


def test_admissions_that_the_database_lost_are_not_let_in_on_top(run, database_url):
    """A crash undoes admissions of which nobody was told. They are not made up for beyond the limit of a second."""

    async def trial():
        async with scene(database_url, rate=10.0) as gate:
            await gate.claims(*range(1, 101))
            await gate.passes(0.5)
            lost = await gate.rows.fetchval("select admitted from gate")
            await gate.rows.execute("update claim set admission = null, until_ms = at_ms + 90000 from gate")
            await gate.rows.execute("update gate set admitted = 0, granted = 0")
            await gate.rows.execute("delete from gate_tick where admitted > 0")
            with pytest.raises(AdmissionsLost):
                await gate.passes(0.05)
            await gate.passes(0.95)
            return lost, await gate.rows.fetchval("select admitted from gate")

    lost, second = run(trial())
    assert lost >= 3
    assert 5 <= second <= 11
