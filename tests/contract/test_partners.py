"""The partners over the wire: what `docs/partners.md` promises to the service, the swarm and the harness."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web
from prometheus_client.parser import text_string_to_metric_families

from scenarios.capacities import AllowanceSpan, Gateway, Registry
from scenarios.identity_numbers import family_card_of
from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures

PATIENCE = 10.0
QUICK = Gateway(rate_per_s=1000.0, delay_median_s=0.02, delay_sigma=0.2, loss=0.0)
FIGURES = Figures(civil_registry=Registry(1000.0, 0.0, 0.0, 0.0), email=QUICK, sms=QUICK)
NIK = "3372995708940001"
CHECK = {"nik": NIK, "family_card_number": family_card_of(NIK), "birth_date": "1994-08-17"}
ANN, BUDI = "+6280000000001", "p000000002@people.example"

Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Caller:
    """A client of running partners."""

    def __init__(self, session: ClientSession, port: int) -> None:
        self.session = session
        self.port = port
        self._keys = 0

    async def post(self, path: str, body: object, key: str | None = None) -> tuple[int, Any, ClientResponse]:
        self._keys += 1
        headers = {"Idempotency-Key": key or f"key-{self._keys}"}
        return await self.ask("POST", path, json=body, headers=headers)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, Any, ClientResponse]:
        async with self.session.request(method, path, **options) as answer:
            return answer.status, await answer.json(), answer

    async def get(self, path: str) -> Any:
        status, body, _ = await self.ask("GET", path)
        assert status == 200
        return body

    async def send(self, to: str, text: str, key: str | None = None) -> tuple[int, Any, ClientResponse]:
        return await self.post(f"/{'email' if '@' in to else 'sms'}/messages", {"to": to, "text": text}, key)

    async def inbox(self, address: str, count: int) -> list[dict[str, Any]]:
        """The inbox once it holds `count` messages."""
        deadline = time.monotonic() + PATIENCE
        while len(messages := (await self.get(f"/inbox/{address}"))["messages"]) < count:
            assert time.monotonic() < deadline, f"{len(messages)} of {count} messages arrived at {address}"
        return list(messages)

    async def raw(self, *parts: bytes) -> bytes:
        """The answer to bytes that no client library would send."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def partners(figures: Figures = FIGURES) -> AsyncIterator[Caller]:
    app = Partners(figures, opens_at=time.time(), seed=1, heartbeat=0.2).application()
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        async with ClientSession(f"http://127.0.0.1:{port}") as session:
            yield Caller(session, port)
    finally:
        await runner.cleanup()


def test_the_registry_answers_match_once_for_a_key(run: Run) -> None:
    """The same key again is the same answer and one distinct check in the ledger."""

    async def scenario() -> None:
        async with partners() as caller:
            first = await caller.post("/civil-registry/checks", CHECK, "check-1")
            again = await caller.post("/civil-registry/checks", CHECK, "check-1")
            assert first[:2] == again[:2] == (200, {"match": True})
            wrong = {**CHECK, "nik": f"{NIK[:12]}9001"}
            assert (await caller.post("/civil-registry/checks", wrong))[:2] == (200, {"match": False})
            ledger = (await caller.get("/ledger"))["civil_registry"]
            assert ledger == {
                "asked": 3, "distinct": 2, "answered": 3, "match": 1, "mismatch": 1, "duplicates": 1, "invalid": 0,
                "unserved": 0, "refused_rate": 0, "refused_allowance": 0, "errors": 0, "most_in_1s": 3,
                "most_in_60s": 3,
            }  # fmt: skip

    run(scenario())


def test_a_message_arrives_once_in_its_inbox_and_nowhere_else(run: Run) -> None:
    """Accepted with an id; the same key again is the same id and no second message."""

    async def scenario() -> None:
        async with partners() as caller:
            status, first, _ = await caller.send(ANN, "Kode Anda 123456", "code_sms-1-1")
            _, again, _ = await caller.send(ANN, "Kode Anda 123456", "code_sms-1-1")
            assert (status, first) == (202, again)
            await caller.send(BUDI, "Kode Anda 654321")
            [message] = await caller.inbox(ANN, 1)
            assert (message["channel"], message["text"]) == ("sms", "Kode Anda 123456")
            assert abs(message["delivered_at"] - time.time()) < 60
            assert [each["channel"] for each in await caller.inbox(BUDI, 1)] == ["email"]
            assert (await caller.get("/inbox/nobody"))["messages"] == []
            ledger = (await caller.get("/ledger"))["sms"]
            assert ledger == {
                "asked": 2, "distinct": 1, "accepted": 2, "refused": 0, "duplicates": 1, "invalid": 0, "unserved": 0,
                "delivered": 1, "lost": 0, "pending": 0, "most_in_1s": 2, "most_in_60s": 2,
            }  # fmt: skip

    run(scenario())


def test_a_standing_connection_is_told_of_its_share_of_the_deliveries(run: Run) -> None:
    """Residue and modulus share the applicants out; each line is one delivery; silence is an empty line at last."""

    async def scenario() -> None:
        async with partners() as caller:
            even = caller.session.get("/deliveries?residue=0&modulus=2")
            odd = caller.session.get("/deliveries?residue=1,3&modulus=4")
            everybody = caller.session.get("/deliveries")
            async with even as even_lines, odd as odd_lines, everybody as all_lines:
                for to in (ANN, BUDI):
                    await caller.send(to, "Kode Anda 123456")
                async with asyncio.timeout(PATIENCE):
                    one = json.loads(await odd_lines.content.readline())
                    two = json.loads(await even_lines.content.readline())
                    both = {json.loads(await all_lines.content.readline())["to"] for _ in range(2)}
                    assert await all_lines.content.readline() == b"\n", "a heartbeat after silence"
            assert (one["to"], one["channel"], one["text"]) == (ANN, "sms", "Kode Anda 123456")
            assert (two["to"], two["channel"]) == (BUDI, "email")
            assert both == {ANN, BUDI}

    run(scenario())


def test_over_its_throughput_a_gateway_says_when_to_come_back(run: Run) -> None:
    """A fraction of a message per second is 429 with a whole number of seconds."""

    async def scenario() -> None:
        slow = Figures(FIGURES.civil_registry, FIGURES.email, Gateway(0.15, 0.02, 0.2, 0.0))
        async with partners(slow) as caller:
            assert (await caller.send(ANN, "x"))[0] == 202
            status, body, answer = await caller.send(BUDI.replace("2", "3"), "e-mail is another gateway")
            assert status == 202
            status, body, answer = await caller.send(ANN, "y")
            assert (status, body, answer.headers["Retry-After"]) == (429, {"error": "throughput_exceeded"}, "7")

    run(scenario())


def test_the_registry_refuses_over_rate_and_over_allowance(run: Run) -> None:
    """Each with its own word; the allowance runs from the opening, which can be set."""

    async def scenario() -> None:
        span = AllowanceSpan(start_s=0, end_s=3600, count=1)
        registry = Registry(2.0, 0.0, 0.0, 0.0, (span,))
        async with partners(Figures(registry, QUICK, QUICK)) as caller:
            assert (await caller.post("/civil-registry/checks", CHECK))[0] == 200
            status, body, answer = await caller.post("/civil-registry/checks", CHECK)
            assert (status, body) == (429, {"error": "allowance_exhausted"})
            assert 3590 <= int(answer.headers["Retry-After"]) <= 3600
            status, body, answer = await caller.post("/civil-registry/checks", CHECK)
            assert (status, body) == (429, {"error": "rate_exceeded"})
            assert answer.headers["Retry-After"] == "1"
            earlier = {"opens_at": time.time() - 4000}
            status, clock, _ = await caller.ask("PUT", "/clock", json=earlier)
            assert status == 200
            assert clock["since_opening_s"] == pytest.approx(4000, abs=60)
            await caller.ask("PATCH", "/settings", json={"civil_registry": {"rate_per_s": 100}})
            assert (await caller.post("/civil-registry/checks", CHECK))[0] == 200
            ledger = (await caller.get("/ledger"))["civil_registry"]
            assert (ledger["refused_allowance"], ledger["refused_rate"]) == (1, 1)

    run(scenario())


def test_settings_change_while_it_runs_or_not_at_all(run: Run) -> None:
    """A good change holds for the next message; of a bad one every fault is told and nothing is applied."""

    async def scenario() -> None:
        async with partners() as caller:
            status, settings, _ = await caller.ask("PATCH", "/settings", json={"sms": {"loss": 1}})
            assert (status, settings["sms"]["loss"]) == (200, 1.0)
            await caller.send(ANN, "lost")
            assert (await caller.get("/ledger"))["sms"]["lost"] == 1
            bad = {"email": {"loss": 1, "rate_per_s": -1}, "fax": {}}
            status, body, _ = await caller.ask("PATCH", "/settings", json=bad)
            assert (status, body["error"]) == (422, "invalid-settings")
            assert [fault["field"] for fault in body["errors"]] == ["email.rate_per_s", "fax"]
            assert (await caller.get("/settings")) == settings

    run(scenario())


def test_errors_are_injected_as_configured(run: Run) -> None:
    """A registry that fails every time answers 500 and 503, never a match."""

    async def scenario() -> None:
        async with partners(Figures(Registry(1000.0, 0.0, 0.0, 1.0), QUICK, QUICK)) as caller:
            answers = [await caller.post("/civil-registry/checks", CHECK) for _ in range(20)]
            assert {status for status, _, _ in answers} == {500, 503}
            assert {body["error"] for _, body, _ in answers} == {"registry_unavailable"}
            assert (await caller.get("/ledger"))["civil_registry"]["errors"] == 20

    run(scenario())


def test_the_metrics_page_agrees_with_the_ledger(run: Run) -> None:
    async def scenario() -> None:
        async with partners() as caller:
            await caller.send(ANN, "x")
            await caller.send(ANN, "")
            async with caller.session.get("/metrics") as answer:
                assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
                page = await answer.text()
            samples = [each for family in text_string_to_metric_families(page) for each in family.samples]
            outcomes = {
                each.labels["outcome"]: each.value
                for each in samples
                if each.name == "partner_requests_total" and each.labels["partner"] == "sms"
            }
            assert outcomes == {"accepted": 1, "refused_rate": 0, "duplicate": 0, "invalid": 1, "unserved": 0}
            assert sum(outcomes.values()) == (await caller.get("/ledger"))["sms"]["asked"]

    run(scenario())


BAD_REQUESTS = [
    ("POST", "/sms/messages", b"{", {"Idempotency-Key": "k"}, 400),
    ("POST", "/sms/messages", b"[]", {"Idempotency-Key": "k"}, 400),
    ("POST", "/sms/messages", b"[" * 60_000, {"Idempotency-Key": "k"}, 400),
    ("POST", "/sms/messages", b"\xff", {"Idempotency-Key": "k"}, 400),
    ("POST", "/sms/messages", b"{}", {}, 400),
    ("POST", "/sms/messages", b"{}", {"Idempotency-Key": "k"}, 422),
    ("POST", "/sms/messages", b'{"to": "\\ud800", "text": "x"}', {"Idempotency-Key": "k"}, 422),
    ("POST", "/email/messages", b'{"to": "a@b", "text": null}', {"Idempotency-Key": "k"}, 422),
    ("POST", "/email/messages", b" " * 100_000, {"Idempotency-Key": "k"}, 413),
    ("POST", "/email/messages", b"no deflate", {"Idempotency-Key": "k", "Content-Encoding": "deflate"}, 400),
    ("POST", "/civil-registry/checks", b'{"nik": 1}', {"Idempotency-Key": "k"}, 422),
    ("PATCH", "/settings", b'{"email": {"loss": NaN}}', {}, 422),
    ("PATCH", "/settings", b'{"email": []}', {}, 422),
    ("PUT", "/clock", b'{"opens_at": "now"}', {}, 422),
    ("GET", "/deliveries?residue=2&modulus=2", b"", {}, 422),
    ("GET", "/deliveries?modulus=many", b"", {}, 422),
    ("GET", "/nothing", b"", {}, 404),
    ("DELETE", "/ledger", b"", {}, 405),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "expected"), BAD_REQUESTS)
def test_bad_input_is_told_in_json_and_never_a_500(
    run: Run, method: str, path: str, body: bytes, headers: dict[str, str], expected: int
) -> None:
    async def scenario() -> None:
        async with partners() as caller:
            status, answer, _ = await caller.ask(method, path, data=body, headers=headers)
            assert status == expected
            assert set(answer) == {"error", "errors"}
            assert await caller.get("/health") == {"status": "ok"}

    run(scenario())


def test_broken_http_is_a_400(run: Run) -> None:
    """Bytes that no library sends: a torn chunk, a negative length, a line that is no request, a space in a header."""

    async def scenario() -> None:
        async with partners() as caller:
            head = b"POST /sms/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIdempotency-Key: k\r\n"
            for request in (
                head + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
                head + b"Content-Length: -5\r\n\r\n{}",
                head + b"Content-Length: two\r\n\r\n{}",
                b"not http at all\r\n\r\n",
                b"GET /health HTTP/1.1\r\nHost : x\r\nConnection: close\r\n\r\n",
            ):
                assert (await caller.raw(request))[8:13] == b" 400 ", request
            chunks = head + b"Transfer-Encoding: chunked\r\n\r\n"
            assert (await caller.raw(chunks, b"zz\r\n{}\r\n0\r\n\r\n"))[8:13] == b" 400 "
            assert await caller.get("/health") == {"status": "ok"}

    run(scenario())
