"""A worker whose partners fail: the circuit, the budget of retries, the second provider, from the job to the inbox."""

import asyncio
import time
from pathlib import Path

from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures
from service.domain.adaptive import BURST
from service.domain.codes import Channel
from service.domain.identity import IdentityStatus
from service.queues.policy import RETRY_SHARE
from tests.conftest import Run
from tests.contract.test_gateways import served
from tests.integration.worker_room import FAST, HELPFUL, Room, service_room, until

DEAD = {"error": 1.0}


async def people(room: Room, count: int, *, first: int = 0) -> range:
    for number in range(first, first + count):
        await room.ask_code(await room.account(number))
    return range(first, first + count)


def asked(room: Room, channel: str = "sms") -> int:
    return int(room.partners.gateways[channel].ledger.as_json()["asked"])


def shown(room: Room, name: str, partner: str = "sms") -> float:
    return room.metrics.registry.get_sample_value(f"registration_partner_{name}", {"partner": partner}) or 0.0


def arrived(room: Room, numbers: range) -> list[int]:
    return [len(room.inbox(number)) for number in numbers]


def test_a_dead_gateway_is_left_alone_and_nobody_s_code_is_lost(run: Run, database_url: str, tmp_path: Path) -> None:
    """Text messages fail for a while: the circuit opens, the gateway is asked a few times only, codes wait in the
    queue without using up their tries, e-mail and identity go on; when it is back each code arrives once."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, SMS_RATE="50") as room, room.worker():
            room.partners.conduct.change({"sms": DEAD})
            numbers = await people(room, 80)

            async def opened() -> bool:
                return shown(room, "circuit_openings_total") > 0

            await until(opened)
            ann = await room.account(1000)
            await room.ask_code(ann, Channel.EMAIL)
            await room.ask_check(ann)

            async def others_served() -> bool:
                told = len(room.inbox(1000, Channel.EMAIL)) == 1
                return told and await room.identity_status(ann) == IdentityStatus.MATCH

            await until(others_served)
            await asyncio.sleep(0.5)  # the time of the fault, not a wait for its end
            while_dead = asked(room)
            assert while_dead <= 30  # ten or so until it opened, a trial each second or two; without a guard 100
            assert await room.connection.fetchval("select max(attempts) from job") <= 4
            room.partners.conduct.change({})
            await room.empty()
            assert arrived(room, numbers) == [1] * 80
            assert (room.ended("sms", "done"), room.ended("sms", "dead")) == (80, 0)
            # No burst at the return; the tenth is for a busy machine, as in test_worker.
            assert room.partners.gateways["sms"].ledger.as_json()["most_in_1s"] <= 55
            assert shown(room, "circuit_state") == 0

    run(scenario())


def test_without_the_guard_a_dead_gateway_is_asked_on(run: Run, database_url: str, tmp_path: Path) -> None:
    """The negative control: in the same time every code is tried, and tried again."""

    async def scenario() -> None:
        async with (
            service_room(database_url, tmp_path, SMS_RATE="50", PARTNER_GUARD="off") as room,
            room.worker(),
        ):
            room.partners.conduct.change({"sms": DEAD})
            await people(room, 40)

            async def hammered() -> bool:
                return asked(room) > 45

            await until(hammered)
            assert shown(room, "circuit_openings_total") == 0

    run(scenario())


RETRIES = 34
RATE = 20.0
PAYS = (RETRIES - BURST) / (RETRY_SHARE * RATE)
"""Seconds for which a fifth of the quota pays for them, beyond the burst."""


async def time_of_retries(room: Room) -> float:
    """Seconds of a gateway that errs always until it was asked RETRIES times beyond the first call for a code."""
    room.partners.conduct.change({"sms": DEAD})
    await people(room, 40)
    began = time.monotonic()
    async with room.worker():

        async def often() -> bool:
            tried = await room.connection.fetchval("select count(*) from job where queue = 'sms' and attempts > 0")
            return asked(room) - int(tried) >= RETRIES

        await until(often)
        return time.monotonic() - began


def test_retries_keep_to_their_budget(run: Run, database_url: str, tmp_path: Path) -> None:
    """A gateway that errs always, asked without a guard: beyond the burst no more than a fifth of its quota goes to
    retries, whatever the backoff says."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, SMS_RATE=f"{RATE:g}", PARTNER_GUARD="off") as room:
            assert await time_of_retries(room) >= PAYS

    run(scenario())


def test_without_a_budget_retries_are_bounded_by_nothing(run: Run, database_url: str, tmp_path: Path) -> None:
    """The negative control: without pacing there is no quota and so no share of it."""

    async def scenario() -> None:
        async with service_room(
            database_url, tmp_path, SMS_RATE=f"{RATE:g}", PARTNER_GUARD="off", PARTNER_PACING="off"
        ) as room:
            assert await time_of_retries(room) < PAYS

    run(scenario())


def test_codes_go_to_the_second_provider(run: Run, database_url: str, tmp_path: Path) -> None:
    """The first one dies: after the few calls that find out, every code arrives by the second, the same text once."""

    async def scenario() -> None:
        second = Partners(Figures(HELPFUL, FAST, FAST), opens_at=time.time(), seed=2)
        async with (
            served(second.application()) as url,
            service_room(database_url, tmp_path, SMS_RATE="50", SMS_SECOND_URL=url) as room,
            room.worker(),
        ):
            room.partners.conduct.change({"sms": DEAD})
            numbers = await people(room, 40)
            await room.empty()
            inboxes = [second.deliveries.inbox(f"+6280{number:09d}") for number in numbers]
            assert [len(messages) for messages in inboxes] == [1] * 40
            assert arrived(room, numbers) == [0] * 40
            assert shown(room, "circuit_openings_total") >= 1
            labels = {"partner": "sms_second", "outcome": "ok"}
            assert room.metrics.registry.get_sample_value("registration_partner_calls_total", labels) == 40

    run(scenario())


def test_a_partner_that_hangs_takes_no_connection_of_another(run: Run, database_url: str, tmp_path: Path) -> None:
    """E-mail and text messages hang: identity checks are answered meanwhile."""

    async def scenario() -> None:
        async with service_room(database_url, tmp_path, PARTNER_TIMEOUT="5") as room:
            room.partners.conduct.change({"sms": {"hang": 1.0}, "email": {"hang": 1.0}})
            for number in range(40):
                account = await room.account(number)
                await room.ask_code(account)
                await room.ask_code(account, Channel.EMAIL)
            ann = await room.account(1000)
            await room.ask_check(ann)

            async def answered() -> bool:
                return await room.identity_status(ann) == IdentityStatus.MATCH

            async def hanging() -> bool:
                return shown(room, "calls_in_flight") + shown(room, "calls_in_flight", "email") > 0

            async with room.worker():
                await until(hanging)
                await until(answered)
                ended = [shown(room, "call_seconds_count", partner) for partner in ("email", "sms")]
                assert not any(ended), "all of them still hang"

    run(scenario())
