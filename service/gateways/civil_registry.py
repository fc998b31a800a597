"""The civil registry: does this person exist as typed?"""

from datetime import date

import aiohttp
import msgspec

from service.gateways.call import Outcome, PartnerClient
from service.gateways.guard import Guard
from service.metrics import Metrics

OUTCOMES = {
    200: Outcome.OK,
    400: Outcome.PERMANENT,
    413: Outcome.PERMANENT,
    422: Outcome.PERMANENT,
    429: Outcome.TEMPORARY,  # rate or allowance; refused checks take nothing
    500: Outcome.TEMPORARY,  # the registry says that a failed check was not counted
    503: Outcome.TEMPORARY,
}


class _Check(msgspec.Struct):
    nik: str
    family_card_number: str
    birth_date: date


class _Answer(msgspec.Struct):
    match: bool


class CivilRegistryClient:
    """Fulfils `ports.CivilRegistry`."""

    def __init__(
        self, base_url: str, *, session: aiohttp.ClientSession, timeout: float, metrics: Metrics, guard: Guard
    ) -> None:
        self._guard = guard
        self._client = PartnerClient(
            "civil_registry", base_url, OUTCOMES, session=session, timeout=timeout, metrics=metrics, guard=guard
        )

    def free(self, busy: int) -> int:
        return self._guard.free(busy)

    async def check(self, nik: str, family_card_number: str, birth_date: date, *, idempotency_key: str) -> bool:
        check = _Check(nik, family_card_number, birth_date)
        answer = await self._client.post("/civil-registry/checks", check, _Answer, idempotency_key=idempotency_key)
        return answer.match
