"""The search of a plan: on services whose cheapest set, frontier and tipping point are known."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from scenarios.simulation.planning import around, search, tipping
from scenarios.simulation.planning.knobs import GATE, KNOBS, Values, with_
from scenarios.simulation.planning.search import Standing, cheapest, least_of, once_more, together, unordered
from tests.unit.planned_service import NEEDS, Looked, cost, sizing, slack

PLENTY = {name: knob.at_least(4.0 * NEEDS[name]) for name, knob in KNOBS.items()}


def test_knobs_come_in_steps_of_a_tenth_at_most() -> None:
    for knob in KNOBS.values():
        assert list(knob.steps) == sorted(set(knob.steps))
        assert knob.at_least(513.7) == (520.0 if knob.steps[0] < 1.0 else 514.0)
        assert all(after / before <= 1.1 + 1e-9 for before, after in pairwise(knob.steps) if before >= 10.0)
    assert KNOBS["web"].at_least(1e9) == KNOBS["web"].steps[-1]


@pytest.mark.parametrize("guess", [1.0, 30.0, 31.0, 32.0, 200.0, 1e6])
def test_the_least_amount_is_found_from_any_guess(guess: float) -> None:
    looked = Looked(lambda values: values["web"] - 31.0)
    (found,) = together(looked, [least_of(KNOBS["web"], PLENTY, guess)])
    assert found == 31.0
    assert len(looked.seen) <= 14


def test_what_no_amount_mends_has_no_least() -> None:
    assert together(Looked(lambda values: -1.0), [least_of(KNOBS["web"], PLENTY, 3.0)]) == [None]
    assert together(Looked(lambda values: 1.0), [least_of(KNOBS["web"], PLENTY, 50.0)]) == [1.0]


def test_searches_beside_each_other_find_what_they_find_alone() -> None:
    looked = Looked()
    names = [name for name in KNOBS if name != GATE]
    around_ = with_(PLENTY, GATE, NEEDS[GATE])
    found = together(looked, [least_of(KNOBS[name], around_, PLENTY[name] / 3.0) for name in names])
    assert found == [KNOBS[name].at_least(NEEDS[name]) for name in names]


def test_the_cheapest_set_is_found() -> None:
    """Guesses are a third off; each amount found is the one that was written down, rounded up to a step."""
    looked = Looked()
    found = cheapest(looked, sizing, 90.0, cost, 8.0)
    assert found.values == {name: knob.at_least(NEEDS[name]) for name, knob in KNOBS.items()}
    assert found.values == found.least
    assert len(looked.seen) < 70
    assert not unordered(looked.seen)


def test_where_the_least_of_each_is_too_little_together_something_is_given_back() -> None:
    """A knob may make up for another: no set is found of which a knob could have less, and none below the bound."""

    def shared(values: Values) -> float:
        return min(slack({**values, "web": 1e3, "database": 1e3}), 2.0 * values["web"] + values["database"] - 90.0,
                   values["web"] - 10.0, values["database"] - 10.0)  # fmt: skip

    looked = Looked(shared)
    found = cheapest(looked, sizing, 120.0, cost, 8.0)
    assert found.values is not None
    assert shared(found.values) >= 0.0 and shared(found.least) < 0.0
    for name, knob in KNOBS.items():
        if place := knob.place(found.values[name]):
            assert shared(with_(found.values, name, knob.steps[place - 1])) < 0.0
    assert cost(found.least) <= cost(found.values)


def test_a_night_that_nothing_holds_says_what_is_missed() -> None:
    found = cheapest(Looked(lambda values: values["web"] - 1e5), sizing, 120.0, cost, 4.0)
    assert (found.values, found.worst) == (None, "came_joined_ratio")
    assert found.plenty["web"] == KNOBS["web"].at_least(sizing(480.0)["web"] * 4.0)


def test_the_search_goes_on_from_what_it_knew_when_more_becomes_known() -> None:
    """Other people need one database core and a wider gate more: nothing is looked at below what was needed before."""
    needed = {name: knob.at_least(NEEDS[name]) for name, knob in KNOBS.items()}
    known = cheapest(Looked(), sizing, 90.0, cost, 8.0)
    looked = Looked(lambda values: min(slack(values), values["database"] - 18.0, values[GATE] - 121.0))
    found = once_more(looked, known, PLENTY, cost)
    assert found.values == {
        **needed,
        "database": 19.0,
        GATE: 130.0,
        "web": 34.0,
        "inspectors": 10.0,
        "email": 57.0,
        "sms": 25.0,
    }
    assert all(values[name] >= needed[name] for values, _ in looked.seen for name in KNOBS)
    assert len(looked.seen) < 30
    nothing = once_more(Looked(lambda values: -1.0), known, PLENTY, cost)
    assert (nothing.values, nothing.worst) == (None, "came_joined_ratio")


def test_sets_of_which_the_larger_does_worse_are_told() -> None:
    """A service that is slower with more than 40 web processes is no service for halving: it is said."""
    looked = Looked(lambda values: min(slack(values), 40.0 - values["web"]))
    narrow = with_(PLENTY, GATE, NEEDS[GATE])
    looked([with_(narrow, "web", 35.0), with_(narrow, "web", 41.0)])
    ((smaller, larger),) = unordered(looked.seen)
    assert (smaller["web"], larger["web"]) == (35.0, 41.0)


# ------------------------------------------------------------ around a set


def test_what_most_hangs_on_comes_first() -> None:
    """People are lost in proportion to what is missing of the database, and of nothing else."""
    needed = {name: knob.at_least(NEEDS[name]) for name, knob in KNOBS.items()}

    def seen(sets: Sequence[Values]) -> list[around.Seen]:
        joined = [round(10_000 * min(1.0, values["database"] / 17.0) ** 3) for values in sets]
        return [around.Seen(Standing(each == 10_000, 0.0, "came_joined_ratio"), each) for each in joined]

    found = around.sensitivities(needed, 10_000, seen)
    assert found[0].knob == "database"
    assert found[0].elasticity == pytest.approx(3.0, rel=0.01)
    assert [change.holds for change in found[0].changes] == [False, False, True, True]
    assert all(one.elasticity == 0.0 for one in found[1:])


def test_a_frontier_is_the_least_of_one_for_each_of_the_other() -> None:
    needed = {name: knob.at_least(NEEDS[name]) for name, knob in KNOBS.items()}
    plenty = {name: knob.at_least(9.0 * NEEDS[name]) for name, knob in KNOBS.items()}
    looked = Looked()
    (found,) = around.frontiers([(GATE, "web")], needed, needed, lambda gate: with_(plenty, GATE, gate), looked)
    assert [x for x, _ in found.points] == [120.0, 150.0, 180.0, 240.0]
    assert [y for _, y in found.points] == [31.0, 39.0, 47.0, 62.0]
    assert found.exchange == pytest.approx(-(39.0 - 31.0) / (150.0 - 120.0))  # more let in needs more, it saves nothing
    assert around.worth(found, {GATE: 0.0, "web": 1.0}) is None


# ------------------------------------------------------------ blows


def struck(tips_s: float) -> Callable[[Sequence[tipping.Struck]], list[tipping.Blow]]:
    return lambda blows: [tipping.Blow(length > tips_s, 0.2 if length > tips_s else 0.01, None) for *_, length in blows]


@pytest.mark.parametrize("tips_s", [3.0, 47.0, 137.0, 4_000.0, 20_000.0])
def test_the_shortest_blow_that_tips_is_found_within_a_tenth(tips_s: float) -> None:
    (found,) = together(struck(tips_s), [tipping.shortest("web", False, True, 60.0)])
    assert found.tips_s is not None and found.survives_s <= tips_s < found.tips_s
    assert found.tips_s <= max(1.1 * found.survives_s, found.survives_s + 1.0)
    assert found.ordered


def test_a_night_that_nothing_tips_or_that_tips_by_itself() -> None:
    (never,) = together(struck(1e9), [tipping.shortest("web", False, True, 60.0)])
    assert (never.tips_s, never.survives_s) == (None, tipping.LONGEST_S)
    (alone,) = together(struck(-1.0), [tipping.shortest("web", False, False, 60.0)])
    assert (alone.tips_s, alone.survives_s, len(alone.tried)) == (0.0, 0.0, 1)


def test_luck_near_the_edge_is_told() -> None:
    """A blow of 60 s tips and one of 240 s does not: halves cannot be trusted, and it is said."""
    tried = tuple((length, tipping.Blow(length == 60.0, 0.0, None)) for length in (0.0, 60.0, 240.0))
    told = tipping.Tip("web", False, True, 60.0, 60.0, 0.0, tried)
    assert not told.ordered
    assert search.unordered([]) == []
