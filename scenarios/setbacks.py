"""What an applicant does when an answer is no success: try again, come back when told, return much later, give up.

Part of the machine of scenarios.journey and compiled like it. How long it takes until the next try depends on the
client's manners (scenarios.fates.Manners): a naive one ignores what it is told, sends again at once, and leaves the
rest to its person; a polite one adds a random wait that doubles with every refusal in a row; a punctual one adds none.
Photos have a client of their own (scenarios.uploaders), whatever the manners.
"""

from scenarios.fates import Fate, Manners, Reason
from scenarios.journey_state import Action, Code, Decision, Habits, Nerves, Result, State, leave, next_move
from scenarios.streams import Purpose, log_normal, uniform
from scenarios.uploaders import pause_s
from service.domain.queues import retry_delay_s

NAIVE_REPEATS = 3
"""What HTTP clients do when retries are switched on and nothing else is chosen: three more, without a pause."""
BACKOFF_BASE = 1.0
"""Seconds; the least that a Retry-After names."""
BACKOFF_CAP = 60.0
"""Seconds: the minute after which people ask again for a late code. Nobody looks at a page for longer."""


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
    if result == Result.TIMEOUT:
        return Reason.TIMEOUTS + 0
    if result == Result.BUSY:
        return Reason.BUSY + 0
    if result == Result.SILENCE:
        return Reason.NO_CODE + 0
    if result == Result.WRONG_CODE or result == Result.OLD_CODE:
        return Reason.CODE_REFUSED + 0
    return Reason.ERRORS + 0


def is_repeated(state: State, result: int) -> bool:
    """Whether the client sends the failed request again at once, without its person."""
    if state.traits.manners != Manners.NAIVE or state.nerves.repeats >= NAIVE_REPEATS:
        return False
    return result == Result.BUSY or result == Result.ERROR or result == Result.TIMEOUT


def repeat(state: State) -> Decision:
    """The same request once more, now."""
    old = state.nerves
    nerves = Nerves(old.tries, old.busy, old.retries + 1, old.visits, old.repeats + 1)
    return next_move(state, state.action, nerves, state.code, state.progress, 0.0)


def backoff_s(state: State, seed: int, number: int, failures: int, told_s: float) -> float:
    """What a polite client adds to the wait before the next try: full jitter, doubling with `failures` in a row.

    failures: from 1; told_s: seconds that the service named, which the first draw spreads over, -1 for none.
    """
    if state.traits.manners != Manners.POLITE and state.traits.manners != Manners.ADAPTIVE:
        return 0.0
    base_s = told_s if told_s > BACKOFF_BASE else BACKOFF_BASE
    drawn = uniform(seed, number, Purpose.BACKOFF, state.nerves.retries)
    return retry_delay_s(failures, drawn, base_s, BACKOFF_CAP)


def turn_away(state: State, habits: Habits, seed: int, number: int, action: int, result: int) -> Decision:
    """The end of a visit: come back much later and do `action`, or give up for good."""
    visits = state.nerves.visits + 1
    if state.traits.visits >= 0 and visits >= state.traits.visits:
        return leave(state, Fate.FAILED + 0, complaint(result))
    drawn = uniform(seed, number, Purpose.LONG_RETURN, visits)
    delay_s = log_normal(drawn, habits.return_median_s, habits.return_sigma)
    nerves = Nerves(0, 0, state.nerves.retries + 1, visits, 0)
    return next_move(state, action, nerves, state.code, state.progress, delay_s)


def try_again(state: State, habits: Habits, seed: int, number: int, action: int, result: int) -> Decision:
    """After a failed try: do `action` in a moment, unless the visit's patience is used up."""
    tries = state.nerves.tries + 1
    if tries >= state.traits.tries:
        return turn_away(state, habits, seed, number, action, result)
    drawn = uniform(seed, number, Purpose.SHORT_RETRY, state.nerves.retries)
    delay_s = log_normal(drawn, habits.retry_median_s, habits.retry_sigma)
    delay_s += backoff_s(state, seed, number, tries, -1.0)
    nerves = Nerves(tries, state.nerves.busy, state.nerves.retries + 1, state.nerves.visits, 0)
    return next_move(state, action, nerves, state.code, state.progress, delay_s)


def come_back(state: State, habits: Habits, seed: int, number: int, action: int, retry_after_s: float) -> Decision:
    """After "come back later": obey, until it was said too often."""
    busy = state.nerves.busy + 1
    if busy > habits.busy_limit:
        return turn_away(state, habits, seed, number, action, Result.BUSY + 0)
    delay_s = retry_after_s + backoff_s(state, seed, number, busy, retry_after_s)
    nerves = Nerves(state.nerves.tries, busy, state.nerves.retries + 1, state.nerves.visits, 0)
    return next_move(state, action, nerves, state.code, state.progress, delay_s)


def is_photo(action: int) -> bool:
    """Whether the upload client does it, and goes on by itself after a failure."""
    return action == Action.PHOTO_CREATE or action == Action.PHOTO_SEND or action == Action.PHOTO_HEAD


def photo_failed(state: State, habits: Habits, seed: int, number: int, result: int, told_s: float) -> Decision:
    """A photo is not there yet: the client goes on where it was, or its person tries again, some with another photo."""
    old, uploader = state.nerves, state.traits.uploader
    onward = Action.PHOTO_CREATE + 0 if state.action == Action.PHOTO_CREATE else Action.PHOTO_HEAD + 0
    failures = old.repeats + 1
    delay_s = pause_s(uploader, failures, told_s, uniform(seed, number, Purpose.UPLOAD_PAUSE, old.retries))
    if result != Result.KILLED and delay_s >= 0.0:
        nerves = Nerves(old.tries, old.busy, old.retries + 1, old.visits, failures)
        return next_move(state, onward, nerves, state.code, state.progress, delay_s)
    if uniform(seed, number, Purpose.NEW_PHOTO, old.retries) < habits.new_photo_share:
        onward = Action.PHOTO_CREATE + 0
    if result != Result.KILLED:
        return try_again(state, habits, seed, number, onward, result)
    drawn = uniform(seed, number, Purpose.SHORT_RETRY, old.retries)
    nerves = Nerves(old.tries, old.busy, old.retries + 1, old.visits, 0)
    reopened_s = log_normal(drawn, habits.retry_median_s, habits.retry_sigma)
    return next_move(state, onward, nerves, state.code, state.progress, reopened_s)


def lost(state: State, habits: Habits, seed: int, number: int) -> Decision:
    """What was shown is not known: start again at the step that gives it."""
    action = state.action
    if action == Action.TICKET or action == Action.PLACE or action == Action.CLAIM:
        return try_again(state, habits, seed, number, Action.TICKET + 0, Result.ERROR + 0)
    if action == Action.ACCOUNT:
        return try_again(state, habits, seed, number, Action.CLAIM + 0, Result.ERROR + 0)
    code = Code(state.traits.channel, 0, 0, 0)
    signed_out = next_move(state, Action.CODE + 0, state.nerves, code, state.progress, 0.0)
    return try_again(signed_out.state, habits, seed, number, Action.CODE + 0, Result.ERROR + 0)


RULES = (
    next_move, leave, refusal, complaint, is_repeated, repeat, backoff_s, turn_away, try_again, come_back, is_photo,
    photo_failed, lost,
)  # fmt: skip
"""Every function of setbacks, each after those it calls."""
