"""Messages on their way: in order of their due times, to the inbox, and to the standing connections that want them."""

import asyncio
import json
import re
from dataclasses import asdict

import pytest

from scenarios.partners import deliveries
from scenarios.partners.deliveries import INBOX_LIMIT, Deliveries, Subscriber
from scenarios.partners.requests import Message

ANN = "+6280000000001"


def test_messages_arrive_in_order_of_their_due_times() -> None:
    """One accepted later may arrive earlier; each is counted once, at the wall clock's time."""

    async def scenario() -> None:
        desk, arrived = Deliveries(wall=lambda: 1_586_606_400.0), asyncio.Semaphore(0)
        for text, delay in (("slow", 0.02), ("quick", 0.0), ("middle", 0.01)):
            desk.schedule("sms", Message(ANN, text), delay, arrived.release)
        for _ in range(3):
            await asyncio.wait_for(arrived.acquire(), 10)
        inbox = desk.inbox(ANN)
        assert [message.text for message in inbox] == ["quick", "middle", "slow"]
        assert {(message.channel, message.delivered_at) for message in inbox} == {("sms", 1_586_606_400.0)}

    asyncio.run(scenario())


def test_the_time_of_arrival_never_looks_like_a_code() -> None:
    """Who searches an inbox for six digits finds the code alone."""

    async def scenario() -> None:
        desk, arrived = Deliveries(wall=lambda: 1_586_606_400.123456), asyncio.Semaphore(0)
        desk.schedule("sms", Message(ANN, "Kode Anda"), 0.0, arrived.release)
        await asyncio.wait_for(arrived.acquire(), 10)
        assert re.search(r"\b[0-9]{6}\b", json.dumps(asdict(desk.inbox(ANN)[0]))) is None

    asyncio.run(scenario())


def test_an_inbox_keeps_the_newest() -> None:
    async def scenario() -> None:
        desk, arrived = Deliveries(), asyncio.Semaphore(0)
        for number in range(INBOX_LIMIT + 3):
            desk.schedule("sms", Message(ANN, str(number)), 0.0, arrived.release)
        for _ in range(INBOX_LIMIT + 3):
            await asyncio.wait_for(arrived.acquire(), 10)
        texts = [message.text for message in desk.inbox(ANN)]
        assert texts == [str(number) for number in range(3, INBOX_LIMIT + 3)]

    asyncio.run(scenario())


def test_a_subscriber_gets_what_came_meanwhile_in_one_piece_and_a_heartbeat_in_silence() -> None:
    async def scenario() -> None:
        subscriber = Subscriber(residues={1}, modulus=2)
        assert [subscriber.wants(number) for number in (1, 2, 3, -1)] == [True, False, True, True]
        subscriber.put_nowait(b"one\n")
        subscriber.put_nowait(b"two\n")
        assert await subscriber.lines(10) == b"one\ntwo\n"
        assert await subscriber.lines(0.001) == b"\n"
        subscriber.end()
        assert await subscriber.lines(10) == b""

    asyncio.run(scenario())


def test_a_subscriber_that_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are bounded: it loses the connection, not the partners their memory."""

    async def scenario() -> None:
        monkeypatch.setattr(deliveries, "SUBSCRIBER_LIMIT", 3)
        subscriber = Subscriber(residues={0}, modulus=1)
        for _ in range(5):
            subscriber.put_nowait(b"line\n")
        assert await subscriber.lines(10) == b""

    asyncio.run(scenario())
