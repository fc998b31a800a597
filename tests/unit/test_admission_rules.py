"""The slow loop at the gate: what strains a stage, what is cut, how the rate comes back, when nobody can see."""

from itertools import pairwise

import pytest

from service.domain import admission as rules
from service.domain.admission import Choice, Load
from service.domain.slow_loop import FARTHEST, REACH, Seen, SlowLoop
from service.domain.stage_figures import StageTotal

MOST = 100.0


def seen(
    *, codes: float = 0.0, done: float = 50.0, refused: float = 0.0, late: float = 0.0, replicas: int = 1,
    identity: float = 0.0, closes_in: float = 1e6, photos: float = 0.0, taken: float = 10.0,
) -> Seen:  # fmt: skip
    def total(stage: str, *, used: float = 0.0, done: float = 0.0, refused: float = 0.0) -> StageTotal:
        return StageTotal(stage, replicas, used, 0.0, done, refused)

    totals = [
        total("steps", done=400.0, refused=refused), total("steps_late", done=late), total("email", done=done),
        total("identity", done=15.0), total("photo_intake", used=photos, done=taken),
    ]  # fmt: skip
    return Seen({each.stage: each for each in totals}, {"email": codes, "identity": identity}, closes_in)


def looks(loop: SlowLoop, *what: Seen | None, used: float = MOST) -> list[float]:
    """The rates after looks at all of these, five seconds apart."""
    at = loop._at
    return [loop.look(at + rules.EVERY * (n + 1), each, used, MOST).rate_per_s for n, each in enumerate(what)]


def test_a_line_is_judged_by_the_time_people_stand_in_it() -> None:
    """300 codes at 50/s are six seconds: twice what is allowed; it grew by 10/s, so five sixths of what comes fits.
    At the next look 345 will wait, some new ones not counted."""
    load = rules.load_of_line(300.0, 10.0, 50.0, rules.CODE_LIMIT, rules.DRAIN_S)
    assert load.strain == pytest.approx(345.0 / 51.0 / 3.0)
    assert load.fits == pytest.approx(5.0 / 6.0)
    assert load.clears == pytest.approx((50.0 - (300.0 - 75.0) / rules.DRAIN_S) / 60.0)


def test_a_line_in_which_nothing_ends_keeps_up_with_nobody() -> None:
    load = rules.load_of_line(60.0, 10.0, 0.0, rules.CODE_LIMIT, rules.DRAIN_S)
    assert load.strain > 1.0
    assert load.fits == load.clears == 0.0


def test_hardly_anybody_is_no_strain() -> None:
    assert rules.load_of_line(2.0, 0.4, 0.2, rules.CODE_LIMIT, rules.DRAIN_S).strain < 1.0
    assert rules.load_of_answers(1.0, 0.2, 0.0, 0.0).strain < 1.0
    assert rules.load_of_answers(100.0, 20.0, 0.0, 0.0).strain > 1.0


def test_who_was_refused_counts_once() -> None:
    """While refusals grow all of them are new; when they shrink they are the same people again."""
    assert rules.load_of_answers(50.0, 0.0, 50.0, 5.0).fits == pytest.approx(0.5)
    assert rules.load_of_answers(50.0, 0.0, 50.0, -2.0).fits > 1.0


@pytest.mark.parametrize(("strain", "left"), [(1.1, 0.78), (2.0, 0.6), (9.0, 0.4)])
def test_a_look_is_trusted_with_a_cut_by_the_strain(strain: float, left: float) -> None:
    assert rules.bound_per_s(Load(strain, 0.1, 0.1), 10.0) == pytest.approx(10.0 * left)
    assert rules.bound_per_s(Load(0.9, 0.1, 0.1), 10.0) == -1.0
    assert rules.bound_per_s(Load(strain, 1.2, 1.1), 10.0) == -1.0


def test_the_way_back_is_short_and_the_way_beyond_careful() -> None:
    choice, rates = Choice(20.0, 50.0, 0.0), []
    for _ in range(40):
        choice = rules.risen(choice, 30.0, choice.rate_per_s, MOST, rules.EVERY)
        rates.append(choice.rate_per_s)
    assert rates[8] > 45.0  # 40 s
    assert all(after <= 1.1001 * before for before, after in pairwise(rates))
    assert rates[-1] == pytest.approx(50.0 * (1.0 + rules.PROOF * 200.0 / 30.0), rel=0.02) or rates[-1] < MOST
    far = Choice(50.0, 50.0, 0.0)
    for _ in range(60):
        far = rules.risen(far, 300.0, far.rate_per_s, MOST, rules.EVERY)
    assert far.rate_per_s <= 50.0 * (1.0 + rules.PROOF) + 1e-9  # one reach later


def test_a_short_line_that_grows_is_no_strain_yet() -> None:
    assert rules.load_of_line(60.0, 50.0, 50.0, rules.CODE_LIMIT, rules.DRAIN_S).strain < rules.CALM


def test_a_stage_minutes_away_keeps_up_with_what_came_and_ended_there() -> None:
    assert rules.kept_up_per_s(0.0, 9.0, 5.0, 5.0, False, 5.0) == 9.0  # nothing is known yet
    assert rules.kept_up_per_s(9.0, 12.0, 2.0, 8.0, True, 5.0) == 12.0  # it fills, and nobody waits
    assert rules.kept_up_per_s(12.0, 9.0, 0.0, 8.0, True, 5.0) == 12.0  # fewer came, and say nothing of more
    assert rules.kept_up_per_s(12.0, 12.0, 2.0, 8.0, False, 1e9) == pytest.approx(9.6)
    assert rules.kept_up_per_s(12.0, 12.0, 2.0, 8.0, False, 30.0) == pytest.approx(11.76)


def test_people_on_their_way_count_as_in_line() -> None:
    """A tenth too many for five minutes are half a minute of line: they are seen before they are there."""
    ahead = rules.line_ahead_s(20.0, 11.0, 10.0, 300.0)
    assert ahead == pytest.approx(50.0)
    assert rules.aim_per_s(10.0, ahead, 45.0, 300.0) < 10.0 < rules.aim_per_s(10.0, 20.0, 45.0, 300.0)
    assert rules.aim_per_s(10.0, 45.0 * rules.STEADY, 45.0, 300.0) == 10.0
    assert rules.aim_per_s(10.0, 1e6, 45.0, 300.0) == 10.0 * rules.STRONGEST_CUT


HOUR = 720
"""Looks."""


def far_night() -> tuple[list[float], list[float]]:
    """Two hours of (rates, seconds of line) at an intake of photos 260 s behind the gate, planned a fifth too low.

    It keeps up with 12 people a second, and from the second hour on with 9.
    """
    delay, rates, lines = 52, [9.5], []
    loop, line, way = SlowLoop(rates[0], 0.0), 0.0, [0.0] * delay
    for number in range(2 * HOUR):
        capacity = 12.0 if number < HOUR else 9.0
        way.append(rates[-1])
        line += way[number] * rules.EVERY
        done = min(line / (20.0 + rules.EVERY), capacity)  # everybody needs twenty seconds there
        line -= done * rules.EVERY
        look = seen(photos=line, taken=done)
        rates.append(loop.look(rules.EVERY * (number + 1), look, rates[-1], MOST).rate_per_s)
        lines.append(line / capacity)
    assert loop.binding == "photo_intake"
    return rates, lines


def test_a_stage_minutes_away_is_used_and_not_overrun() -> None:
    """Found within the hour; after the loss the line is worked off once, and the stage never idles again."""
    rates, lines = far_night()
    assert rates[HOUR - 1] == pytest.approx(12.0, rel=0.02)
    assert max(lines[:HOUR]) <= 1.1 * rules.PHOTOS_LIMIT
    assert min(lines[HOUR - 240 :]) > 1.25 * 20.0
    assert max(rates[HOUR + 240 :]) <= 9.0 and rates[-1] == pytest.approx(9.0, rel=0.02)


def test_without_the_people_on_their_way_the_far_stage_would_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who strain it are in already, and would be cut for again and again."""
    monkeypatch.setattr(rules, "line_ahead_s", lambda line, on_way, kept_up, reach: line)
    rates, lines = far_night()
    assert min(lines[HOUR:]) < 20.0
    assert max(rates[HOUR + 240 :]) > 1.05 * 9.0


def test_another_stage_that_is_strained_holds_what_the_far_one_would_raise() -> None:
    def strained(codes: float) -> list[float]:
        loop = SlowLoop(10.0, 0.0)
        return looks(loop, *[seen(codes=codes, photos=220.0, taken=7.5) for _ in range(30)], used=10.0)

    assert strained(0.0)[-1] > 10.0 > strained(110.0)[-1]


def test_a_rate_that_nobody_uses_does_not_rise() -> None:
    assert rules.risen(Choice(20.0, 50.0, 0.0), 30.0, 5.0, MOST, rules.EVERY).rate_per_s == 20.0


def test_codes_that_wait_cut_the_rate_once_for_the_people_on_their_way() -> None:
    loop = SlowLoop(MOST, 0.0)
    rates = looks(loop, seen(), *[seen(codes=250.0 * n) for n in range(1, 6)])
    assert rates[0] == MOST
    assert 0.39 * MOST <= rates[-1] < 0.6 * MOST
    assert looks(loop, *[seen(codes=1500.0 + 250.0 * n) for n in range(3)]) == pytest.approx([rates[-1]] * 3)


def test_identity_binds_only_when_it_would_end_after_the_close() -> None:
    """10,000 checks at 15/s take eleven minutes."""
    for closes_in, bound in ((3600.0, False), (300.0, True)):
        loop = SlowLoop(MOST, 0.0)
        several = [seen(identity=10_000.0 + 500.0 * n, closes_in=closes_in) for n in range(16)]
        assert (looks(loop, *several)[-1] < 0.9 * MOST) is bound


def test_the_rate_is_held_when_nothing_is_seen() -> None:
    """Figures that cannot be read, no worker, and one replica of two: whatever the others say."""
    loop = SlowLoop(50.0, 0.0)
    blind = [None, Seen({}, {}, 1e6), *[seen()] * 0]
    assert looks(loop, *blind, used=50.0) == [50.0, 50.0]
    assert looks(loop, seen(replicas=2), seen(replicas=2), used=50.0)[-1] > 50.0
    before = loop._choice.rate_per_s
    assert looks(loop, seen(replicas=1, codes=900.0), seen(replicas=1, codes=1900.0), used=50.0) == [before, before]
    assert loop.look(loop._at + 5.0, None, 50.0, MOST).blind


def test_a_limit_that_is_lowered_holds_at_once() -> None:
    loop = SlowLoop(50.0, 0.0)
    assert loop.look(5.0, seen(), 50.0, 10.0).rate_per_s == 10.0


def test_a_standstill() -> None:
    assert rules.stands_still(1, 5.0, 5.0)
    assert not rules.stands_still(0, 99.0, 5.0)  # nobody waits
    assert not rules.stands_still(5, 4.9, 5.0)
    assert not rules.stands_still(5, 99.0, 0.0)  # paused
    assert not rules.stands_still(5, 20.0, 0.1)  # a slow gate
    assert rules.stands_still(5, 30.0, 0.1)


def test_what_is_remembered_is_bounded() -> None:
    loop = SlowLoop(50.0, 0.0)
    looks(loop, *[seen()] * 400)
    assert len(loop._came) <= FARTHEST / rules.EVERY + 2
    assert len(loop._looks) <= 60.0 / rules.EVERY + 3
    assert max(REACH.values()) == FARTHEST


def test_what_was_measured_in_a_storm_is_left_behind_when_all_has_been_calm_for_long() -> None:
    """Codes that pile up for minutes teach the loop a tenth of what they bear. What comes and passes for fifteen
    minutes is known to be borne: an hour later the rate is free, where 6 % of the first measure for each three minutes
    would have brought it to little more than twice as much."""
    loop = SlowLoop(MOST, 0.0)
    storm = [seen(codes=600.0 * n, done=1.0) for n in range(1, 80)]
    measured = looks(loop, *storm)[-1]
    assert measured < MOST / 5.0
    calm = looks(loop, *[seen()] * 720)
    assert calm[int(900 / rules.EVERY)] < 1.5 * measured
    assert calm[-1] > 4.0 * measured
