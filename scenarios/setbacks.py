"""What an applicant does when an answer is no success: try again, come back when told, return much later, give up.

Part of the machine of scenarios.journey and compiled like it. How long it takes until the next try depends on the
client's manners (scenarios.fates.Manners): a naive one ignores what it is told, sends again at once, and leaves the
rest to its person; a polite one adds a random wait that doubles with every refusal in a row; a punctual one adds none.
Photos have a client of their own (scenarios.uploaders), whatever the manners.
"""

from scenarios.fates import Fate, Furthest, Manners, Reason
from scenarios.journey_state import Action, Code, Decision, Habits, Nerves, Result, State, leave, next_move
from scenarios.returns import comes_for_the_close, is_over, return_s, rush_s
from scenarios.streams import Purpose, log_normal, uniform
from scenarios.uploaders import pause_s
from service.domain.queues import retry_delay_s

NAIVE_REPEATS = 3
"""What HTTP clients do when retries are switched on and nothing else is chosen: three more, without a pause."""
BACKOFF_BASE = 1.0
"""Seconds; the least that a Retry-After names."""
BACKOFF_CAP = 60.0
"""Seconds: the minute after which people ask again for a late code. Nobody looks at a page for longer."""
MOST_MISHAPS = 10
"""Pages, codes, sessions and uploads lost within one stage that end a visit. Each is made good by an answer that works
and restores patience, so these are counted apart: else somebody whose phone always fails would try for ever."""


def refusal(result: int) -> int:
    """The reason that a final answer gives; NONE for any other result."""
    if result == Result.NOT_ELIGIBLE:
        return Reason.NOT_ELIGIBLE + 0
    if result == Result.WAVE_CLOSED:
        return Reason.WAVE_CLOSED + 0
    if result == Result.ADDRESS_TAKEN:
        return Reason.ADDRESS_TAKEN + 0
    if result == Result.NUMBER_TAKEN:
        return Reason.IDENTITY_NUMBER_TAKEN + 0
    if result == Result.REFUSED:
        return Reason.OTHER_REFUSAL + 0
    return Reason.NONE + 0


def complaint(result: int) -> int:
    """The reason for giving up after `result`."""
    if result == Result.WAIT:
        return Reason.LEFT_THE_LINE + 0
    if result == Result.TIMEOUT:
        return Reason.TIMEOUTS + 0
    if result == Result.BUSY:
        return Reason.BUSY + 0
    if result == Result.SILENCE:
        return Reason.NO_CODE + 0
    if result == Result.WRONG_CODE or result == Result.OLD_CODE:
        return Reason.CODE_REFUSED + 0
    if result == Result.KILLED:
        return Reason.PAGE_LOST + 0
    return Reason.ERRORS + 0


def is_repeated(state: State, result: int) -> bool:
    """Whether the client sends the failed request again at once, without its person."""
    if state.traits.manners != Manners.NAIVE or state.nerves.repeats >= NAIVE_REPEATS:
        return False
    return result == Result.BUSY or result == Result.ERROR or result == Result.TIMEOUT


def repeated(nerves: Nerves) -> Nerves:
    """After one request more that the client repeats by itself."""
    return Nerves(nerves.tries, nerves.busy, nerves.retries + 1, nerves.visits, nerves.mishaps, nerves.repeats + 1)


def repeat(state: State) -> Decision:
    """The same request once more, now."""
    return next_move(state, state.action, repeated(state.nerves), state.code, state.progress, 0.0)


def backoff_s(state: State, seed: int, number: int, failures: int, told_s: float) -> float:
    """What a polite client adds to the wait before the next try: full jitter, doubling with `failures` in a row.

    failures: from 1; told_s: seconds that the service named, which the first draw spreads over, -1 for none.
    """
    if state.traits.manners != Manners.POLITE and state.traits.manners != Manners.ADAPTIVE:
        return 0.0
    base_s = told_s if told_s > BACKOFF_BASE else BACKOFF_BASE
    drawn = uniform(seed, number, Purpose.BACKOFF, state.nerves.retries)
    return retry_delay_s(failures, drawn, base_s, BACKOFF_CAP)


def turn_away(state: State, habits: Habits, seed: int, number: int, action: int, result: int, now_s: float) -> Decision:
    """The end of a visit: come back much later and do `action`, or give up for good.

    Who gave up may come once more in the last hours before the close. Some come back with another browser, which has
    neither ticket nor session: they stand in line anew, or sign in to the account that they have.
    """
    visits = state.nerves.visits + 1
    gives_up = state.traits.visits >= 0 and visits >= state.traits.visits
    comes_late = visits == state.traits.visits and comes_for_the_close(habits, seed, number, now_s)
    if is_over(habits, now_s) or (gives_up and not comes_late):
        # Nothing has failed for who was told her place and would not wait: she has gone.
        fate = Fate.ABANDONED + 0 if result == Result.WAIT else Fate.FAILED + 0
        return leave(state, fate, complaint(result))
    delay_s = return_s(habits, seed, number, visits, now_s)
    if gives_up:
        delay_s = rush_s(habits, seed, number, visits, now_s)
    code, browser = state.code, state.browser
    if uniform(seed, number, Purpose.SWITCH, visits) < habits.switch_share:
        code = Code(state.traits.channel, 0, 0, 0)
        browser += 1
        action = Action.TICKET + 0
        if state.progress.furthest >= Furthest.ACCOUNT_CREATED:
            action = Action.CODE + 0
    # Patience with the line is another one on another visit.
    there = State(
        action, state.traits, Nerves(0, 0, state.nerves.retries + 1, visits, 0, 0), code, state.progress, -1.0,
        state.fate, state.reason, browser, state.pages,
    )  # fmt: skip
    return Decision(there, action, delay_s)


def try_again(state: State, habits: Habits, seed: int, number: int, action: int, result: int, now_s: float) -> Decision:
    """After a failed try: do `action` in a moment, unless the visit's patience is used up."""
    old = state.nerves
    tries = old.tries + 1
    if tries >= state.traits.tries:
        return turn_away(state, habits, seed, number, action, result, now_s)
    drawn = uniform(seed, number, Purpose.SHORT_RETRY, old.retries)
    delay_s = log_normal(drawn, habits.retry_median_s, habits.retry_sigma)
    delay_s += backoff_s(state, seed, number, tries, -1.0)
    nerves = Nerves(tries, old.busy, old.retries + 1, old.visits, old.mishaps, 0)
    return next_move(state, action, nerves, state.code, state.progress, delay_s)


def come_back(
    state: State, habits: Habits, seed: int, number: int, action: int, retry_after_s: float, now_s: float
) -> Decision:
    """After "come back later": obey, until it was said too often."""
    old = state.nerves
    busy = old.busy + 1
    if busy > habits.busy_limit:
        return turn_away(state, habits, seed, number, action, Result.BUSY + 0, now_s)
    delay_s = retry_after_s + backoff_s(state, seed, number, busy, retry_after_s)
    nerves = Nerves(old.tries, busy, old.retries + 1, old.visits, old.mishaps, 0)
    return next_move(state, action, nerves, state.code, state.progress, delay_s)


def worn(nerves: Nerves) -> Nerves:
    """After one mishap more."""
    return Nerves(nerves.tries, nerves.busy, nerves.retries, nerves.visits, nerves.mishaps + 1, 0)


def mishap(state: State, habits: Habits, seed: int, number: int, action: int, result: int, now_s: float) -> Decision:
    """Something that was there is lost: a failed try like any other, but for the count that no answer sets back."""
    nerves = worn(state.nerves)
    if nerves.mishaps >= MOST_MISHAPS:
        return turn_away(state, habits, seed, number, action, result, now_s)
    after = next_move(state, state.action, nerves, state.code, state.progress, 0.0).state
    return try_again(after, habits, seed, number, action, result, now_s)


def is_photo(action: int) -> bool:
    """Whether the upload client does it, and goes on by itself after a failure."""
    return action == Action.PHOTO_CREATE or action == Action.PHOTO_SEND or action == Action.PHOTO_HEAD


def photo_failed(
    state: State, habits: Habits, seed: int, number: int, result: int, told_s: float, now_s: float
) -> Decision:
    """A photo is not there yet: the client goes on where it was, or its person tries again, some with another photo."""
    old, uploader = state.nerves, state.traits.uploader
    onward = Action.PHOTO_CREATE + 0 if state.action == Action.PHOTO_CREATE else Action.PHOTO_HEAD + 0
    failures = old.repeats + 1
    delay_s = pause_s(uploader, failures, told_s, uniform(seed, number, Purpose.UPLOAD_PAUSE, old.retries))
    if result != Result.KILLED and delay_s >= 0.0:
        nerves = Nerves(old.tries, old.busy, old.retries + 1, old.visits, old.mishaps, failures)
        return next_move(state, onward, nerves, state.code, state.progress, delay_s)
    if uniform(seed, number, Purpose.NEW_PHOTO, old.retries) < habits.new_photo_share:
        onward = Action.PHOTO_CREATE + 0
    if result != Result.KILLED:
        return mishap(state, habits, seed, number, onward, result, now_s)
    if old.mishaps + 1 >= MOST_MISHAPS:
        return turn_away(state, habits, seed, number, onward, result, now_s)
    drawn = uniform(seed, number, Purpose.SHORT_RETRY, old.retries)
    nerves = Nerves(old.tries, old.busy, old.retries + 1, old.visits, old.mishaps + 1, 0)
    reopened_s = log_normal(drawn, habits.retry_median_s, habits.retry_sigma)
    return next_move(state, onward, nerves, state.code, state.progress, reopened_s)


def lost(state: State, habits: Habits, seed: int, number: int, now_s: float) -> Decision:
    """What was shown is not known: start again at the step that gives it."""
    action = state.action
    if action == Action.TICKET or action == Action.PLACE or action == Action.CLAIM:
        return mishap(state, habits, seed, number, Action.TICKET + 0, Result.ERROR + 0, now_s)
    if action == Action.ACCOUNT:
        return mishap(state, habits, seed, number, Action.CLAIM + 0, Result.ERROR + 0, now_s)
    code = Code(state.traits.channel, 0, 0, 0)
    signed_out = next_move(state, Action.CODE + 0, state.nerves, code, state.progress, 0.0)
    return mishap(signed_out.state, habits, seed, number, Action.CODE + 0, Result.ERROR + 0, now_s)


def refreshes(state: State, habits: Habits, seed: int, number: int) -> bool:
    """Whether `habits.refresh_after_s` of silence make this person refresh the page, whose request stays under way.

    The browser then sends the same request once more, under the same key. Photos have a client of their own, which
    does not; and nobody refreshes while looking out for a message.
    """
    action = state.action
    if is_photo(action) or action == Action.WAIT_CODE or action == Action.LEAVE:
        return False
    occasion = (state.nerves.retries * 32 + action) * 32 + state.progress.answers
    return uniform(seed, number, Purpose.REFRESH, occasion) < habits.refresh_share


RULES = (
    next_move, leave, refusal, complaint, is_repeated, repeated, repeat, backoff_s, turn_away, try_again, come_back,
    worn, mishap, is_photo, photo_failed, lost, refreshes,
)  # fmt: skip
"""Every function of setbacks, each after those it calls."""
