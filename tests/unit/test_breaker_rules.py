"""The circuit of a partner against its promises, on traces that nobody thought of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import breaker
from service.domain.breaker import Circuit, CircuitState

chance = st.floats(0, 1, exclude_max=True)
gaps = st.floats(0, 40)
steps = st.lists(st.tuples(gaps, st.booleans(), chance), max_size=200)


def after(circuit: Circuit, failures: list[bool], now: float = 0.0) -> Circuit:
    """The circuit after calls of its own generation that ended like this."""
    for failed in failures:
        circuit = breaker.after_call(circuit, circuit.generation, failed, now, 0.5)
    return circuit


def test_it_opens_at_the_eighth_failure_in_a_row() -> None:
    assert after(breaker.closed(0.0), [True] * 7).state == CircuitState.CLOSED
    assert after(breaker.closed(0.0), [True] * 7 + [False] + [True] * 7).state == CircuitState.CLOSED
    assert after(breaker.closed(0.0), [True] * 8).state == CircuitState.OPEN


def test_it_is_tried_after_a_second_and_closes_at_the_third_success() -> None:
    circuit = after(breaker.closed(0.0), [True] * 8)
    assert circuit.until == pytest.approx(1.0)
    assert breaker.looked_at(circuit, 0.99).state == CircuitState.OPEN
    tried = breaker.looked_at(circuit, 1.0)
    assert tried.state == CircuitState.TRYING
    assert after(tried, [False] * 2).state == CircuitState.TRYING
    assert after(tried, [False] * 3).state == CircuitState.CLOSED
    assert after(tried, [False, False, True]).state == CircuitState.OPEN


def test_pauses_double_to_eight_seconds() -> None:
    middle = [breaker.pause_s(openings, 0.5) for openings in range(1, 7)]
    assert middle == [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert breaker.pause_s(1, 0.0) == pytest.approx(0.7)


@given(st.integers(1, 10**6), chance)
def test_a_pause_is_bounded(openings: int, u: float) -> None:
    assert 0.7 * breaker.PAUSE_S <= breaker.pause_s(openings, u) <= 1.3 * breaker.LONGEST_PAUSE_S


@given(steps)
def test_it_never_closes_but_by_successes_one_at_a_time(trace: list[tuple[float, bool, float]]) -> None:
    """From open to tried only when the pause is over, from tried to closed only by three successes without a failure;
    each change of state is another generation."""
    circuit, now, successes = breaker.closed(0.0), 0.0, 0
    for gap, failed, u in trace:
        now += gap
        seen = breaker.looked_at(circuit, now)
        if circuit.state == CircuitState.OPEN and seen.state != CircuitState.OPEN:
            assert now >= circuit.until and seen.state == CircuitState.TRYING
            successes = 0
        ended = breaker.after_call(seen, seen.generation, failed, now, u)
        if seen.state == CircuitState.TRYING:
            successes = 0 if failed else successes + 1
            assert (ended.state == CircuitState.CLOSED) == (successes == breaker.SUCCESSES_TO_CLOSE)
        assert (ended.state != seen.state) == (ended.generation != seen.generation)
        assert ended.since <= now and (ended.state != CircuitState.OPEN or ended.until > now - 1e-9)
        circuit = ended


@given(steps, st.integers(1, 50))
def test_calls_of_before_say_nothing(trace: list[tuple[float, bool, float]], back: int) -> None:
    """A hundred calls that began while it was open or closed before cannot move it now."""
    circuit, now = after(breaker.closed(0.0), [True] * 8), 0.0
    for gap, failed, u in trace:
        now += gap
        circuit = breaker.looked_at(circuit, now)
        assert breaker.after_call(circuit, circuit.generation - back, failed, now, u) == circuit


@given(st.lists(st.booleans(), max_size=300))
def test_a_partner_that_works_half_the_time_is_asked(trace: list[bool]) -> None:
    """Whatever fails, it does not open while no eight in a row do."""
    circuit, run = breaker.closed(0.0), 0
    for failed in trace:
        run = run + 1 if failed else 0
        if run >= breaker.FAILURES_TO_OPEN:
            return
        circuit = after(circuit, [failed])
        assert circuit.state == CircuitState.CLOSED


def test_a_partner_that_comes_and_goes_waits_longer_each_time() -> None:
    circuit, now, pauses = breaker.closed(0.0), 0.0, []
    for _ in range(4):
        circuit = after(circuit, [True] * 8, now)
        pauses.append(circuit.until - now)
        now = circuit.until
        circuit = after(breaker.looked_at(circuit, now), [False] * 3, now)
        assert circuit.state == CircuitState.CLOSED
    assert pauses == pytest.approx([1.0, 2.0, 4.0, 8.0])
    calm = after(circuit, [True] * 8, now + breaker.CALM_S)
    assert calm.until - (now + breaker.CALM_S) == pytest.approx(1.0)


def test_silence_is_eight_calls_and_a_second_and_a_half() -> None:
    assert breaker.silent(8, 1.5)
    assert not breaker.silent(7, 60.0)
    assert not breaker.silent(10_000, 1.4)


def test_calls_at_once_follow_the_state() -> None:
    assert [breaker.calls_at_once(state, 17.9) for state in CircuitState] == [17, 1, 0]
