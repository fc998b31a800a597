"""A replica's figures: rates between readings of its counters, from the start of a backlog on."""

import pytest

from service.domain.queues import smoothed
from service.domain.stage_figures import MEMORY, Count, Stages


def rates(*counts: Count, every: float = 1.0) -> list[float]:
    """The rate told after each reading, the first of which stands for the start."""
    at = iter(counts)
    replica = Stages(lambda: {"email": next(at)}, 0.0)
    return [replica.take((n + 1) * every)[0].done_per_s for n in range(len(counts) - 1)]


def test_a_steady_rate_is_told_as_it_is() -> None:
    assert rates(*(Count(done=30.0 * n) for n in range(6)), every=2.0) == pytest.approx([15.0] * 5)


def test_a_backlog_starts_the_measuring_anew() -> None:
    """Idle for ten seconds, then a second of filling the pipe, then 20/s: not known at first, then exact; without the
    new start it would be told as 2/s."""
    idle = [Count() for _ in range(11)]
    busy = [Count(done=done, backlog=True) for done in (0.0, 0.0, 13.0, 33.0, 53.0, 73.0)]
    assert rates(*idle, *busy)[10:] == pytest.approx([0.0, 0.0, 0.0, 20.0, 20.0, 20.0])


def test_a_stage_that_is_nearly_full_is_none_in_which_nothing_ends() -> None:
    """A backlog of a moment every other second, at 20/s: told as 0 whenever one begins, whoever steers would take a
    line of a few jobs for a standstill."""
    assert rates(*(Count(done=20.0 * n, backlog=n % 2 == 1) for n in range(9))) == pytest.approx([0.0, *[20.0] * 7])


def test_a_worker_that_starts_with_a_backlog_tells_its_rate_when_the_pipe_is_full() -> None:
    assert rates(*(Count(done=5.0 * n, backlog=True) for n in range(4))) == [0.0, 5.0, 5.0]


def test_a_change_is_seen_within_the_memory() -> None:
    """From 20/s to 10/s: half of the way after seven seconds, nine tenths after 25."""
    done, counts = 0.0, []
    for n in range(60):
        counts.append(Count(done=done))
        done += 20.0 if n < 30 else 10.0
    told = rates(*counts)
    assert told[29] == pytest.approx(20.0)
    assert 14.5 < told[36] < 15.5
    assert 10.0 < told[54] < 11.1


def test_smoothing_with_a_growing_memory_is_the_mean() -> None:
    value = 0.0
    for n, each in enumerate([3.0, 9.0, 6.0, 2.0]):
        value = smoothed(value, each, 1.0, float(n))
    assert value == pytest.approx(5.0)
    assert (
        MEMORY >= 5.0
    )  # a quota window of a second, seen through five of them, moves the rate by no more than a fifth
