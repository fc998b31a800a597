"""The slow loop at work: the gate's rate follows what replicas tell, and the switch takes the gate away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from service import gatekeeping
from service.actions.gatekeeper import Candidate, Leader
from service.actions.pacing import Pacer, Standstill
from service.domain.admission import EVERY
from service.domain.stage_figures import StageFigure
from service.metrics import Metrics
from tests.integration.registration_room import Registration, registration, until


async def leader_of(service: Registration) -> Leader:
    await service.sql("update gate set holder = null")
    leader = await Candidate(uuid4()).look(service.ports, lambda: 0.0)
    assert leader is not None
    return leader


async def tell(service: Registration, *, refused: float = 0.0, email: int = 0) -> None:
    """A web replica and a worker write what they do; so many codes wait."""
    figures = [
        StageFigure("steps", 0.0, 0.0, 100.0, refused), StageFigure("steps_late", 0.0, 0.0, 0.0, 0.0),
        StageFigure("email", 0.0, 0.0, 50.0, 0.0),
    ]  # fmt: skip
    async with service.ports.begin() as tx:
        await tx.figures.write(REPLICA, figures)
    await service.sql(f"update queue_counter set depth = {email} where queue = 'email' and shard = 0")


REPLICA = uuid4()


def test_the_rate_follows_what_replicas_tell_and_survives_the_leader(run, database_url, tmp_path):
    """Refusals cut it, silence holds it, and the next leader goes on from there, knowing what bound it."""

    async def scenario():
        async with registration(database_url, tmp_path, working=False, GATE_RATE="100") as service:
            leader = await leader_of(service)
            pacer = Pacer(service.ports, leader)
            async with service.ports.begin() as tx:
                room = await tx.room.read()
            now, rates = 0.0, []

            async def look(refused: float, *, silent: bool = False) -> None:
                nonlocal now
                now += EVERY
                leader.known += int(100 * EVERY)
                await service.sql("delete from stage_figure")
                if not silent:
                    await tell(service, refused=refused)
                chosen = await pacer.look(room, now)
                rates.append((leader.chosen_per_s, chosen and chosen.binding, chosen and chosen.blind))

            for refused in (0.0, 0.0, 0.0, 100.0):
                await look(refused)
            await look(100.0, silent=True)
            figures = await leader.beat(service.ports, lambda: now)
            assert figures is not None
            heir = Pacer(service.ports, leader)
            await heir.look(figures.room, now)
            return rates, figures.room.rate_per_s, leader.chosen_per_s

    rates, left, taken = run(scenario())
    assert rates[2] == (100.0, "", False)
    cut, binding, blind = rates[3]
    assert 40.0 <= cut <= 50.0 and binding == "steps" and not blind
    assert rates[4] == (cut, "steps", True)
    assert left == taken == cut


@asynccontextmanager
async def gatekeeper(service: Registration) -> AsyncIterator[None]:
    await service.sql("update gate set holder = null")
    stop = asyncio.Event()
    task = asyncio.create_task(gatekeeping.run_gatekeeper(service.ports, Metrics(), stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def let_in_of(service: Registration, people: int) -> int:
    """How many of so many who came in one moment are in when the first one is and a look has passed."""

    async def come(drawn: dict[str, str]) -> int:
        headers = {"Waiting_Room_Ticket": drawn["ticket"], "Waiting_Room_Secret": drawn["secret"]}
        return (await service.post("/claims", **headers)).status_code

    drawn = [(await service.post("/tickets")).json() for _ in range(people)]
    let_in: set[int] = set()

    async def all_tried() -> bool:
        for number, each in enumerate(drawn):
            if number not in let_in and await come(each) == 201:
                let_in.add(number)
        return bool(let_in)

    await until(all_tried)
    await all_tried()
    return len(let_in)


@pytest.mark.parametrize(("switch", "least", "most"), [("on", 1, 9), ("off", 30, 30)])
def test_without_the_room_everybody_comes_in_at_once(run, database_url, tmp_path, switch, least, most):
    """Switched on, at one person in five seconds, a few of thirty; switched off, all of them."""

    async def scenario():
        settings = {"GATE_RATE": "0.2", "WAITING_ROOM": switch}
        async with registration(database_url, tmp_path, working=False, **settings) as service, gatekeeper(service):
            return await let_in_of(service, 30)

    assert least <= run(scenario()) <= most


def test_a_standstill_is_seen_and_ends() -> None:
    """Five seconds of live people and no admission; nobody waiting, a closed gate and an admission each end it."""
    still = Standstill(0.0, waiting=3, rate_per_s=10.0)
    assert [still.seconds(7, float(at)) for at in range(8)] == [0.0, 0.0, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0]
    assert still.seconds(8, 8.0) == 0.0
    assert still.seconds(8, 13.0) == 5.0
    still.rate_per_s = 0.0
    assert still.seconds(8, 20.0) == 0.0
    still.rate_per_s, still.waiting = 10.0, 0
    assert still.seconds(8, 40.0) == 0.0
