"""The partner clients against the real simulated partners, when those misbehave."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Any

import pytest

from service.domain.breaker import CircuitState
from service.domain.errors import PartnerError
from service.gateways.call import CUT_OFF
from tests.conftest import Run
from tests.contract.test_gateways import ANN, CHECK, Room, clients, partners, refused
from tests.patience import TRIES, least

IN_TIME = 20.0
"""Seconds for what takes one: only a guard that is broken needs them."""


def ledger_of(everybody: Any, partner: str) -> dict[str, int]:
    each = everybody.registry if partner == "civil_registry" else everybody.gateways[partner]
    return dict(each.ledger.as_json())


@pytest.mark.parametrize("act", ["cut", "garble", "swap"])
def test_what_was_done_but_not_told_is_asked_again_under_its_key(run: Run, act: str) -> None:
    """The answer that was missed, cut short or for somebody else is unknown; repeated, it is the right one, and the
    partner has done it once."""

    async def ask() -> None:
        async with partners() as (everybody, room):
            everybody.conduct.change({"civil_registry": {act: 1.0}, "sms": {act: 1.0}})
            for call in (
                room.registry.check(*CHECK, idempotency_key="1"),
                room.sms.send(ANN, "Kode 123456", idempotency_key="1"),
            ):
                error = await refused(call)
                assert error.unknown and error.temporary
            everybody.conduct.change({})
            assert await room.registry.check(*CHECK, idempotency_key="1")
            await room.sms.send(ANN, "Kode 123456", idempotency_key="1")
            for partner in ("civil_registry", "sms"):
                ledger = ledger_of(everybody, partner)
                assert (ledger["asked"], ledger["distinct"], ledger["duplicates"]) == (2, 1, 1)
                assert room.calls(partner) == {"unknown": 1, "ok": 1}

    run(ask())


def test_a_late_answer_is_not_taken_for_the_next_one(run: Run) -> None:
    """It comes when its call was given up; the next call on a new connection gets its own."""

    async def ask() -> None:
        async with partners(timeout=0.7) as (everybody, room):
            everybody.conduct.change({"civil_registry": {"late_s": 1.0}})
            wrong = room.registry.check(CHECK[0], CHECK[1][::-1], CHECK[2], idempotency_key="wrong")
            assert (await refused(wrong)).unknown
            everybody.conduct.change({})
            for number in range(5):
                assert await room.registry.check(*CHECK, idempotency_key=str(number))
                await asyncio.sleep(0.1)  # the late answer comes meanwhile

    run(ask())


def test_an_error_is_temporary_and_nothing_was_done(run: Run) -> None:
    async def send() -> None:
        async with partners() as (everybody, room):
            everybody.conduct.change({"sms": {"error": 1.0}})
            error = await refused(room.sms.send(ANN, "Kode 123456", idempotency_key="1"))
            assert error.temporary and not error.unknown and error.reason == "out-of-order"
            ledger = ledger_of(everybody, "sms")
            assert (ledger["asked"], ledger["distinct"], ledger["unserved"]) == (1, 0, 1)

    run(send())


def test_a_message_delivered_twice_is_one_message(run: Run) -> None:
    async def send() -> None:
        async with partners() as (everybody, room):
            everybody.conduct.change({"sms": {"twice": 1.0}})
            await room.sms.send(ANN, "Kode 123456", idempotency_key="1")
            async with asyncio.timeout(5.0):
                while len(everybody.deliveries.inbox(ANN)) < 2:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            ledger = ledger_of(everybody, "sms")
            assert (ledger["distinct"], ledger["delivered"], ledger["pending"]) == (1, 1, 0)

    run(send())


async def push(
    room: Room,
    calls_per_s: float,
    seconds: float,
    opened: list[float],
    most_open: float = math.inf,
    enough: Callable[[], bool] = lambda: False,
) -> list[PartnerError]:
    """As a lane does: look, and make the calls that may be made, so many a second; what was refused.

    It ends early when the circuit has been open for `most_open` seconds, or when it is enough.

    opened: gets the moment at which the circuit was first seen open.
    """
    errors: list[PartnerError] = []
    started, number = time.monotonic(), 0

    async def call(key: str) -> None:
        try:
            await room.sms.send(ANN, "Kode 123456", idempotency_key=key)
        except PartnerError as error:
            errors.append(error)

    async with asyncio.TaskGroup() as group:
        while (now := time.monotonic() - started) < seconds:
            busy = room.sms.guard.in_flight
            if room.sms.guard.state is CircuitState.OPEN and not opened:
                opened.append(now)
            if enough() or (opened and now > opened[0] + most_open):
                break
            for _ in range(min(room.sms.free(busy), int(now * calls_per_s) - number)):  # all that are due by now
                number += 1
                group.create_task(call(str(number)))
            await asyncio.sleep(0.01)
    return errors


@pytest.mark.parametrize("how", ["hang", "error", "gone"])
def test_the_circuit_opens_within_two_seconds_of_a_death(run: Run, how: str) -> None:
    """However a partner dies - it hangs, errs or refuses connections - 15 calls a second find out within 2 s, and then
    it is asked once in a while only."""

    async def scenario() -> float:
        """When it was open."""
        opened: list[float] = []
        if how == "gone":
            async with served_nowhere() as room:
                errors = await push(room, 15.0, 2.1, opened, 0.3)
                calls = sum(room.calls("sms").values())
        else:
            async with partners(timeout=2.2) as (everybody, room):
                everybody.conduct.change({"sms": {how: 1.0}})
                errors = await push(room, 15.0, 2.1, opened, 0.3)
                calls = ledger_of(everybody, "sms")["asked"]
        assert calls <= 27  # 31 without the guard
        assert all(error.reason != CUT_OFF for error in errors)  # who looks first asks nothing in vain
        return opened[0] if opened else math.inf

    assert least(lambda: run(scenario()), 2.0) <= 2.0


def served_nowhere(**options: Any) -> Any:
    """Clients of an address at which nobody listens."""
    return clients("http://127.0.0.1:9", **options)


def test_without_the_guard_a_dead_partner_is_asked_on(run: Run) -> None:
    """The negative control: the same 15 calls a second, and every one is made."""

    async def scenario() -> None:
        async with served_nowhere(guarded=False) as room:
            opened: list[float] = []
            await push(room, 15.0, 1.5, opened)
            assert not opened
            assert sum(room.calls("sms").values()) >= 18

    run(scenario())


def test_a_partner_that_is_back_gets_its_calls_again(run: Run) -> None:
    """Three trials, then all; and what was refused meanwhile was refused by us, at once."""

    async def scenario() -> None:
        async with partners() as (everybody, room):
            everybody.conduct.change({"sms": {"error": 1.0}})
            opened: list[float] = []
            await push(room, 100.0, IN_TIME, opened, 0.0)
            assert opened
            error = await refused(room.sms.send(ANN, "Kode 123456", idempotency_key="x"))
            assert error.reason == CUT_OFF and not error.asked and error.temporary and not error.unknown
            before = ledger_of(everybody, "sms")["asked"]
            everybody.conduct.change({})

            def has_its_calls() -> bool:
                closed = room.sms.guard.state is CircuitState.CLOSED
                return closed and ledger_of(everybody, "sms")["asked"] - before >= 50

            assert not await push(room, 100.0, IN_TIME, opened, enough=has_its_calls)
            assert has_its_calls()

    run(scenario())


async def most_at_once(room: Room, seconds: float) -> int:
    """The most calls under way in the second half of `seconds`, at 100 a second as far as the guard allows."""
    most = 0

    async def watch(end: float) -> None:
        nonlocal most
        while time.monotonic() < end:
            await asyncio.sleep(0.02)
            if time.monotonic() > end - seconds / 2:
                most = max(most, room.sms.guard.in_flight)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch(time.monotonic() + seconds))
        group.create_task(push(room, 100.0, seconds, []))
    return most


def test_a_slow_partner_is_asked_less_at_once(run: Run) -> None:
    """Answers take two thirds of the deadline: instead of forty calls a handful is under way. Fast again, it gets
    all it is asked."""

    async def scenario() -> tuple[bool, bool]:
        async with partners(timeout=0.6) as (everybody, room):
            everybody.conduct.change({"sms": {"late_s": 0.4}})
            few = await most_at_once(room, 2.4) <= 6
            everybody.conduct.change({})
            before = ledger_of(everybody, "sms")["asked"]
            await push(room, 100.0, 1.0, [])
            return few, ledger_of(everybody, "sms")["asked"] - before >= 60

    # Not all of them: on a busy machine answers come after the deadline, and the circuit opens.
    assert any(run(scenario()) == (True, True) for _ in range(TRIES))


def test_without_the_guard_a_slow_partner_gets_it_all(run: Run) -> None:
    """The negative control."""

    async def scenario() -> None:
        async with partners(timeout=0.5, guarded=False) as (everybody, room):
            everybody.conduct.change({"sms": {"late_s": 0.4}})
            assert await most_at_once(room, 1.2) >= 25

    run(scenario())
