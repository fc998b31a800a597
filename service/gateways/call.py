"""One call of a partner: pooled connection, deadline, outcome. Nothing is tried again here: the queue does that.

Each partner has a table from its status codes to an outcome. What stands in no table, a wrong answer and a broken
connection are UNKNOWN: the partner may have done what was asked, so the call is repeated under the same key.
"""

import time
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import aiohttp
import msgspec

from service.domain.errors import PartnerError
from service.metrics import Metrics

LARGEST_ANSWER = 64 * 1024
"""Bytes; answers are a few dozen."""
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


def open_session(connections: int) -> aiohttp.ClientSession:
    """Kept-alive connections for all partners together; calls beyond `connections` wait, within their deadline."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=30.0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "launchnight"},
    )


class PartnerClient:
    """Calls one partner and counts how it went."""

    def __init__(
        self,
        partner: str,
        base_url: str,
        outcomes: Mapping[int, Outcome],
        *,
        session: aiohttp.ClientSession,
        timeout: float,
        metrics: Metrics,
    ) -> None:
        self._partner = partner
        self._base_url = base_url.rstrip("/")
        self._outcomes = outcomes
        self._session = session
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._seconds = metrics.partner_seconds.labels(partner)
        self._calls = {outcome: metrics.partner_calls.labels(partner, outcome.value) for outcome in Outcome}

    async def post(self, path: str, body: msgspec.Struct, answer: type[Answer], *, idempotency_key: str) -> Answer:
        """The partner's answer. Raises PartnerError for every other outcome, within the deadline."""
        started = time.perf_counter()
        outcome = Outcome.UNKNOWN
        try:
            status, retry_after, content = await self._exchange(path, msgspec.json.encode(body), idempotency_key)
            outcome = self._outcomes.get(status, Outcome.UNKNOWN)
            if outcome is not Outcome.OK:
                raise self._error(outcome, f"answered {status}", retry_after, _reason(content))
            try:
                return msgspec.json.decode(content, type=answer)
            except msgspec.MsgspecError:
                outcome = Outcome.UNKNOWN
                raise self._error(outcome, f"answered {status} with something else than agreed") from None
        except aiohttp.ClientConnectorError:
            outcome = Outcome.TEMPORARY  # nothing was sent
            raise self._error(outcome, "cannot be reached") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._error(outcome, f"did not answer: {type(error).__name__}") from None
        finally:
            self._seconds.observe(time.perf_counter() - started)
            self._calls[outcome].inc()

    async def _exchange(self, path: str, body: bytes, key: str) -> tuple[int, float | None, bytes]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        async with self._session.post(
            self._base_url + path, data=body, headers=headers, timeout=self._timeout, allow_redirects=False
        ) as response:
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
