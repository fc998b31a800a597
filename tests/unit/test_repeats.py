"""When something is begun again at once: only what is undone for certain, once, and within the budget."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.actions.again import again, idempotent
from service.domain.adaptive import BURST
from service.domain.deadline import ASKER_WAITS_UNTIL
from service.domain.errors import (
    AddressTaken,
    DatabaseBusy,
    DatabaseFailure,
    DatabaseUnavailable,
    EffectUnknown,
    LaunchnightError,
)
from service.domain.repeats import REPEATS_PER_S, Repeats


@dataclass
class FewPorts:
    """What repeating asks of the ports."""

    told: list[tuple[str, bool]] = field(default_factory=list)
    repeats: Repeats = field(default_factory=Repeats)

    def chance(self) -> float:
        return 0.0

    def repeated(self, why: str, allowed: bool) -> None:
        self.told.append((why, allowed))


class Work:
    """Fails as often as it has failures left."""

    def __init__(self, *failures: LaunchnightError) -> None:
        self.failures = list(failures)
        self.tries = 0

    async def __call__(self) -> str:
        self.tries += 1
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def tries(*failures: LaunchnightError, ports: Any = None, by_itself: bool = False) -> tuple[int, str]:
    """How often the work was tried, and its end."""
    work = Work(*failures)
    ports = FewPorts() if ports is None else ports
    try:
        end = asyncio.run(again(ports, work, idempotent=by_itself))
    except LaunchnightError as error:
        end = error.code
    return work.tries, end


def test_what_was_undone_is_begun_once_more():
    ports = FewPorts()
    assert tries(DatabaseBusy(again="deadlock"), ports=ports) == (2, "done")
    assert tries(DatabaseUnavailable(again="connection_lost"), ports=ports) == (2, "done")
    assert ports.told == [("deadlock", True), ("connection_lost", True)]


def test_twice_is_the_most():
    lost = DatabaseUnavailable(again="connection_lost")
    assert tries(lost, lost, lost) == (2, "unavailable")


@pytest.mark.parametrize("failure", [DatabaseBusy(), DatabaseUnavailable(), AddressTaken()], ids=lambda each: each.code)
def test_what_would_only_add_to_the_trouble_is_told(failure):
    """No free connection, a server that refuses or is silent; and what is no trouble at all."""
    assert tries(failure) == (1, failure.code)


def test_unknown_effects_are_never_simply_repeated():
    """But for what may be done twice; and after a silence not even that: it has lasted seconds."""
    cut, silent = EffectUnknown(again="connection_lost"), EffectUnknown()
    assert tries(cut) == (1, "effect-unknown")
    assert tries(cut, by_itself=True) == (2, "done")
    assert tries(silent, by_itself=True) == (1, "effect-unknown")


def test_budget_ends_and_comes_back():
    """In any t seconds at most BURST + rate * t, whatever fails."""
    repeats = Repeats()
    assert [repeats.take_nowait(100.0) for _ in range(BURST + 3)] == [True] * BURST + [False] * 3
    assert repeats.take_nowait(100.0 + 1.01 / REPEATS_PER_S)
    assert not repeats.take_nowait(100.0 + 1.02 / REPEATS_PER_S)
    allowed = sum(repeats.take_nowait(200.0 + i / 1000) for i in range(10_000))
    assert BURST + 10 * REPEATS_PER_S - 1 <= allowed <= BURST + 10 * REPEATS_PER_S


def test_without_budget_the_asker_is_told():
    ports = FewPorts()
    while ports.repeats.take_nowait(time.monotonic()):
        pass
    assert tries(DatabaseBusy(again="deadlock"), ports=ports) == (1, "busy")
    assert ports.told == [("deadlock", False)]


def test_nothing_is_begun_again_for_an_asker_who_is_gone():
    async def gone() -> tuple[int, Any]:
        ASKER_WAITS_UNTIL.set(time.monotonic() - 1.0)
        ports: Any = FewPorts()
        work = Work(DatabaseBusy(again="deadlock"))
        with pytest.raises(DatabaseFailure):
            await again(ports, work)
        return work.tries, ports

    tried, ports = asyncio.run(gone())
    assert tried == 1 and ports.told == []


def test_idempotent_actions_keep_their_name_and_arguments():
    @idempotent
    async def put(ports: Any, /, what: str, *, loudly: bool) -> str:
        """Put."""
        if not ports.told:
            raise EffectUnknown(again="connection_lost")
        return what.upper() if loudly else what

    ports: Any = FewPorts()
    assert asyncio.run(put(ports, "a", loudly=True)) == "A"
    assert (put.__name__, put.__doc__) == ("put", "Put.")
