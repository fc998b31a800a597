"""The payout client against the real simulated partners."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures
from service.gateways.guard import Guard
from service.gateways.payout import PayoutClient
from tests.conftest import Run
from tests.contract.test_gateways import REGISTRY, SMS, Room, clients, refused, served

WALLET = ("gopay", "+6280000000001")


@asynccontextmanager
async def payouts() -> AsyncIterator[tuple[Partners, PayoutClient, Room]]:
    everybody = Partners(Figures(REGISTRY, SMS, SMS), opens_at=time.time(), seed=1)
    async with served(everybody.application()) as url, clients(url) as room:
        session = room.sms._client._session
        guard = Guard("payout", most=64, slow=5.0, metrics=room.metrics, chance=lambda: 0.5)
        yield everybody, PayoutClient(url, session=session, timeout=10.0, metrics=room.metrics, guard=guard), room


def test_an_account_is_judged_and_paid_into(run: Run) -> None:
    async def scenario() -> None:
        async with payouts() as (everybody, client, room):
            assert await client.check(*WALLET, "Ann", idempotency_key="1") == "ok"
            assert await client.check("bni", "1234567899", "Ann", idempotency_key="2") == "other_holder"
            for _ in range(2):
                await client.pay(*WALLET, 600_000, idempotency_key="3")
            assert everybody.payouts.ledger.amount == 600_000
            assert room.calls("payout") == {"ok": 4}

    run(scenario())


def test_a_closed_account_is_refused_for_good_in_the_partner_s_word(run: Run) -> None:
    async def scenario() -> None:
        async with payouts() as (_, client, room):
            error = await refused(client.pay("bni", "1234567897", 600_000, idempotency_key="1"))
            assert (error.temporary, error.unknown, error.reason) == (False, False, "account_closed")
            assert room.calls("payout") == {"permanent": 1}

    run(scenario())


def test_a_payment_of_unknown_fate_is_asked_again_and_made_once(run: Run) -> None:
    async def scenario() -> None:
        async with payouts() as (everybody, client, _):
            everybody.conduct.change({"payout": {"cut": 1.0}})
            error = await refused(client.pay(*WALLET, 600_000, idempotency_key="1"))
            assert error.unknown and error.temporary
            everybody.conduct.change({"payout": {"error": 1.0}})
            assert not (await refused(client.pay(*WALLET, 600_000, idempotency_key="1"))).unknown
            everybody.conduct.change({})
            await client.pay(*WALLET, 600_000, idempotency_key="1")
            assert everybody.payouts.ledger.amount == 600_000

    run(scenario())
