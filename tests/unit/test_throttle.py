"""The throttle of an adaptive client: what it counts, what it holds back, and that it lets go again."""

import pytest

from scenarios.journey_state import Result
from scenarios.throttle import FRESH, WINDOW, Throttle, answered, attempt, rolled, share_held_back


def after(requests: int, accepted: int, now: float = 0.0) -> Throttle:
    """A client with so many requests, of which the first `accepted` were."""
    memory = FRESH
    for number in range(requests):
        result = Result.OK if number < accepted else Result.BUSY
        memory = answered(attempt(memory, 1, 7, now).throttle, result, 5.0, now)
    return memory


@pytest.mark.parametrize(
    ("requests", "accepted", "share"),
    [(0, 0, 0.0), (1, 1, 0.0), (1, 0, 0.5), (9, 0, 0.9), (10, 5, 0.0), (10, 4, 2 / 11), (99, 10, 0.79)],
)
def test_the_share_is_that_of_the_book(requests, accepted, share):
    """max(0, (requests - 2 accepted) / (requests + 1)): nothing while half of the requests are accepted."""
    assert share_held_back(after(requests, accepted), 0.0) == pytest.approx(share)


def test_a_request_counts_when_it_is_made():
    """Three that hang without an answer are held against the service at once, not when they time out."""
    memory = FRESH
    for _ in range(3):
        memory = attempt(memory, 1, 7, 0.0).throttle
    assert share_held_back(memory, 0.0) == pytest.approx(3 / 4)


def test_the_window_forgets_evenly():
    """Half a span later half of the span before still counts; two spans later nothing does."""
    memory = after(20, 0)
    assert share_held_back(rolled(memory, WINDOW), WINDOW) == pytest.approx(20 / 21)
    assert share_held_back(rolled(memory, 1.5 * WINDOW), 1.5 * WINDOW) == pytest.approx(10 / 11)
    assert share_held_back(rolled(memory, 2.0 * WINDOW), 2.0 * WINDOW) == 0.0
    assert rolled(memory, 9.0 * WINDOW).attempts == 20, "the draws go on where they were"


def test_what_was_told_last_is_remembered_until_the_next_refusal():
    memory = answered(FRESH, Result.BUSY, 7.0, 0.0)
    assert answered(memory, Result.OK, -1.0, 1.0).told_s == 7.0
    assert answered(memory, Result.TIMEOUT, -1.0, 1.0).told_s == -1.0


def test_a_client_sends_twice_what_is_accepted_and_recovers():
    """Fifty requests a second against a service that takes five: ten are sent, as the book says of K = 2; unthrottled
    it would be fifty. Once all are taken nothing is held back any more, within two windows."""
    sent, taken, memory = [0, 0], 0, FRESH
    for number in range(50 * 780):
        now = number / 50
        memory, is_held_back = attempt(memory, 1, 7, now)
        if is_held_back:
            continue
        half = now >= 480.0
        is_taken = half or now * 5.0 >= taken
        taken += is_taken and not half
        memory = answered(memory, Result.OK if is_taken else Result.BUSY, 5.0, now)
        if 240.0 <= now < 480.0 or now >= 720.0:
            sent[half] += 1
    assert sent[0] / 240.0 == pytest.approx(10.0, rel=0.1)
    assert sent[1] / 60.0 == pytest.approx(50.0, rel=0.01)
