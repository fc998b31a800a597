"""Early comers: nobody knows a place before the opening, one write opens, and the record proves every place."""

import asyncio
from datetime import timedelta
from itertools import islice

import pytest

from service.actions import lottery as actions
from service.actions.lottery import Cohort
from service.domain import lottery, lottery_record
from service.domain.lottery import ShuffleKey
from service.opening import run_opening
from tests.integration.registration_room import held, registration, until

EARLY, LATE = 30, 5


async def scheduled(service, hours: float) -> None:
    """The opening is in so many hours; the commitment goes on the record in the same transaction."""
    await service.sql(f"update waiting_room set opens_at = now() + interval '{hours} hours', opened_at = null")
    async with service.ports.begin() as tx:
        await actions.promise(tx, service.ports.vault, await tx.room.hold())


async def room_of(service):
    async with service.ports.begin(single=True) as tx:
        return await tx.room.read()


async def shown(service, field: str):
    """What the draw's resource says, when it says something of `field`."""
    told = {}

    async def is_said() -> bool:
        told.update((await service.get("/board/lottery")).json())
        return told[field] is not None

    await until(is_said)
    return told


async def opened(service) -> None:
    """The gatekeeper's task opens at the hour."""
    await service.sql("update waiting_room set opens_at = clock_timestamp()")
    stop = asyncio.Event()
    task = asyncio.create_task(run_opening(service.ports, stop))

    async def is_open() -> bool:
        return (await room_of(service)).opened_at is not None

    await until(is_open)
    stop.set()
    await task


def test_early_comers_are_drawn_and_late_ones_stand_behind_them(run, database_url, tmp_path):
    """Before the hour no place is told; then each early number has one of the first, and the record proves all."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await scheduled(service, 1.0)
            said = await shown(service, "commitment")
            early = [(await service.post("/tickets")).json() for _ in range(EARLY)]
            await opened(service)
            told = await shown(service, "opened_at")
            late = [(await service.post("/tickets")).json() for _ in range(LATE)]
            service.clock.ahead = timedelta(hours=1)
            places = [(await service.get("/place", **held(each))).json() for each in (*early, *late)]
            record: list[str] = []
            count = await actions.publish(service.ports.begin, service.ports.vault, record.append)
            return said, early, told, places, record, count

    said, early, told, places, record, count = run(scenario())
    assert said["cohort"] == 0 and said["opened_at"] is None
    assert {each["place"]["place"] for each in early} == {None}
    assert told["commitment"] == said["commitment"] and told["cohort"] == EARLY
    drawn = [each["place"] for each in places]
    assert sorted(drawn[:EARLY]) == list(range(1, EARLY + 1)) and drawn[:EARLY] != sorted(drawn[:EARLY])
    assert drawn[EARLY:] == list(range(EARLY + 1, EARLY + LATE + 1))
    verdict = lottery_record.verify(record)
    assert verdict.header is not None and (verdict.faults, verdict.tickets, count) == ((), EARLY, EARLY)
    assert verdict.header.commitment == said["commitment"] and verdict.header.cohort_digest == told["cohort_digest"]
    assert [int(line.split()[1]) for line in record[1:]] == drawn[:EARLY]


def test_a_room_is_opened_once_and_not_before_its_hour(run, database_url, tmp_path):
    """A second process changes nothing, whoever came meanwhile; before the hour nobody draws or publishes."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await scheduled(service, 1.0)
            await service.post("/tickets")
            too_early = await Cohort(await room_of(service)).open(service.ports.begin, service.ports.vault)
            with pytest.raises(actions.NotDrawn):
                await actions.publish(service.ports.begin, service.ports.vault, lambda _: None)
            before = await room_of(service)
            await opened(service)
            first = await room_of(service)
            await service.post("/tickets")
            again = await Cohort(before).open(service.ports.begin, service.ports.vault)
            return too_early, before, first, again, await room_of(service)

    too_early, before, first, again, after = run(scenario())
    assert (too_early, again) == (False, False)
    assert before.cohort == 0 and not before.is_drawn
    assert first.cohort == 1
    assert (after.cohort, after.cohort_digest, after.opened_at) == (1, first.cohort_digest, first.opened_at)


def test_a_number_is_no_place_before_the_draw(run, database_url, tmp_path):
    """The line has moved beyond its last place before the hour was set: no early comer waits at the gate for that."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await service.sql("update waiting_room set frontier = 20, rate_per_s = 20")
            await scheduled(service, 1.0)
            await shown(service, "commitment")
            early = (await service.post("/tickets")).json()
            return await service.post("/claims", **held(early)), await service.sql("select number from claim")

    answer, waiting = run(scenario())
    assert (answer.status_code, waiting) == (409, [])


def test_whoever_joins_while_it_opens_is_early_or_late_but_not_lost(run, database_url, tmp_path):
    """Joins race with the freeze: every number that was acknowledged has exactly one place."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False, DATABASE_CONNECTIONS="8") as service:
            await scheduled(service, 1.0)
            numbers: list[int] = []

            async def join(many: int) -> None:
                for _ in range(many):
                    numbers.append((await service.post("/tickets")).json()["number"])

            await join(3)
            await asyncio.gather(opened(service), *(join(15) for _ in range(6)))
            return numbers, await room_of(service)

    numbers, room = run(scenario())
    assert len(set(numbers)) == len(numbers) == 93
    assert 3 <= room.cohort <= 93
    assert len({room.place_of(number) for number in numbers}) == len(numbers)


def test_who_is_read_before_the_hour_is_drawn_like_the_others(run, database_url, tmp_path):
    """Read on three times while people come: the draw is that of one reading, and the record proves it."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await scheduled(service, 1.0)
            begin, vault = service.ports.begin, service.ports.vault
            cohort = Cohort(await room_of(service))
            for many in (4, 0, 9):
                for _ in range(many):
                    await service.post("/tickets")
                await cohort.read_on(begin)
            await service.post("/tickets")
            await service.sql("update waiting_room set opens_at = clock_timestamp()")
            done = await cohort.open(begin, vault)
            record: list[str] = []
            await actions.publish(begin, vault, record.append)
            return done, record

    done, record = run(scenario())
    assert done
    assert (lottery_record.verify(record).faults, lottery_record.verify(record).tickets) == ((), 14)


def test_no_number_is_taken_while_it_is_frozen(run, database_url, tmp_path):
    """The negative control of the race above: a join that comes meanwhile waits, and its number is a later one."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await service.post("/tickets")
            async with service.ports.begin() as tx:
                last = await tx.lottery.freeze()
                waiting = asyncio.create_task(service.post("/tickets"))

                async def waits() -> bool:
                    return bool(await service.sql("select from pg_locks where locktype = 'advisory' and not granted"))

                await until(waits)
                meanwhile = await tx.lottery.freeze()
            return last, meanwhile, (await waiting).json()["number"]

    assert run(scenario()) == (1, 1, 2)


def test_the_commitment_stands(run, database_url, tmp_path):
    """Said once for each start of the room: another one is not taken, and a new start has another seed."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await scheduled(service, 1.0)
            first = await room_of(service)
            async with service.ports.begin() as tx:
                await tx.lottery.commit(first.epoch, b"another")
            return first, await room_of(service), [actions.seed_of(service.ports.vault, epoch) for epoch in (1, 2)]

    first, after, seeds = run(scenario())
    assert after.commitment == first.commitment == lottery.commitment_of(seeds[0])
    assert after.committed_at == first.committed_at
    assert seeds[0] != seeds[1]


def test_a_draw_of_many_pages_is_the_one_of_the_rule(run, database_url, tmp_path, monkeypatch):
    """Numbers without a ticket are holes: they have places, and no line in the record."""
    monkeypatch.setattr("service.storage.lottery.PAGE", 7)

    async def scenario():
        async with registration(database_url, tmp_path, working=False) as service:
            await scheduled(service, 1.0)
            await service.sql(
                "insert into ticket (number, binding) select n, decode(lpad(to_hex(n), 32, '0'), 'hex')"
                " from generate_series(1, 40) n where n % 5 <> 0"
            )
            await service.sql("select setval('ticket_number', 40)")
            await opened(service)
            record: list[str] = []
            await actions.publish(service.ports.begin, service.ports.vault, record.append)
            return record, await room_of(service)

    record, room = run(scenario())
    verdict = lottery_record.verify(record)
    assert (verdict.faults, verdict.tickets, room.cohort) == ((), 32, 40)
    key = ShuffleKey(room.shuffle_high, room.shuffle_low)
    places = list(lottery.places(40, *key))
    assert [int(line.split()[1]) for line in islice(record, 1, None)] == [
        places[number - 1] for number in range(1, 41) if number % 5
    ]
