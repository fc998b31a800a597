"""The rules of the door, one by one, and what they make of a house that is asked for ten times what it can do."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import overload as rules
from service.domain.overload import Progress
from tests.unit.door_simulation import House, Outcome, Stream, p99, steadily

CAPACITY = 200.0
"""Per second: 4 servers, 20 ms."""


def at_load(load: float, *, limited: bool = True, seed: int = 1) -> Outcome:
    """15 s at `load` times the capacity, after 10 s of start-up."""
    stream = Stream("step", Progress.CONTINUING, steadily(load * CAPACITY), load * CAPACITY)
    return House([stream], limited=limited, seed=seed).run(25.0, start_up=10.0)["step"]


def goodput(outcome: Outcome) -> float:
    return len(outcome.served) / 15.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ten_times_the_load_leaves_the_goodput(seed: int) -> None:
    """R3 in virtual time: >= 90 % of the peak, the slowest answers at most twice those at 70 %, refusals at once."""
    calm, full, most = at_load(0.7, seed=seed), at_load(1.2, seed=seed), at_load(10.0, seed=seed)
    assert goodput(most) >= 0.9 * max(goodput(calm), goodput(full), CAPACITY)
    assert p99(most.served) <= 2.0 * p99(calm.served)
    assert p99(most.refused) <= 0.05
    assert len(most.served) + len(most.refused) >= most.offered - 250  # nobody waits without an answer
    assert not calm.refused


SLOW = 0.1
"""Seconds that drawing a ticket takes here; saving a step, of those who are signed in, takes half of it."""


def of_slow_work(load: float) -> tuple[float, list[float]]:
    """Of 50 s: the share of the servers' time that went into answers, and how long each refusal took."""
    rate = load * 4 / (SLOW * 5 / 6)
    streams = [
        Stream("ticket", Progress.BROWSING, steadily(rate * 2 / 3), rate * 2 / 3),
        Stream("step", Progress.CONTINUING, steadily(rate / 3), rate / 3, cost=0.5),
    ]
    ticket, step = House(streams, service=SLOW).run(60.0, start_up=10.0).values()
    return (len(ticket.served) + 0.5 * len(step.served)) * SLOW / 4 / 50.0, ticket.refused + step.refused


@pytest.mark.parametrize("load", [1.2, 1.5, 2.0, 3.0, 10.0])
def test_refusals_are_quick_at_any_load(load: float) -> None:
    """Not in the worst storm alone: 99 of 100 come within 50 ms, as the work of a slow service goes on."""
    work, refused = of_slow_work(load)
    assert p99(refused) <= 0.05
    assert work >= 0.85


def test_with_the_patience_of_a_burst_refusals_are_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control: whoever is turned away after a tenth of a second was kept for nothing."""
    monkeypatch.setattr(rules, "STORM_PATIENCE_S", rules.PATIENCE_S)
    _, refused = of_slow_work(1.5)
    assert p99(refused) > 0.05


def test_shares_come_back_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth a second, however long the windows are: with DAGOR's step of 1 % a window a slow service idles."""
    work, _ = of_slow_work(1.5)
    monkeypatch.setattr(
        rules, "next_share", lambda share, late, _: max(0.02, 0.95 * share) if late else min(1.0, share + 0.01)
    )
    idle, _ = of_slow_work(1.5)
    assert work >= idle + 0.02


def test_without_the_limit_it_collapses() -> None:
    """The negative control: at 1.2 times the capacity nearly every answer comes too late already."""
    assert goodput(at_load(1.2, limited=False)) < 0.2 * CAPACITY
    assert goodput(at_load(10.0, limited=False)) < 0.01 * CAPACITY
    assert goodput(at_load(0.7, limited=False)) > 0.65 * CAPACITY


def test_who_has_more_to_lose_goes_first() -> None:
    """Ten times the capacity of people who look around: those who finish do not notice, and some browsers get in."""
    finishing = Stream("answer", Progress.FINISHING, steadily(0.4 * CAPACITY), CAPACITY)
    browsing = Stream("page", Progress.BROWSING, steadily(10.0 * CAPACITY), 10.0 * CAPACITY)
    outcomes = House([finishing, browsing]).run(25.0, start_up=10.0)
    finished, browsed = outcomes["answer"], outcomes["page"]
    assert len(finished.refused) <= 0.01 * finished.offered
    assert p99(finished.served) <= 0.2
    assert len(browsed.served) / 15.0 >= 0.4 * CAPACITY


@pytest.mark.parametrize("service", [0.005, 0.02, 0.08])
@pytest.mark.parametrize("load", [2.0, 10.0])
def test_a_crowd_of_all_kinds_is_cut_from_below(service: float, load: float) -> None:
    """A third of the crowd is signed in: at least 85 % of the capacity that they can use is theirs, all of it used.

    The negative control: had all the same rank, they would get a third of it.
    """
    capacity = 4 / service

    def answered(rank: Progress) -> tuple[float, float]:
        """Signed in, and all, as shares of the capacity."""
        rate = load * capacity
        signed_in = Stream("read", rank, steadily(rate / 3), rate / 3)
        others = Stream("ticket", Progress.BROWSING, steadily(2 * rate / 3), 2 * rate / 3)
        seconds = 2500 * service  # as many people, whatever one takes
        outcomes = House([signed_in, others], service=service).run(10.0 + seconds, start_up=10.0)
        served = [len(outcomes[kind].served) / seconds / capacity for kind in ("read", "ticket")]
        return served[0], sum(served)

    first, every = answered(Progress.CONTINUING)
    alike, _ = answered(Progress.BROWSING)
    assert first >= 0.85 * min(1.0, load / 3)
    assert every >= 0.88
    assert alike <= 0.5 * min(1.0, load / 3) + 0.1


def test_people_are_kept_in_or_out_together() -> None:
    """At five times the load about a fifth gets in; nearly all of them stand among the first, whatever they ask."""
    outcome = at_load(5.0)
    first = [place for place in outcome.admitted_places if place < 0.3]
    assert len(first) >= 0.85 * len(outcome.admitted_places)
    assert len([place for place in outcome.refused_places if place < 0.1]) <= 0.35 * len(first)


def test_it_recovers_by_itself() -> None:
    """The house is three times slower for 10 s, at 90 % load: 5 s later everybody is served again."""
    stream = Stream("step", Progress.CONTINUING, steadily(0.9 * CAPACITY), CAPACITY)
    house = House([stream], slower=lambda now: 3.0 if 10.0 <= now < 20.0 else 1.0)
    house.run(40.0)
    during = len([at for at in house.served_at if 10.0 <= at < 20.0]) / 10.0
    after = len([at for at in house.served_at if 25.0 <= at < 40.0]) / 15.0
    assert during >= 0.9 * CAPACITY / 3.0
    assert after >= 0.97 * 0.9 * CAPACITY


def test_a_start_in_the_storm_learns_what_is_usual() -> None:
    """A process that was started anew at ten times the load finds its limit all the same."""
    stream = Stream("step", Progress.CONTINUING, steadily(10.0 * CAPACITY), 10.0 * CAPACITY)
    outcome = House([stream]).run(20.0, start_up=5.0)["step"]
    assert len(outcome.served) / 15.0 >= 0.9 * CAPACITY
    assert p99(outcome.served) <= 0.2


def test_the_limit_moves_as_said() -> None:
    """By hand: limit 16, answers took 2.0 times what they may -> 16 * 0.5 + 0.5 * 4 = 10, a fifth of the way there."""
    assert rules.next_limit(16.0, 2.0, 1.0, 16, False) == pytest.approx(16.0 + 0.2 * (10.0 - 16.0))
    assert rules.next_limit(16.0, 1.0, 2.0, 16, False) == pytest.approx(16.0 + 0.2 * 2.0)
    assert rules.next_limit(16.0, 1.0, 2.0, 7, False) == 16.0  # half of it was never used
    assert rules.next_limit(16.0, 1.0, 2.0, 16, True) == pytest.approx(14.4)
    assert rules.next_limit(4.0, 9.0, 1.0, 4, True) == 4.0
    assert rules.next_limit(199.9, 1.0, 2.0, 200, False) == rules.MOST


@given(
    st.floats(4.0, 200.0), st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.integers(0, 500), st.booleans(),
)  # fmt: skip
def test_the_limit_stays_in_its_bounds(limit: float, took: float, allowed: float, peak: int, dropped: bool) -> None:
    following = rules.next_limit(limit, took, allowed, peak, dropped)
    assert 4.0 <= following <= rules.MOST
    assert following >= limit * (1.0 - (1.0 - rules.STEEPEST) * rules.SMOOTHING) * 0.899


def test_what_is_usual_follows_slowly_upwards() -> None:
    """After a minute at ten times the usual: less than a fifth of the way up, unless the limit cannot be lower; after
    5 s of better: two thirds of the way down."""
    assert rules.usual_after(math.nan, 0.02, 0.1, False) == 0.02
    assert rules.usual_after(0.01, 0.1, 60.0, False) == pytest.approx(0.01 + 0.09 * (1 - math.exp(-0.2)))
    assert rules.usual_after(0.01, 0.1, 5.0, True) == pytest.approx(0.01 + 0.09 * (1 - math.exp(-1)))
    assert rules.usual_after(0.1, 0.01, 5.0, False) == pytest.approx(0.1 - 0.09 * (1 - math.exp(-1)))


def test_places_are_stable_even_and_drawn_anew() -> None:
    """One person has one place within a period; 10,000 people fill [0, 1) evenly; the next period is another draw."""
    people = [b"person %d" % number for number in range(10_000)]
    places = [rules.place_of(person, 1000.0) for person in people]
    assert places == [rules.place_of(person, 1799.0) for person in people]
    later = [rules.place_of(person, 1801.0) for person in people]
    assert sum(abs(a - b) < 0.01 for a, b in zip(places, later, strict=True)) < 400
    counts = [sum(low <= place * 10 < low + 1 for place in places) for low in range(10)]
    assert sum(counts) == 10_000 and max(counts) - min(counts) < 250


def test_when_to_come_back_is_spread() -> None:
    """3 s when nearly all are let in, longer the fewer are; +-30 %, never above 78 s."""
    assert rules.retry_after_s(1.0, 0.5) == pytest.approx(3.0)
    assert rules.retry_after_s(0.1, 0.0) == pytest.approx(21.0)
    assert rules.retry_after_s(0.1, 1.0) == pytest.approx(39.0)
    assert rules.retry_after_s(0.01, 1.0) == pytest.approx(78.0)
