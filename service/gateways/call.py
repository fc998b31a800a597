"""One call of a partner: pooled connection, deadline, outcome. Nothing is tried again here: the queue does that.

Each partner has a table from its status codes to an outcome. What stands in no table, a wrong answer and a broken
connection are UNKNOWN: the partner may have done what was asked, so the call is repeated under the same key. An answer
that comes after the deadline is never read: its connection is closed, and the same key brings it again.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

import aiohttp
import msgspec
from aiohttp.abc import AbstractStreamWriter
from aiohttp.connector import Connection

from service.domain.deadline import CALL_LEAVES_BY, TurnMissed
from service.domain.errors import PartnerError
from service.gateways.guard import Effect, Guard
from service.metrics import Metrics

LARGEST_ANSWER = 64 * 1024
"""Bytes; answers are a few dozen."""
TOO_MANY = 429
"""A partner that says so is well: it bears no more of us, which is no reason to leave it alone."""
CUT_OFF = "circuit-open"
"""The reason of a call that was not made."""
LONGEST_WAIT = 3600.0
"""Seconds that a partner can send us away for: a wrong figure must not stop a queue for the night."""

Answer = TypeVar("Answer")


class Outcome(StrEnum):
    OK = "ok"
    """Done; the answer can be used."""
    TEMPORARY = "temporary"
    """Not done; the same can succeed later."""
    PERMANENT = "permanent"
    """Not done, and never will be: what we ask is wrong."""
    UNKNOWN = "unknown"
    """Perhaps done: no answer, half an answer, or one that makes no sense."""


class _Refusal(msgspec.Struct):
    error: str = ""


class TimedRequest(aiohttp.ClientRequest):
    """Looks at the clock right before its bytes leave, and lets them leave at once.

    Between a job's turn and this moment a call waits for a connection, and for the event loop. Whoever is stopped there
    must not ask when it goes on. uvloop keeps small writes until the end of its round unless its buffer may hold none.
    """

    async def write_bytes(
        self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
    ) -> None:
        transport, protocol = conn.transport, conn.protocol
        if transport is not None:
            transport.set_write_buffer_limits(high=0)
        if protocol is not None and time.monotonic() > CALL_LEAVES_BY.get():
            protocol.set_exception(TurnMissed())  # whoever waits for the answer hears of it
            return
        await super().write_bytes(writer, conn, content_length)


def open_session(connections: int) -> aiohttp.ClientSession:
    """Kept-alive connections of one partner: another one that does not answer cannot use them up.

    Calls beyond `connections` wait, within their deadline.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=30.0),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=TimedRequest,
        headers={"User-Agent": "launchnight"},
    )


class PartnerClient:
    """Calls one partner, counts how it went, and leaves it alone while its guard says so."""

    def __init__(
        self,
        partner: str,
        base_url: str,
        outcomes: Mapping[int, Outcome],
        *,
        session: aiohttp.ClientSession,
        timeout: float,
        metrics: Metrics,
        guard: Guard,
    ) -> None:
        self._partner = partner
        self._base_url = base_url.rstrip("/")
        self._outcomes = outcomes
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._guard = guard
        self._seconds = metrics.partner_seconds.labels(partner)
        self._calls = {outcome: metrics.partner_calls.labels(partner, outcome.value) for outcome in Outcome}

    async def post(self, path: str, body: msgspec.Struct, answer: type[Answer], *, idempotency_key: str) -> Answer:
        """The partner's answer. Raises PartnerError for every other outcome, within the deadline.

        Raises TurnMissed when it is too late to ask: then nothing was sent.
        """
        generation = self._guard.begin()
        if generation is None:
            raise PartnerError(f"{self._partner} is left alone", temporary=True, asked=False, reason=CUT_OFF)
        call = _Call(time.perf_counter())
        try:
            return await self._ask(call, path, msgspec.json.encode(body), answer, idempotency_key)
        except asyncio.CancelledError:
            call.given_up = True
            raise
        except TurnMissed:
            call.given_up = call.unsent = True
            raise
        finally:
            seconds = time.perf_counter() - call.started
            if not call.unsent:
                self._seconds.observe(seconds)
                self._calls[call.outcome].inc()
            if call.given_up:
                self._guard.leave(generation, unsent=call.unsent)
            else:
                self._guard.end(generation, seconds, call.effect)

    async def _ask(self, call: "_Call", path: str, body: bytes, answer: type[Answer], key: str) -> Answer:
        """As `post`; notes in `call` how it went."""
        try:
            status, retry_after, content = await self._exchange(path, body, key)
        except aiohttp.ClientConnectorError:
            call.outcome = Outcome.TEMPORARY  # nothing was sent
            raise self._error(call.outcome, "cannot be reached") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._error(call.outcome, f"did not answer: {type(error).__name__}") from None
        call.outcome = self._outcomes.get(status, Outcome.UNKNOWN)
        call.effect = effect_of(status, call.outcome)
        if call.outcome is not Outcome.OK:
            raise self._error(call.outcome, f"answered {status}", retry_after, _reason(content))
        try:
            return msgspec.json.decode(content, type=answer)
        except msgspec.MsgspecError:
            call.outcome, call.effect = Outcome.UNKNOWN, Effect.FAILED
            raise self._error(call.outcome, f"answered {status} with something else than agreed") from None

    async def _exchange(self, path: str, body: bytes, key: str) -> tuple[int, float | None, bytes]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        async with self._session.post(
            self._base_url + path, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
        ) as response:
            # A partner that names the call it answers is believed: answers that were mixed up under way are nobody's.
            if response.headers.get("Idempotency-Key", key) != key:
                raise aiohttp.ClientPayloadError
            content = b""
            async for chunk in response.content.iter_chunked(LARGEST_ANSWER):
                content += chunk
                if len(content) > LARGEST_ANSWER:
                    raise aiohttp.ClientPayloadError
            return response.status, _seconds(response.headers.get("Retry-After")), content

    def _error(self, outcome: Outcome, what: str, retry_after_s: float | None = None, reason: str = "") -> PartnerError:
        return PartnerError(
            f"{self._partner} {what}",
            temporary=outcome is not Outcome.PERMANENT,
            unknown=outcome is Outcome.UNKNOWN,
            retry_after_s=retry_after_s,
            reason=reason,
        )


def effect_of(status: int, outcome: Outcome) -> Effect:
    """What an answer says about the partner: a refusal of what we sent is a sign of health."""
    if status == TOO_MANY:
        return Effect.STRAINED
    return Effect.FAILED if status >= 500 or outcome is Outcome.UNKNOWN else Effect.WELL


@dataclass(slots=True)
class _Call:
    started: float
    outcome: Outcome = Outcome.UNKNOWN
    effect: Effect = Effect.SILENT
    """Until an answer has come."""
    given_up: bool = False
    unsent: bool = False


def _reason(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_Refusal).error[:60]
    except msgspec.MsgspecError:
        return ""


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; a date or nonsense is None."""
    if retry_after is None or not (retry_after.isascii() and retry_after.isdecimal()):
        return None
    return min(float(retry_after), LONGEST_WAIT)
