"""When people come back: by the hours of the night's clock, and before the close."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios import catalogue, journey, setbacks
from scenarios.behaviour import habits
from scenarios.fates import Fate, Reason
from scenarios.journey_state import EVEN, Action, Decision, Habits, Hours, Result, State
from scenarios.returns import elapsed_s, return_s
from tests.unit.test_journey import HABITS, NORMAL, until

NIGHT = catalogue.load("prakerja-wave-1")
REAL = habits(NIGHT, 1.0)
CLOSING = HABITS._replace(closes_s=400_000.0, rush_from_s=389_200.0)
DAY = 86_400.0


def waking(own: Habits, start: float, end: float, steps: int = 20_000) -> float:
    """The waking time between two moments, added up in small steps: the definition, by another way."""
    width = (end - start) / steps
    middles = (start + (i + 0.5) * width for i in range(steps))
    return sum(own.hours[int(own.opens_hour + middle / own.hour_s) % 24] for middle in middles) * width


@given(st.floats(0.0, 400_000.0), st.floats(1.0, 200_000.0), st.sampled_from([1.0, 60.0]))
def test_a_return_takes_its_waking_time(now: float, drawn: float, speed: float) -> None:
    """Whatever the hour at which it begins and however fast the night's clock runs."""
    own = habits(NIGHT, 1.0, speed)
    delay = elapsed_s(own, now, drawn)
    assert waking(own, now, now + delay) == pytest.approx(drawn, rel=0.02, abs=30.0)


@given(st.floats(0.0, 400_000.0), st.floats(0.0, 200_000.0))
def test_where_all_hours_are_alike_nothing_changes(now: float, drawn: float) -> None:
    """The negative control."""
    assert elapsed_s(REAL._replace(hours=EVEN), now, drawn) == pytest.approx(drawn, abs=1e-3)
    assert elapsed_s(REAL._replace(hours=Hours(*[0.0] * 24)), now, drawn) == drawn


def test_hours_in_which_nobody_is_awake_are_slept_through() -> None:
    """From 21:00 on all sleep until 6: 75 minutes begun at 20:30 end at 6:45."""
    own = REAL._replace(hours=Hours(*[0.0] * 6, *[1.0] * 15, *[0.0] * 3), opens_hour=20.5)
    assert elapsed_s(own, 0.0, 4500.0) == pytest.approx(10.25 * 3600.0)


def test_by_night_fewer_come_back_than_by_day() -> None:
    """Of those who turn away round the clock, by hour of their return: as the weights have it."""
    counts = [0] * 24
    for number in range(24_000):
        now = number % 24 * 3600.0 + 1800.0
        hour = int(19.0 + (now + return_s(REAL, 1, number, 1, now)) / 3600.0) % 24
        counts[hour] += 1
    # Nobody turns away in proportion to the hours here, so the night is fuller than its weights, yet far below the day.
    assert sum(counts[1:5]) / 4 < 0.45 * sum(counts[9:21]) / 12
    even = [0] * 24
    flat = REAL._replace(hours=EVEN)
    for number in range(24_000):
        now = number % 24 * 3600.0 + 1800.0
        even[int(19.0 + (now + return_s(flat, 1, number, 1, now)) / 3600.0) % 24] += 1
    assert sum(even[1:5]) / 4 == pytest.approx(sum(even[9:21]) / 12, rel=0.1)


# ---------------------------------------------------------------- the close


def fail(state: State, own: Habits, now: float, number: int = 7) -> Decision:
    """What somebody does whose last try of the visit fails at `now`."""
    last = state._replace(nerves=state.nerves._replace(tries=state.traits.tries - 1))
    return journey.step(last, own, 1, number, Result.ERROR, -1.0, now)


def test_who_comes_back_until_the_close_is_there_before_it() -> None:
    """Whoever would be too late comes in the last three hours; nobody comes back after the close."""
    patient = until(Action.PERSONAL, NORMAL._replace(visits=-1))
    for number in range(500):
        decision = fail(patient, CLOSING, 380_000.0, number)
        back = 380_000.0 + decision.delay_s
        assert back < CLOSING.closes_s
        plain = 380_000.0 + fail(patient, HABITS, 380_000.0, number).delay_s
        assert back == plain if plain < CLOSING.closes_s else back >= CLOSING.rush_from_s
    for number in range(100):
        assert fail(patient, CLOSING, 395_000.0, number).delay_s < 5_000.0
    gone = fail(patient, CLOSING, 400_000.0)
    assert (gone.action, gone.state.fate, gone.state.reason) == (Action.LEAVE, Fate.FAILED, Reason.ERRORS)


def test_half_of_those_who_gave_up_come_once_more_in_the_last_hours() -> None:
    """At moments spread over them; whoever fails then is gone for good, and so is who gives up in them."""
    rushing = CLOSING._replace(rush_share=0.5)
    last_visit = until(Action.PERSONAL, NORMAL._replace(visits=1))
    decisions = [fail(last_visit, rushing, 1000.0, number) for number in range(2000)]
    backs = [1000.0 + each.delay_s for each in decisions if each.action != Action.LEAVE]
    assert len(backs) == pytest.approx(1000, abs=90)
    assert CLOSING.rush_from_s <= min(backs) and max(backs) < CLOSING.closes_s
    assert sum(backs) / len(backs) == pytest.approx(394_600.0, abs=400.0)
    came = next(each.state for each in decisions if each.action != Action.LEAVE)
    assert fail(came, rushing, 390_000.0).state.fate == Fate.FAILED
    assert all(fail(last_visit, rushing, 389_200.0, number).action == Action.LEAVE for number in range(100))
    assert all(fail(last_visit, CLOSING, 1000.0, number).action == Action.LEAVE for number in range(100)), "share 0"


# ---------------------------------------------------------------- another browser


def test_some_come_back_with_another_browser() -> None:
    """A fifth here; without an account they stand in line anew, with one they sign in. What was done stays done."""
    switching = HABITS._replace(switch_share=0.2)
    for action, begins in ((Action.CLAIM, Action.TICKET), (Action.WORK, Action.CODE), (Action.ANSWER, Action.CODE)):
        state = until(action)
        decisions = [fail(state, switching, 0.0, number) for number in range(2000)]
        other = [each for each in decisions if each.state.browser == 1]
        assert len(other) == pytest.approx(400, abs=75)
        assert {each.action for each in other} == {begins}
        assert {each.state.progress for each in decisions} == {state.progress}
        assert {each.state.code.signed_in for each in other} == {0}
        assert {each.action for each in decisions if each.state.browser == 0} == {action}
    assert all(fail(state, HABITS, 0.0, number).state.browser == 0 for number in range(200)), "share 0"


def test_an_account_made_from_the_browser_before_is_signed_in_to() -> None:
    """The form was sent and never answered; in another browser the number is taken: by oneself."""
    making = until(Action.ACCOUNT)._replace(browser=1)
    decision = journey.step(making, HABITS, 1, 7, Result.ADDRESS_TAKEN, -1.0, 0.0)
    assert (decision.action, decision.state.fate) == (Action.CODE, 0)
    stranger = journey.step(making._replace(browser=0), HABITS, 1, 7, Result.ADDRESS_TAKEN, -1.0, 0.0)
    assert stranger.state.fate == Fate.REFUSED


def test_who_comes_back_has_another_patience_with_the_line() -> None:
    """The patience with the line of the visit before ended long ago; each visit draws its own."""
    waiting = journey.step(until(Action.TICKET), HABITS, 1, 7, Result.WAIT, 6.0, 10.0).state
    assert waiting.leaves_line_at > 0.0
    there = fail(waiting, HABITS, 20.0)
    assert there.state.leaves_line_at == -1.0
    again = journey.step(there.state, HABITS, 1, 7, Result.WAIT, 6.0, 20.0 + there.delay_s)
    assert again.action == Action.PLACE
    patience = again.state.leaves_line_at - (20.0 + there.delay_s)
    assert patience > 0.0
    assert patience != pytest.approx(waiting.leaves_line_at - 10.0)


# ---------------------------------------------------------------- refreshing


def test_a_page_is_refreshed_by_the_share_of_the_night_and_a_photo_never() -> None:
    half = HABITS._replace(refresh_share=0.5)
    asking = until(Action.PERSONAL)
    refreshed = [setbacks.refreshes(asking, half, 1, number) for number in range(2000)]
    assert sum(refreshed) == pytest.approx(1000, abs=90)
    assert not any(setbacks.refreshes(asking, HABITS, 1, number) for number in range(200)), "share 0"
    everybody = HABITS._replace(refresh_share=1.0)
    for action in (Action.PHOTO_CREATE, Action.PHOTO_SEND, Action.PHOTO_HEAD, Action.WAIT_CODE):
        assert not setbacks.refreshes(asking._replace(action=int(action)), everybody, 1, 7)
    assert setbacks.refreshes(asking, everybody, 1, 7)
