"""Transactions that the database undid, for real: deadlock, serialization, lock timeout, a connection that was cut."""

import asyncio
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from service.actions.again import again
from service.domain.errors import DatabaseBusy, DatabaseUnavailable
from service.domain.repeats import Repeats
from service.room_ports import Join
from tests.integration.registration_room import registration

WAVES = "insert into wave (id, opens_at, closes_at) select n, '2020-01-01', '2100-01-01' from unnest($1::int[]) as n"
TOUCH = "update wave set closes_at = closes_at + interval '1 s' where id = $1"


class Conflict:
    """Two transactions that meet in the middle: each begins, waits for the other, then gets in its way."""

    def __init__(self, ports, kind: str) -> None:
        self.ports = ports
        self.kind = kind
        self._met = asyncio.Barrier(2)
        self._one_is_done = asyncio.Event()

    async def work(self, mine: int, other: int) -> int:
        """One of the two; a second try begins when the winner is done, which on a slow disk is later than any pause.

        Returns the tries it took.
        """
        tries = 0

        async def once() -> int:
            nonlocal tries
            tries += 1
            if tries > 1:
                await self._one_is_done.wait()
            async with self.ports.begin() as tx:
                connection = _of(tx)
                if self.kind == "serialization":
                    await connection.execute("set transaction isolation level serializable")
                    await connection.fetch("select id, closes_at from wave")
                else:
                    await connection.execute(TOUCH, mine)
                if tries == 1:
                    await self._met.wait()
                if self.kind == "serialization":
                    await connection.execute(TOUCH, mine)
                    if tries == 1:
                        await self._met.wait()
                else:
                    await connection.execute(TOUCH, other)
            self._one_is_done.set()
            return tries

        return await again(self.ports, once)


@pytest.mark.parametrize("kind", ["deadlock", "serialization"])
@pytest.mark.parametrize("budget", [10.0, None], ids=["begun again", "negative control: no budget"])
def test_of_two_in_conflict_both_are_done(run, database_url, tmp_path, kind, budget):
    """The database undoes one of them; it is begun once more, and both have had their effect once."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            told: list[tuple[str, bool]] = []
            repeats = Repeats() if budget else Spent()
            ports = replace(service.ports, repeated=lambda why, allowed: told.append((why, allowed)), repeats=repeats)
            await waves(database_url, 101, 102)
            conflict = Conflict(ports, kind)
            ended = await asyncio.gather(conflict.work(101, 102), conflict.work(102, 101), return_exceptions=True)
            touched = await service.sql(
                "select id, closes_at - timestamptz '2100-01-01' as by from wave where id > 100"
            )
            return told, ended, sorted(row["by"].total_seconds() for row in touched)

    told, ended, touched = run(scenario())
    each = 1 if kind == "serialization" else 2
    if budget:
        assert told == [(kind, True)]
        assert sorted(ended) == [1, 2] and touched == [each, each]
    else:
        assert told == [(kind, False)]
        assert [type(end) for end in ended if isinstance(end, Exception)] == [DatabaseBusy]
        assert sum(touched) == each


class Spent(Repeats):
    def take_nowait(self, now: float) -> bool:
        return False


def test_lock_that_does_not_come_is_waited_for_once(run, database_url, tmp_path):
    """Busy after one try: the wait has cost the asker enough."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            told: list[tuple[str, bool]] = []
            ports = replace(service.ports, repeated=lambda why, allowed: told.append((why, allowed)))
            await waves(database_url, 101)
            holder = await asyncpg.connect(database_url)
            holding = holder.transaction()
            await holding.start()
            await holder.execute(TOUCH, 101)
            tries = 0

            async def touch() -> str:
                nonlocal tries
                tries += 1
                async with ports.begin() as tx:
                    await _of(tx).execute("set local lock_timeout = '30ms'")
                    await _of(tx).execute(TOUCH, 101)
                return "done"

            try:
                end = await again(ports, touch)
            except DatabaseBusy as busy:
                end = busy.code
            finally:
                await holder.close()
            return end, tries, told

    assert run(scenario()) == ("busy", 1, [])


@pytest.mark.parametrize(("cuts", "end"), [(1, "done"), (2, "unavailable")])
def test_cut_connection_costs_nobody_an_answer(run, database_url, tmp_path, cuts, end):
    """`pg_terminate_backend` in the middle of a transaction: it is begun again on another connection, once."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            tries = 0

            async def take_ticket() -> str:
                nonlocal tries
                tries += 1
                async with service.ports.begin() as tx:
                    await tx.room.join([Join(b"one request", b"")])
                    if tries <= cuts:
                        await _of(tx).execute("select pg_terminate_backend(pg_backend_pid())")
                return "done"

            try:
                told = await again(service.ports, take_ticket)
            except DatabaseUnavailable as error:
                told = error.code
            return told, tries, len(await service.sql("select 1 from ticket"))

    assert run(scenario()) == (end, 2, end == "done")


def _of(tx: Any) -> Any:
    """The connection of a transaction, for statements that the stores do not have."""
    return tx.waves._connection


async def waves(url: str, *numbers: int) -> None:
    """Rows to get in each other's way about."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(WAVES, numbers)
    finally:
        await connection.close()
