"""How clients take refusals: naive, punctual, polite, adaptive; one by one, and a crowd of each in an outage."""

from functools import cache

import pytest

from scenarios import catalogue, journey, throttle
from scenarios.fates import Channel, Fate, Manners
from scenarios.journey_state import Action, Decision, Result, State
from scenarios.setbacks import BACKOFF_CAP, NAIVE_REPEATS
from scenarios.throttle import FRESH
from tests.unit.manners_simulation import Outage, Played, play
from tests.unit.test_journey import HABITS, NORMAL, SEED, always_well, until

FAILURES = [Result.BUSY, Result.ERROR, Result.TIMEOUT]


def at(action: Action, manners: Manners) -> State:
    return until(action, NORMAL._replace(manners=manners))


def step(state: State, result: Result, *, retry_after: float = -1.0, number: int = 7, now: float = 0.0) -> Decision:
    return journey.step(state, HABITS, SEED, number, result, retry_after, now)


@pytest.mark.parametrize("result", FAILURES)
def test_a_naive_client_repeats_three_times_at_once_and_then_it_is_the_persons_turn(result):
    """Whatever it was told: the person sees four failures as one, and presses again at an own moment."""
    state = at(Action.IDENTITY, Manners.NAIVE)
    for repeats in range(1, NAIVE_REPEATS + 1):
        decision = step(state, result, retry_after=30.0 if result == Result.BUSY else -1.0)
        assert (decision.action, decision.delay_s) == (Action.IDENTITY, 0.0)
        assert (decision.state.nerves.repeats, decision.state.nerves.tries) == (repeats, 0)
        state = decision.state
    decision = step(state, result, retry_after=30.0 if result == Result.BUSY else -1.0)
    assert (decision.state.nerves.repeats, decision.state.nerves.tries) == (0, 1)
    assert decision.delay_s > 0.0
    assert decision.delay_s == step(state, result).delay_s, "what it was told makes no difference"


def test_a_naive_clients_requests_are_the_persons_tries_times_four():
    """Five tries a visit, three visits, four requests each: what a retrying layer makes of one person."""
    state, requests = at(Action.IDENTITY, Manners.NAIVE), 0
    while state.action != Action.LEAVE:
        state, requests = step(state, Result.BUSY, retry_after=30.0).state, requests + 1
    assert requests == 5 * 3 * (1 + NAIVE_REPEATS)


def test_an_answer_that_means_something_is_not_repeated_blindly():
    """A code that has expired, a session that is lost: sending the same once more would be of no use."""
    assert step(at(Action.SESSION, Manners.NAIVE), Result.OLD_CODE).action == Action.CODE
    assert step(at(Action.PERSONAL, Manners.NAIVE), Result.LOST).action == Action.CODE


def test_a_naive_person_looks_at_the_line_more_often_than_told():
    """Never later than told; where that is long, at the moments of one who refreshes, each another."""
    state, waits = journey.start(NORMAL._replace(manners=Manners.NAIVE)), []
    for _ in range(200):
        decision = step(state, Result.WAIT, retry_after=60.0, now=1.0)
        waits.append(decision.delay_s)
        state = decision.state
    assert max(waits) <= 60.0
    assert sorted(waits)[100] == pytest.approx(12.0, rel=0.3)
    assert len(set(waits)) > 150


@pytest.mark.parametrize("manners", [Manners.POLITE, Manners.ADAPTIVE])
def test_a_polite_client_comes_back_later_than_told_and_ever_later(manners):
    """The random part doubles with each refusal in a row, up to a minute; it begins as long as what was told."""
    for number in range(50):
        state = at(Action.IDENTITY, manners)
        for refusals in range(1, 9):
            decision = step(state, Result.BUSY, retry_after=5.0, number=number)
            most = min(BACKOFF_CAP, 5.0 * 2 ** (refusals - 1))
            assert 5.0 <= decision.delay_s < 5.0 + most
            state = decision.state


def test_refused_together_polite_clients_do_not_come_back_together():
    """A thousand are told the same second: the punctual are there in it, of the polite a fifth at most."""
    delays = {
        manners: [
            step(at(Action.IDENTITY, manners), Result.BUSY, retry_after=10.0, number=number).delay_s
            for number in range(1000)
        ]
        for manners in (Manners.PUNCTUAL, Manners.POLITE)
    }
    assert set(delays[Manners.PUNCTUAL]) == {10.0}
    seconds = [int(delay) for delay in delays[Manners.POLITE]]
    assert max(seconds.count(second) for second in set(seconds)) < 200


def test_after_errors_a_polite_client_adds_to_what_its_person_takes():
    for number in range(50):
        punctual, polite = at(Action.IDENTITY, Manners.PUNCTUAL), at(Action.IDENTITY, Manners.POLITE)
        for tries in range(1, 5):
            plain, added = (step(state, Result.ERROR, number=number) for state in (punctual, polite))
            assert 0.0 <= added.delay_s - plain.delay_s < 2 ** (tries - 1)
            punctual, polite = plain.state, added.state


def test_an_adaptive_client_holds_back_what_would_be_refused_and_waits_as_told():
    """After one refusal half of the clients hold the next request back; no request, the same wait once more."""
    refused = step(at(Action.IDENTITY, Manners.ADAPTIVE), Result.BUSY, retry_after=5.0, now=500.0).state
    memory = throttle.answered(throttle.attempt(FRESH, SEED, 7, 500.0).throttle, Result.BUSY, 5.0, 500.0)
    held = [throttle.attempt(memory, SEED, number, 505.0) for number in range(1000)]
    assert sum(attempt.is_held_back for attempt in held) == pytest.approx(500, abs=60)
    again = held[0].throttle
    assert (again.requests, again.told_s) == (2, 5.0)
    decision = step(refused, Result.BUSY, retry_after=again.told_s, now=505.0)
    assert (decision.action, decision.state.nerves.busy) == (Action.IDENTITY, 2)
    assert 5.0 <= decision.delay_s < 15.0


@pytest.mark.parametrize("manners", Manners)
def test_where_nothing_is_refused_manners_make_no_difference(manners):
    """The same person takes the same way at the same moments."""

    def way(own: Manners) -> list[tuple[int, float]]:
        state, now, taken = journey.start(NORMAL._replace(manners=own, channel=Channel.SMS)), 0.0, []
        while state.action != Action.LEAVE:
            decision = step(state, always_well(state), now=now)
            taken.append((decision.action, decision.delay_s))
            state, now = decision.state, now + decision.delay_s
        return taken

    assert way(manners) == way(Manners.PUNCTUAL)


# ---------------------------------------------------------------- a crowd


@cache
def outage(manners: str) -> Played:
    """200 people within a minute; for two minutes nobody is let in, then 16 requests a second."""
    return play(catalogue.load("prakerja-wave-1"), manners, 200, 60.0, Outage(120.0, 16.0, retry_after=5.0))


def during(played: Played) -> int:
    """Requests while the service refused everything."""
    return played.service.by_minute[0] + played.service.by_minute[1]


def test_naive_clients_offer_a_multiple_of_the_load_of_polite_ones():
    """Same people, same outage: twice and a half the requests while it lasts, and more refused in all."""
    naive, polite, adaptive = outage("naive"), outage("polite"), outage("adaptive")
    assert during(naive) > 2.5 * during(polite)
    assert during(polite) > 2.0 * during(adaptive)
    assert naive.service.refused > 1.5 * polite.service.refused > 1.5 * adaptive.service.refused
    assert adaptive.held_back > 0


def test_with_polite_clients_more_people_get_through():
    """The naive use their patience up on refusals."""
    joined = {manners: outage(manners).fates[Fate.JOINED] for manners in ("naive", "punctual", "polite")}
    assert joined["polite"] > 1.15 * joined["naive"]
    assert joined["polite"] > 1.1 * joined["punctual"]


@pytest.mark.parametrize("manners", Manners)
def test_everybody_ends_once_and_the_same_seed_gives_the_same_night(manners):
    played = outage(manners.name.lower())
    assert played.fates.total() == 200
    night = catalogue.load("prakerja-wave-1")
    again = play(night, manners.name.lower(), 20, 60.0, Outage(120.0, 16.0, retry_after=5.0))
    assert again == play(night, manners.name.lower(), 20, 60.0, Outage(120.0, 16.0, retry_after=5.0))
