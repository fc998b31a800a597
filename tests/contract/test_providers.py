"""Failing over between two real simulated providers, on a clock that jumps."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from scenarios.partners.app import Partners
from scenarios.partners.settings import Figures
from service.domain.breaker import CircuitState
from service.domain.errors import PartnerError
from service.domain.failover import HOLD_S, STEP_S
from service.gateways.providers import Providers
from tests.conftest import Run
from tests.contract.test_gateways import ANN, REGISTRY, SMS, Room, clients, served


class Two:
    """Both providers as they see themselves, and the channel in front of them."""

    def __init__(self, partners: list[Partners], rooms: list[Room]) -> None:
        self.now = 0.0
        self.shown: list[float] = []
        self.partners = partners
        self.first, self.second = (room.sms for room in rooms)
        self.sms = Providers(self.first, self.second, show=self.shown.append, clock=lambda: self.now)
        self._number = 0

    def misbehave(self, number: int, **conduct: float) -> None:
        self.partners[number].conduct.change({"sms": conduct})

    def accepted(self) -> list[int]:
        return [int(each.gateways["sms"].ledger.as_json()["distinct"]) for each in self.partners]

    async def send(self, count: int) -> tuple[list[int], int]:
        """Send `count` messages; how many each provider took, and how many failed."""
        before, failed = self.accepted(), 0
        for _ in range(count):
            self._number += 1
            try:
                await self.sms.send(ANN, "Kode 123456", idempotency_key=f"sms-{self._number}")
            except PartnerError:
                failed += 1
        return [after - each for after, each in zip(self.accepted(), before, strict=True)], failed

    async def after(self, seconds: float, count: int) -> list[int]:
        self.now += seconds
        return (await self.send(count))[0]


@asynccontextmanager
async def two_providers() -> AsyncIterator[Two]:
    figures = Figures(REGISTRY, SMS, replace(SMS, rate_per_s=1e6))  # no machine is fast enough to be refused
    apps = [Partners(figures, opens_at=0.0, seed=seed) for seed in (1, 2)]
    async with (
        served(apps[0].application()) as one,
        served(apps[1].application()) as other,
        clients(one) as first,
        clients(other) as second,
    ):
        yield Two(apps, [first, second])


def in_two(run: Run, scenario: Any) -> None:
    async def all_of_it() -> None:
        async with two_providers() as two:
            await scenario(two)

    run(all_of_it())


def test_while_the_first_works_the_second_gets_nothing(run: Run) -> None:
    """Also after one error, and after one in ten."""

    async def scenario(two: Two) -> None:
        two.misbehave(0, error=0.1)
        for _ in range(5):
            took, failed = await two.send(60)
            assert took == [60 - failed, 0]
            two.now += STEP_S
        assert two.first.guard.state is CircuitState.CLOSED

    in_two(run, scenario)


def test_messages_move_in_steps_and_come_back_in_steps(run: Run) -> None:
    """A provider that fails every third call: a tenth goes away, half, nine tenths, all; well again, all come back."""

    async def scenario(two: Two) -> None:
        two.misbehave(0, error=0.35)
        shares = []
        for _ in range(4):
            await two.send(400)
            took = await two.after(STEP_S, 100)
            shares.append(took[1])
        assert two.shown[-1] == 1.0
        assert 3 <= shares[0] <= 20 and 35 <= shares[1] <= 65 and 80 <= shares[2] <= 98 and shares[3] == 100
        two.misbehave(0)
        back = []
        for _ in range(4):
            back.append((await two.after(HOLD_S, 100))[0])
        assert back[-1] == 100 and back == sorted(back)

    in_two(run, scenario)


def test_a_dead_provider_loses_nobody_s_code(run: Run) -> None:
    """Eight calls find out; from then on the second gets them all, without waiting for a step."""

    async def scenario(two: Two) -> None:
        two.misbehave(0, error=1.0)
        took, failed = await two.send(100)
        assert failed == 8 and took == [0, 92]
        assert two.first.guard.state is CircuitState.OPEN
        assert two.sms.free(0) > 0

    in_two(run, scenario)


def test_both_dead_is_told(run: Run) -> None:
    async def scenario(two: Two) -> None:
        two.misbehave(0, error=1.0)
        two.misbehave(1, error=1.0)
        _, failed = await two.send(40)
        assert failed == 40
        assert two.sms.free(0) == 0

    in_two(run, scenario)


def test_a_refused_address_is_not_the_provider_s_fault(run: Run) -> None:
    """The negative control of what is counted: a hundred numbers that no provider takes move nothing."""

    async def scenario(two: Two) -> None:
        for number in range(100):
            try:
                await two.sms.send("nobody", "Kode 123456", idempotency_key=f"nobody-{number}")
            except PartnerError as error:
                assert not error.temporary
        assert await two.after(STEP_S, 50) == [50, 0]

    in_two(run, scenario)


def test_the_same_key_goes_to_the_same_provider(run: Run) -> None:
    """While half of the messages go to each: repeated, nothing is sent twice."""

    async def scenario(two: Two) -> None:
        two.misbehave(0, error=0.35)
        for _ in range(2):
            await two.send(400)
            two.now += STEP_S
        await two.send(1)
        two.misbehave(0)
        assert two.shown[-1] == 0.5
        before = sum(two.accepted())
        for _ in range(3):
            for number in range(50):
                await two.sms.send(ANN, "Kode 123456", idempotency_key=f"again-{number}")
        assert sum(two.accepted()) - before == 50

    in_two(run, scenario)


class Trial:
    """A provider whose circuit stands as it is told."""

    def __init__(self) -> None:
        self.guard = SimpleNamespace(state=CircuitState.CLOSED)
        self.works = True

    async def send(self, to: str, text: str, *, idempotency_key: str) -> None:
        if not self.works:
            raise PartnerError("no", temporary=True)


def test_a_trial_that_failed_does_not_keep_the_messages_away_for_ever(run: Run) -> None:
    """All go to the second provider when the first one's circuit is tried: one failure, then it closes."""

    async def scenario() -> None:
        now, shown, first = [0.0], list[float](), Trial()
        sms = Providers(cast(Any, first), cast(Any, Trial()), show=shown.append, clock=lambda: now[0])

        async def after(seconds: float) -> float:
            now[0] += seconds
            await sms.send(ANN, "Kode 123456", idempotency_key="1")
            return shown[-1]

        first.guard.state = CircuitState.OPEN
        assert [await after(STEP_S) for _ in range(4)] == [0.1, 0.5, 0.9, 1.0]
        first.guard.state, first.works = CircuitState.TRYING, False
        with pytest.raises(PartnerError):
            await after(0.1)
        first.guard.state, first.works = CircuitState.CLOSED, True
        await after(STEP_S)
        assert [await after(HOLD_S + 1.0) for _ in range(4)] == [0.9, 0.5, 0.1, 0.0]

    run(scenario())
