"""The e-mail and the SMS gateway: one wire, two providers."""

import aiohttp
import msgspec

from service.gateways.call import Outcome, PartnerClient
from service.gateways.guard import Guard
from service.metrics import Metrics

OUTCOMES = {
    202: Outcome.OK,
    400: Outcome.PERMANENT,
    413: Outcome.PERMANENT,
    422: Outcome.PERMANENT,
    429: Outcome.TEMPORARY,
    500: Outcome.TEMPORARY,
    503: Outcome.TEMPORARY,
}


class _Message(msgspec.Struct):
    to: str
    text: str


class _Acceptance(msgspec.Struct):
    id: str


class MessageClient:
    """Fulfils `ports.MessageGateway`. channel: "email" or "sms"."""

    def __init__(
        self,
        partner: str,
        base_url: str,
        *,
        channel: str,
        session: aiohttp.ClientSession,
        timeout: float,
        metrics: Metrics,
        guard: Guard,
    ) -> None:
        self.guard = guard
        self._path = f"/{channel}/messages"
        self._client = PartnerClient(
            partner, base_url, OUTCOMES, session=session, timeout=timeout, metrics=metrics, guard=guard
        )

    def free(self, busy: int) -> int:
        return self.guard.free(busy)

    async def send(self, to: str, text: str, *, idempotency_key: str) -> None:
        await self._client.post(self._path, _Message(to, text), _Acceptance, idempotency_key=idempotency_key)
