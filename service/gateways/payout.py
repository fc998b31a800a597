"""The payout partners behind one wire: is this account that person's, and pay so much into it."""

import aiohttp
import msgspec

from service.gateways.call import Outcome, PartnerClient
from service.gateways.guard import Guard
from service.metrics import Metrics

OUTCOMES = {
    200: Outcome.OK,
    400: Outcome.PERMANENT,
    413: Outcome.PERMANENT,
    422: Outcome.PERMANENT,  # not paid, and never will be under this key: the account is closed, for example
    429: Outcome.TEMPORARY,
    500: Outcome.TEMPORARY,
    503: Outcome.TEMPORARY,
}


class _Check(msgspec.Struct):
    method: str
    account: str
    holder: str


class _Judgement(msgspec.Struct):
    outcome: str


class _Payment(msgspec.Struct):
    method: str
    account: str
    amount: int


class _Receipt(msgspec.Struct):
    id: str


class PayoutClient:
    """Fulfils `money_ports.PayoutGateway`."""

    def __init__(
        self, base_url: str, *, session: aiohttp.ClientSession, timeout: float, metrics: Metrics, guard: Guard
    ) -> None:
        self._guard = guard
        self._client = PartnerClient(
            "payout", base_url, OUTCOMES, session=session, timeout=timeout, metrics=metrics, guard=guard
        )

    def free(self, busy: int) -> int:
        return self._guard.free(busy)

    async def check(self, method: str, number: str, name: str, *, idempotency_key: str) -> str:
        check = _Check(method, number, name)
        judgement = await self._client.post("/payout/checks", check, _Judgement, idempotency_key=idempotency_key)
        return judgement.outcome

    async def pay(self, method: str, number: str, amount: int, *, idempotency_key: str) -> None:
        payment = _Payment(method, number, amount)
        await self._client.post("/payout/payments", payment, _Receipt, idempotency_key=idempotency_key)
