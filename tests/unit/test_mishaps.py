"""Pages that phones lose, codes typed too late; and that everybody comes to an end, whatever keeps going wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios import journey
from scenarios.fates import Channel, Fate, Furthest, Manners, Reason
from scenarios.journey_state import Action, Decision, Habits, Result, State, Traits
from scenarios.setbacks import MOST_MISHAPS
from scenarios.uploaders import Uploader
from service.domain.codes import life_s
from tests.unit.test_journey import HABITS, NORMAL, travel, until
from tests.unit.test_journey_properties import possible

SHORT = NORMAL._replace(low_memory=1)
"""Of somebody whose phone is short of memory."""
LOSING = HABITS._replace(page_lost_share=0.3)
PEOPLE = 1000


def opened(state: State, own: Habits, number: int) -> Decision:
    """What follows when all goes well at `state`."""
    result = Result.DELIVERED if state.action == Action.WAIT_CODE else Result.OK
    return journey.step(state, own, 1, number, result, -1.0, 0.0)


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize(
    ("before", "usual", "reopens_with"),
    [(Action.PROGRAM, Action.PHOTO_CREATE, Action.REOPEN), (Action.WAIT_CODE, Action.SESSION, Action.CODE)],
)
def test_camera_and_messages_cost_some_phones_the_page(before, usual, reopens_with):
    """Three in ten here: with a session the status page is opened again, without one a new code is asked for."""
    state = until(before, SHORT)
    decisions = [opened(state, LOSING, number) for number in range(PEOPLE)]
    lost = [each for each in decisions if each.state.pages == 1]
    assert len(lost) == pytest.approx(300, abs=60)
    assert {each.action for each in lost} == {reopens_with}
    assert {each.action for each in decisions if each.state.pages == 0} == {usual}
    assert {(each.state.nerves.tries, each.state.nerves.mishaps) for each in lost} == {(1, 1)}
    assert all(each.delay_s > 0.0 for each in lost)


@pytest.mark.parametrize(("own", "traits"), [(HABITS, SHORT), (LOSING, NORMAL)], ids=["share 0", "enough memory"])
def test_nobody_else_loses_a_page(own, traits):
    """The negative controls."""
    for before in (Action.PROGRAM, Action.WAIT_CODE):
        state = until(before, traits)
        assert all(opened(state, own, number).state.pages == 0 for number in range(200))


def test_from_the_status_page_one_goes_on_where_one_was():
    """The photo is taken again, or the code asked for again; nothing that was saved is typed again."""
    for before, onward in ((Action.PROGRAM, Action.PHOTO_CREATE), (Action.WAIT_CODE, Action.CODE)):
        state = until(before, SHORT)
        if before == Action.WAIT_CODE:  # the second code, of somebody who is signed in
            state = until(Action.PHONE, SHORT)._replace(action=int(Action.WAIT_CODE))
        decision = next(
            each for each in (opened(state, LOSING, n) for n in range(PEOPLE)) if each.action == Action.REOPEN
        )
        again = journey.step(decision.state, HABITS, 1, 7, Result.OK, -1.0, 0.0)
        assert (again.action, again.state.progress) == (onward, decision.state.progress)


def test_a_phone_that_loses_every_page_ends_a_visit_like_any_failure():
    """The status page works each time, yet restores no patience; and at last people name the reason."""
    state = until(Action.PROGRAM, SHORT._replace(tries=5, visits=1))
    way = []
    while state.action != Action.LEAVE:
        state = opened(state, HABITS._replace(page_lost_share=1.0), 7).state
        way.append(state.action)
    assert way == [Action.REOPEN] * 4 + [Action.LEAVE]
    assert (state.fate, state.reason, state.pages) == (Fate.FAILED, Reason.PAGE_LOST, 5)


def test_most_get_through_all_the_same():
    """A few pages lost on the way delay people and make nobody fail who has some patience."""
    ends = [travel(always, SHORT, LOSING, number)[-1].state for number in range(150)]
    assert [end.fate for end in ends].count(Fate.JOINED) > 140
    assert sum(end.pages for end in ends) > 100


def always(state: State) -> Result:
    return Result.DELIVERED if state.action == Action.WAIT_CODE else Result.OK


# ---------------------------------------------------------------- late codes


@pytest.mark.parametrize("channel", Channel)
def test_some_type_a_code_only_when_it_has_expired(channel):
    """As long after the message as it lives, and the typing on top; in real seconds whatever the pace."""
    waiting = until(Action.WAIT_CODE, NORMAL._replace(channel=int(channel)))
    late = HABITS._replace(late_typing_share=0.1)
    pairs = [(opened(waiting, late, number), opened(waiting, HABITS, number)) for number in range(PEOPLE)]
    extra = [round(slow.delay_s - plain.delay_s, 6) for slow, plain in pairs]
    assert set(extra) == {0.0, life_s(channel)}
    assert extra.count(life_s(channel)) == pytest.approx(100, abs=35)
    assert {slow.action for slow, _ in pairs} == {Action.SESSION}


def test_an_expired_code_is_asked_for_anew_and_so_often_only():
    """Each new code is sent well, which restores patience; still somebody who is always late stops in the end."""
    state, codes = until(Action.WAIT_CODE, NORMAL._replace(visits=1)), 0
    while state.action != Action.LEAVE:
        result = Result.OLD_CODE if state.action == Action.SESSION else always(state)
        state = journey.step(state, HABITS, 1, 7, result, -1.0, 0.0).state
        codes += state.action == Action.CODE
    assert codes == MOST_MISHAPS - 1
    assert (state.fate, state.reason) == (Fate.FAILED, Reason.CODE_REFUSED)


def test_a_completed_stage_lets_mishaps_be_forgotten():
    state = until(Action.SESSION)
    state = state._replace(nerves=state.nerves._replace(mishaps=MOST_MISHAPS - 1))
    assert opened(state, HABITS, 7).state.nerves.mishaps == 0


# ---------------------------------------------------------------- slower people


def test_who_takes_longer_takes_longer_over_everything_but_the_test():
    """The test has a countdown that is the same for all."""
    slow = NORMAL._replace(think_factor=3.0)
    for action in (Action.CLAIM, Action.WAIT_CODE, Action.IDENTITY, Action.PROGRAM, Action.LOOK):
        there, plain = opened(until(action, slow), HABITS, 7), opened(until(action), HABITS, 7)
        assert there.delay_s == pytest.approx(3.0 * plain.delay_s) and plain.delay_s > 0.0
    assert opened(until(Action.ANSWER, slow), HABITS, 7).delay_s == opened(until(Action.ANSWER), HABITS, 7).delay_s


# ---------------------------------------------------------------- an end for everybody

WORST = HABITS._replace(
    closes_s=30_000.0, rush_from_s=20_000.0, rush_share=1.0, switch_share=1.0, page_lost_share=1.0,
    late_typing_share=1.0,
)  # fmt: skip
"""Whatever people can do to themselves, all of them do every time."""
LONGEST = 5_000
"""Actions from any state to the end. Most are those of an upload to a service that takes no byte: two requests each of
sixty tries in a row, ten times a visit, in as many visits as there is time for until the close."""
KINDS = [
    Result.OK, Result.ERROR, Result.TIMEOUT, Result.BUSY, Result.LOST, Result.OLD_CODE, Result.WRONG_CODE,
    Result.SILENCE, Result.PARTIAL, Result.GONE, Result.KILLED,
]  # fmt: skip
EVERYBODY = st.builds(
    Traits,
    tries=st.sampled_from([1, 2, 5, 10]),
    visits=st.sampled_from([-1, 1, 3]),
    channel=st.sampled_from([int(each) for each in Channel]),
    mistyped=st.integers(0, 1),
    manners=st.sampled_from([int(each) for each in Manners]),
    uploader=st.sampled_from([int(each) for each in Uploader]),
    low_memory=st.integers(0, 1),
    think_factor=st.sampled_from([1.0, 3.0]),
)


@settings(max_examples=60)
@given(traits=EVERYBODY, number=st.integers(0, 2**30), own=st.sampled_from([HABITS, WORST]), data=st.data())
def test_everybody_comes_to_an_end(traits, number, own, data):
    """After any beginning, if from then on one thing keeps happening wherever it can: in a bounded number of steps."""
    own = own._replace(closes_s=WORST.closes_s, rush_from_s=WORST.rush_from_s)
    state, now = journey.start(traits), 0.0
    for _ in range(data.draw(st.integers(0, 40))):
        if state.action == Action.LEAVE:
            break
        decision = journey.step(state, own, 1, number, data.draw(st.sampled_from(possible(state.action))), 5.0, now)
        state, now = decision.state, now + decision.delay_s
    kind, steps = data.draw(st.sampled_from(KINDS)), 0
    while state.action != Action.LEAVE:
        result = kind if kind in possible(state.action) else always(state)
        decision = journey.step(state, own, 1, number, result, 5.0, now)
        state, now, steps = decision.state, now + decision.delay_s, steps + 1
        assert steps < LONGEST, f"{traits}, {number}, {kind!r}: {state}"
    assert state.fate in (Fate.JOINED, Fate.ABANDONED, Fate.FAILED)
    assert (state.fate == Fate.JOINED) == (state.progress.furthest == Furthest.WAVE_JOINED)
