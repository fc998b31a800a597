"""The gate's rows do what plain lists do, whatever is asked of them in whatever order."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
from hypothesis import given, settings
from hypothesis import strategies as st

from service.room_ports import Gate
from service.storage.gate import GateRows
from tests.integration.gate_room import HOLDER, PlainGate, claim, tick
from tests.integration.queue_room import connections, one

TICKETS = 12
PLACES = [place * 5 % TICKETS + 1 for place in range(TICKETS)]
"""Of the tickets 0 to 11: a permutation."""

claims = st.lists(
    st.tuples(st.integers(0, TICKETS - 1), st.integers(1, 400)), min_size=1, max_size=5, unique_by=lambda each: each[0]
)
commands = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), claims),
        st.tuples(st.just("tick"), st.tuples(st.integers(1, 300), st.integers(-2, 4))),
        st.tuples(st.just("expire"), st.integers(0, TICKETS - 1)),
    ),
    min_size=1,
    max_size=14,
)


async def fresh(connection: asyncpg.Connection) -> None:
    await connection.execute("truncate claim")
    await connection.execute("update gate set at_ms = 0, granted = 0, admitted = 0, claimed = 0, holder = $1", HOLDER)


async def followed(connection: asyncpg.Connection, asked: list[tuple[str, Any]]) -> None:
    """Each command at the rows and at the lists: who came in, in which order, and what each claimant was told."""
    await fresh(connection)
    plain, ever = PlainGate(), set()
    for what, how in asked:
        if what == "claim":
            claimants = [(number, PLACES[number], plain.at_ms + wait) for number, wait in how]
            ever |= {number for number, _, _ in claimants}
            found = await claim(connection, claimants)
            assert {each.number for each in found} == plain.claim(claimants)
        elif what == "tick":
            later, more = how
            at_ms, ceiling = plain.at_ms + later, len(plain.came_in) + more
            assert await tick(connection, at_ms, ceiling)
            plain.tick(at_ms, ceiling)
        elif how in plain.came_in:
            plain.expired.add(how)
            await connection.execute("update claim set pass_until = now() - interval '1 s' where number = $1", how)
        rows = await connection.fetch("select number, admission from claim where admission is not null order by 2")
        newest = {number: place for place, number in enumerate(plain.came_in, 1) if number not in plain.waiting}
        assert [(row["number"], row["admission"]) for row in rows] == sorted(newest.items(), key=lambda each: each[1])
        gate = await GateRows(connection).hold()
        assert (gate.admitted, gate.granted) == (len(plain.came_in), plain.granted)
    assert await connection.fetchval("select claimed from gate") == len(ever)


def test_rows_and_lists_agree(run, database_url):
    """Claims, ticks, passes that are over, people who do not come back: on random traces."""

    @settings(max_examples=40)
    @given(commands)
    def traces(asked):
        run(followed(kept[0], asked))

    async def connect():
        return await asyncpg.connect(database_url)

    kept = [run(connect())]
    try:
        traces()
    finally:
        run(kept[0].close())


def test_lists_without_an_order_disagree(run, database_url, monkeypatch):
    """Negative control: lists that let in who came first to claim, wherever they stand."""

    def by_coming(self):
        there = [number for number, (_, until) in self.waiting.items() if until > self.at_ms]
        for number in there[: self.granted - len(self.came_in)]:
            del self.waiting[number]
            self.came_in.append(number)

    monkeypatch.setattr(PlainGate, "_let_in", by_coming)
    asked = [("claim", [(0, 400), (1, 400), (2, 400), (3, 400)]), ("tick", (10, 2))]

    async def trial():
        async with one(database_url) as connection:
            try:
                await followed(connection, asked)
            except AssertionError:
                return "told apart"
            return "taken for the same"

    assert run(trial()) == "told apart"


def test_claims_at_once_share_what_is_granted(run, database_url):
    """Three replicas spend one grant: not one too many comes in, and the rest wait in order."""

    async def trial():
        async with connections(database_url, 4) as (leader, *replicas):
            await fresh(leader)
            assert await tick(leader, 10, 25)

            async def spend(replica, first):
                for number in range(first, 60, 3):
                    await claim(replica, [(number, number, 10_000)])

            await asyncio.gather(*(spend(replica, first) for first, replica in enumerate(replicas)))
            inside = await leader.fetchval("select count(*) from claim where admission is not null")
            await tick(leader, 20, 30)
            rows = await leader.fetch("select number from claim where admission > 25 order by admission")
            waiting = await leader.fetchval("select min(place) from claim where admission is null")
            return inside, [row["number"] for row in rows], waiting

    inside, next_in, waiting = run(trial())
    assert inside == 25
    assert next_in == sorted(next_in) and len(next_in) == 5 and next_in[-1] < waiting


def test_only_the_leader_ticks(run, database_url):
    """Whoever led before is refused, so is a tick that comes late, and the grants of the last leader are gone."""

    async def trial():
        async with one(database_url) as connection:
            rows = GateRows(connection)
            seen = await rows.look()
            first = await rows.lead(HOLDER, seen)
            granted = await tick(connection, 50, 10)
            late = await tick(connection, 49, 20)
            quicker = await rows.lead(UUID(int=2), seen)
            seen = await rows.look()
            second = await rows.lead(UUID(int=2), seen)
            left = await rows.look()
            old = await tick(connection, 60, 20)
            await rows.resign(HOLDER)
            held = (await rows.look()).holder
            await rows.resign(UUID(int=2))
            return first, granted, late, quicker, seen, second, left, old, held, (await rows.look()).holder

    first, granted, late, quicker, seen, second, left, old, held, resigned = run(trial())
    assert (first.at_ms, first.admitted, list(first.reached)) == (0, 0, [(-86_400_000, 0)])
    assert (granted, late, quicker, old) == (True, False, None, False)
    assert seen == Gate(HOLDER, 50, 10, 0)
    assert (second.at_ms, left.granted) == (50, 0)
    assert (held, resigned) == (UUID(int=2), None)


def test_what_was_reached_is_kept_as_long_as_it_is_needed(run, database_url):
    """And the newest of what is older, from which the oldest window begins."""

    async def trial():
        async with one(database_url) as connection:
            rows = GateRows(connection)
            await rows.lead(HOLDER, await rows.look())
            for at in range(100, 1000, 100):
                async with connection.transaction():
                    await rows.tick(HOLDER, at_ms=at, ceiling=0, reached=(at, at), keep_from_ms=at - 250)
            return await rows.lead(UUID(int=2), await rows.look())

    assert list(run(trial()).reached) == [(at, at) for at in (600, 700, 800, 900)]
