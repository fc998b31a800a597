"""What one process knows of a partner, on a clock that jumps as it is told."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.domain.adaptive import FEWEST
from service.domain.breaker import CircuitState
from service.gateways.guard import Effect, Guard
from service.metrics import Metrics

LOOK = 0.05
"""Seconds between two looks of a lane."""


class Room:
    def __init__(self, *, on: bool = True, most: int = 64) -> None:
        self.now = 0.0
        self.metrics = Metrics()
        self.guard = Guard(
            "sms",
            most=most,
            slow=2.5,
            on=on,
            metrics=self.metrics,
            clock=lambda: self.now,
            chance=lambda: 0.5,
        )

    def state(self) -> CircuitState:
        return self.guard.state

    def call(self, effect: Effect) -> None:
        generation = self.guard.begin()
        assert generation is not None
        self.guard.end(generation, 0.1, effect)

    def looks(self, seconds: float) -> Iterator[float]:
        """A lane that looks again and again: the moments."""
        end = self.now + seconds
        while self.now < end:
            self.now += LOOK
            self.guard.free(self.guard.in_flight)
            yield self.now

    def shown(self, name: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"registration_partner_{name}", {"partner": "sms"})


def test_a_dead_partner_is_left_alone_and_tried_one_call_at_a_time() -> None:
    room = Room()
    for _ in range(8):
        room.call(Effect.SILENT)
    assert room.state() is CircuitState.OPEN
    assert room.guard.begin() is None and room.guard.free(0) == 0
    assert (room.shown("circuit_state"), room.shown("circuit_openings_total"), room.shown("calls_limit")) == (2, 1, 0)
    room.now = 1.0
    assert room.guard.free(0) == 1
    probe = room.guard.begin()
    assert probe is not None and room.guard.begin() is None and room.guard.free(1) == 0
    room.guard.end(probe, 0.1, Effect.WELL)
    room.call(Effect.WELL)
    room.call(Effect.STRAINED)  # it answers: it lives
    assert room.state() is CircuitState.CLOSED
    assert room.guard.free(0) == int(FEWEST)  # no burst at the return
    assert room.shown("circuit_state") == 0


def test_a_refusal_for_the_rate_is_no_reason_to_leave_it_alone() -> None:
    """It is one to ask less at once."""
    room = Room()
    for _ in range(50):
        room.call(Effect.STRAINED)
    assert room.state() is CircuitState.CLOSED
    assert room.shown("calls_limit") == FEWEST


def test_silence_is_noticed_before_the_deadline() -> None:
    """20 calls that hang: the circuit opens after 1.5 s, not at the 5 s after which the first of them is given up."""
    room = Room()
    room.call(Effect.WELL)
    begun = [room.guard.begin() for _ in range(20)]
    opened = next(now for now in room.looks(5.0) if room.state() is CircuitState.OPEN)
    assert opened <= 1.5 + 2 * LOOK
    for generation in begun:  # their ends say nothing any more
        assert generation is not None
        room.guard.end(generation, 5.0, Effect.SILENT)
    assert room.shown("circuit_openings_total") == 1


def test_hanging_calls_of_before_do_not_delay_the_trial() -> None:
    room = Room()
    begun = [room.guard.begin() for _ in range(20)]
    for _ in room.looks(1.6):
        pass
    assert room.state() is CircuitState.OPEN and room.guard.in_flight == len(begun)
    for _ in room.looks(1.1):
        pass
    assert room.guard.free(20) == 1
    assert room.guard.begin() is not None


def test_our_own_absence_is_not_the_partner_s_silence() -> None:
    """The event loop stood still for 10 s: the answers are there and wait to be read."""
    room = Room()
    begun = [room.guard.begin() for _ in range(20)]
    room.now = 10.0
    assert room.guard.free(20) == 0 and room.state() is CircuitState.CLOSED
    for generation in begun:
        assert generation is not None
        room.guard.end(generation, 10.0, Effect.WELL)
    assert room.state() is CircuitState.CLOSED


def test_calls_that_never_left_are_not_waited_for() -> None:
    """Twenty that missed their turn are no silence; twenty that were sent and given up are."""
    for unsent, state in ((True, CircuitState.CLOSED), (False, CircuitState.OPEN)):
        room = Room()
        for _ in range(20):
            generation = room.guard.begin()
            assert generation is not None
            room.guard.leave(generation, unsent=unsent)
        assert list(room.looks(2.0))
        assert room.state() == state


def test_one_call_that_is_answered_keeps_it_closed() -> None:
    room = Room()
    for _ in range(20):
        room.guard.begin()
    for now in room.looks(10.0):
        room.call(Effect.WELL)
        assert room.state() is CircuitState.CLOSED, now


@pytest.mark.parametrize("effect", [Effect.SILENT, Effect.FAILED])
def test_without_the_guard_everything_is_asked(effect: Effect) -> None:
    """The negative control: the same dead partner, and it is asked a thousand times."""
    room = Room(on=False)
    for _ in range(1000):
        room.call(effect)
    assert room.state() is CircuitState.CLOSED and room.guard.free(0) == 64


class Traffic(RuleBasedStateMachine):
    """Any order of calls, ends, desertions and time."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room()
        self.under_way: list[int] = []

    @rule(count=st.integers(1, 12))
    def begin(self, count: int) -> None:
        for _ in range(count):
            state = self.room.guard.state
            generation = self.room.guard.begin()
            if generation is None:
                assert state is not CircuitState.CLOSED
                continue
            assert state is not CircuitState.OPEN
            if state is CircuitState.TRYING:  # whatever hangs from before
                assert generation not in self.under_way
            self.under_way.append(generation)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), effect=st.sampled_from(Effect), seconds=st.floats(0, 6))
    def end(self, data: st.DataObject, effect: Effect, seconds: float) -> None:
        self.room.guard.end(self._one(data), seconds, effect)

    @precondition(lambda self: self.under_way)
    @rule(effect=st.sampled_from(Effect))
    def end_all(self, effect: Effect) -> None:
        while self.under_way:
            self.room.guard.end(self.under_way.pop(), 0.1, effect)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.room.guard.leave(self._one(data))

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.room.now += seconds

    @invariant()
    def counts_hold(self) -> None:
        guard = self.room.guard
        assert guard.in_flight == len(self.under_way) == self.room.shown("calls_in_flight")
        assert 0 <= guard.free(guard.in_flight) <= 64

    def _one(self, data: st.DataObject) -> int:
        return self.under_way.pop(data.draw(st.integers(0, len(self.under_way) - 1)))


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
