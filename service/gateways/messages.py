"""The e-mail and the SMS gateway: one wire, two providers."""

import aiohttp
import msgspec

from service.gateways.call import Outcome, PartnerClient
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
        self, channel: str, base_url: str, *, session: aiohttp.ClientSession, timeout: float, metrics: Metrics
    ) -> None:
        self._path = f"/{channel}/messages"
        self._client = PartnerClient(channel, base_url, OUTCOMES, session=session, timeout=timeout, metrics=metrics)

    async def send(self, to: str, text: str, *, idempotency_key: str) -> None:
        await self._client.post(self._path, _Message(to, text), _Acceptance, idempotency_key=idempotency_key)
