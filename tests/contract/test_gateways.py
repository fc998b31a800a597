"""The partner clients against the real simulated partners, and against partners that answer wrongly."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from aiohttp import ClientRequest, ClientSession, web

from scenarios.capacities import Gateway, Registry
from scenarios.identity_numbers import family_card_of
from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures
from service.domain.deadline import CALL_LEAVES_BY, TurnMissed
from service.domain.errors import PartnerError
from service.gateways.call import LARGEST_ANSWER, TimedRequest, open_session
from service.gateways.civil_registry import CivilRegistryClient
from service.gateways.guard import Guard
from service.gateways.messages import MessageClient
from service.metrics import CALL_OUTCOMES, Metrics
from tests.conftest import Run

NIK, BORN = "3372995708940001", date(1994, 8, 17)
CHECK = (NIK, family_card_of(NIK), BORN)
ANN = "+6280000000001"
SMS = Gateway(rate_per_s=1000.0, delay_median_s=0.0, delay_sigma=0.0, loss=0.0)
REGISTRY = Registry(rate_per_s=1000.0, latency_median_s=0.0, latency_p99_s=0.0, error_ratio=0.0)


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    """`app` on loopback; its address."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class Room:
    """Clients of one address, and what they counted."""

    def __init__(self, url: str, session: ClientSession, timeout: float, *, guarded: bool = True) -> None:
        self.metrics = Metrics()
        self.registry = CivilRegistryClient(url, **self.parts("civil_registry", session, timeout, guarded))
        self.sms = MessageClient("sms", url, channel="sms", **self.parts("sms", session, timeout, guarded))

    def parts(self, partner: str, session: ClientSession, timeout: float, guarded: bool) -> dict[str, Any]:
        guard = Guard(partner, most=64, slow=timeout / 2, on=guarded, metrics=self.metrics, chance=lambda: 0.5)
        return {"session": session, "timeout": timeout, "metrics": self.metrics, "guard": guard}

    def calls(self, partner: str) -> dict[str, int]:
        value = self.metrics.registry.get_sample_value
        labels = ({"partner": partner, "outcome": outcome} for outcome in CALL_OUTCOMES)
        counted = {each["outcome"]: int(value("registration_partner_calls_total", each) or 0) for each in labels}
        assert value("registration_partner_call_seconds_count", {"partner": partner}) == sum(counted.values())
        return {outcome: number for outcome, number in counted.items() if number}


@asynccontextmanager
async def clients(url: str, timeout: float = 10.0, *, guarded: bool = True) -> AsyncIterator[Room]:
    async with open_session(64) as session:
        yield Room(url, session, timeout, guarded=guarded)


@asynccontextmanager
async def partners(
    registry: Registry = REGISTRY, sms: Gateway = SMS, timeout: float = 10.0, *, guarded: bool = True
) -> AsyncIterator[tuple[Partners, Room]]:
    everybody = Partners(Figures(registry, sms, sms), opens_at=time.time(), seed=1)
    async with served(everybody.application()) as url, clients(url, timeout, guarded=guarded) as room:
        yield everybody, room


async def refused(call: Awaitable[object]) -> PartnerError:
    with pytest.raises(PartnerError) as caught:
        await call
    assert NIK not in str(caught.value) and ANN not in str(caught.value)
    return caught.value


def test_the_registry_is_asked(run: Run) -> None:
    async def ask() -> None:
        async with partners() as (everybody, room):
            assert await room.registry.check(*CHECK, idempotency_key="a")
            assert not await room.registry.check(NIK, CHECK[1], date(1994, 8, 18), idempotency_key="b")
            assert await room.registry.check(*CHECK, idempotency_key="a")
            ledger = everybody.registry.ledger.as_json()
            assert (ledger["asked"], ledger["distinct"]) == (3, 2)
            assert room.calls("civil_registry") == {"ok": 3}

    run(ask())


def test_a_message_is_sent_once_for_a_key(run: Run) -> None:
    async def send() -> None:
        async with partners() as (everybody, room):
            for _ in range(2):
                await room.sms.send(ANN, "Kode 123456", idempotency_key="sms-1-1")
            ledger = everybody.gateways["sms"].ledger.as_json()
            assert (ledger["asked"], ledger["distinct"]) == (2, 1)
            assert room.calls("sms") == {"ok": 2}

    run(send())


def test_a_refusal_for_the_quota_says_when_to_come_back(run: Run) -> None:
    async def send() -> None:
        async with partners(sms=replace(SMS, rate_per_s=0.1)) as (_, room):
            await room.sms.send(ANN, "Kode 123456", idempotency_key="1")
            error = await refused(room.sms.send(ANN, "Kode 123456", idempotency_key="2"))
            assert error.temporary and not error.unknown
            assert error.reason == "throughput_exceeded"
            assert 9 <= (error.retry_after_s or 0) <= 10
            assert room.calls("sms") == {"ok": 1, "temporary": 1}

    run(send())


def test_an_error_of_the_registry_is_temporary(run: Run) -> None:
    async def ask() -> None:
        async with partners(registry=replace(REGISTRY, error_ratio=1.0)) as (_, room):
            error = await refused(room.registry.check(*CHECK, idempotency_key="1"))
            assert error.temporary and not error.unknown and error.retry_after_s is None
            assert room.calls("civil_registry") == {"temporary": 1}

    run(ask())


def test_what_the_partner_cannot_read_is_permanent(run: Run) -> None:
    async def send() -> None:
        async with partners() as (_, room):
            error = await refused(room.sms.send("nobody", "Kode 123456", idempotency_key="1"))
            assert not error.temporary and not error.unknown
            assert room.calls("sms") == {"permanent": 1}

    run(send())


def test_silence_until_the_deadline_is_unknown(run: Run) -> None:
    """And the same key asked again brings the answer that was missed."""

    async def ask() -> None:
        slow = replace(REGISTRY, latency_median_s=30.0, latency_p99_s=30.0)
        async with partners(registry=slow, timeout=0.2) as (_, room):
            error = await refused(room.registry.check(*CHECK, idempotency_key="1"))
            assert error.temporary and error.unknown
            assert await room.registry.check(*CHECK, idempotency_key="1")
            assert room.calls("civil_registry") == {"unknown": 1, "ok": 1}

    run(ask())


def test_nobody_there_is_temporary_and_known(run: Run) -> None:
    async def ask() -> None:
        async with served(web.Application()) as url:
            pass
        async with clients(url) as room:
            error = await refused(room.sms.send(ANN, "Kode 123456", idempotency_key="1"))
            assert error.temporary and not error.unknown
            assert room.calls("sms") == {"temporary": 1}

    run(ask())


WRONG = {
    "nonsense": web.Response(status=200, body=b"\xff<html>"),
    "another type": web.Response(status=200, body=b'{"match": "yes"}'),
    "nothing": web.Response(status=200),
    "another success": web.Response(status=204),
    "a redirection": web.Response(status=302, headers={"Location": "/elsewhere"}),
    "an unlisted status": web.Response(status=418, body=b'{"error": 7}'),
    "a proxy's timeout": web.Response(status=504),
    "too much": web.Response(status=200, body=b" " * (LARGEST_ANSWER + 1)),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG.keys())
def test_an_answer_that_makes_no_sense_is_unknown(run: Run, answer: web.Response) -> None:
    async def ask() -> None:
        async def handle(request: web.Request) -> web.Response:
            return answer

        app = web.Application()
        app.router.add_post("/civil-registry/checks", handle)
        async with served(app) as url, clients(url) as room:
            error = await refused(room.registry.check(*CHECK, idempotency_key="1"))
            assert error.temporary and error.unknown
            assert room.calls("civil_registry") == {"unknown": 1}

    run(ask())


@pytest.mark.parametrize("sent", [b"", b'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"mat', b"SSH-2.0-x\r\n"])
def test_a_connection_cut_is_unknown(run: Run, sent: bytes) -> None:
    async def ask() -> None:
        async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"}")
            writer.write(sent)
            writer.close()

        async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            async with clients(f"http://{host}:{port}") as room:
                error = await refused(room.registry.check(*CHECK, idempotency_key="1"))
                assert error.temporary and error.unknown

    run(ask())


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("9" * 400, 3600.0), ("-1", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None)]
)
def test_only_seconds_are_read_from_retry_after(run: Run, header: str, seconds: float | None) -> None:
    async def ask() -> None:
        async def handle(request: web.Request) -> web.Response:
            return web.Response(status=503, headers={"Retry-After": header})

        app = web.Application()
        app.router.add_post("/sms/messages", handle)
        async with served(app) as url, clients(url) as room:
            error = await refused(room.sms.send(ANN, "Kode 123456", idempotency_key="1"))
            assert error.retry_after_s == seconds

    run(ask())


def stand_still() -> None:
    """Until after the turn, as a process does that is stopped while its call waits for a connection."""
    CALL_LEAVES_BY.set(time.monotonic() + 0.05)
    asyncio.get_running_loop().call_soon(time.sleep, 0.1)


def test_a_call_that_missed_its_turn_does_not_leave(run: Run) -> None:
    """It has no outcome, says nothing about the partner, and the next one is made as usual."""

    async def ask() -> None:
        async with partners() as (everybody, room):
            await room.sms.send(ANN, "Kode 123456", idempotency_key="0")
            stand_still()
            for number in range(20):
                with pytest.raises(TurnMissed):
                    await room.sms.send(ANN, "Kode 123456", idempotency_key=f"late-{number}")
            CALL_LEAVES_BY.set(math.inf)
            await room.sms.send(ANN, "Kode 123456", idempotency_key="1")
            assert everybody.gateways["sms"].ledger.as_json()["asked"] == 2
            assert room.calls("sms") == {"ok": 2}
            assert room.sms.guard.in_flight == 0

    run(ask())


def test_without_the_look_at_the_clock_it_leaves(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: the same standstill with requests that do not look."""
    monkeypatch.setattr(TimedRequest, "write_bytes", ClientRequest.write_bytes)

    async def ask() -> None:
        async with partners() as (everybody, room):
            stand_still()
            await room.sms.send(ANN, "Kode 123456", idempotency_key="0")
            assert everybody.gateways["sms"].ledger.as_json()["asked"] == 1

    run(ask())
