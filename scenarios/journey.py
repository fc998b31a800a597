"""One applicant as a pure machine: the last result in, the next action and the delay before it out.

Two drivers run it: the swarm (loadtests/applicant.py) over HTTP, the simulation over virtual time. It knows no clock,
socket or random stream: time comes in as an argument, every draw is a function of (seed, applicant, purpose, attempt).
The order of the stages and the think times are those of FACTS 1.5, retries, returns and resends those of FACTS 5.2.

What people do by themselves (thinking, typing, long returns) is divided by the pace; reactions to the system (polls,
Retry-After, short retries, the patience with a late code or a long line) stay real.

Everything here is compiled by numba as it stands (DESIGN section 2, compiled rules). An enum member plus 0 is a plain
integer: numba keeps the two apart, and a state holds integers only.
"""

from scenarios.fates import Channel, Fate, Furthest, Reason
from scenarios.journey_state import (
    ANSWERS,
    PHOTOS,
    Action,
    Code,
    Decision,
    Manners,
    Nerves,
    Progress,
    Result,
    State,
    Traits,
)
from scenarios.streams import Purpose, log_normal, uniform


def start(traits: Traits) -> State:
    """The state of somebody who has just opened the site; the first action is a ticket."""
    return State(
        Action.TICKET + 0,
        traits,
        Nerves(0, 0, 0, 0),
        Code(traits.channel, 0, 0, 0),
        Progress(Furthest.NONE + 0, 0, 0, traits.mistyped),
        -1.0,
        0,
        0,
    )


def next_move(state: State, action: int, nerves: Nerves, code: Code, progress: Progress, delay_s: float) -> Decision:
    """The decision to do `action` after `delay_s`, with the parts of the state that changed."""
    changed = State(action + 0, state.traits, nerves, code, progress, state.leaves_line_at, state.fate, state.reason)
    return Decision(changed, action + 0, delay_s)


def leave(state: State, fate: int, reason: int) -> Decision:
    """The end of the way."""
    final = State(
        Action.LEAVE + 0,
        state.traits,
        state.nerves,
        state.code,
        state.progress,
        state.leaves_line_at,
        fate + 0,
        reason + 0,
    )
    return Decision(final, Action.LEAVE + 0, 0.0)


def think_median_s(manners: Manners, action: int) -> float:
    """Median of the time people take before `action`; 0 where the page goes on by itself."""
    if action == Action.ANSWER:
        return manners.answer_s
    if action == Action.ACCOUNT:
        return manners.account_s
    if action == Action.SESSION:
        return manners.code_s
    if action == Action.IDENTITY or action == Action.CORRECT:
        return manners.identity_s
    if action == Action.PERSONAL or action == Action.WORK or action == Action.PROGRAM:
        return manners.profile_step_s
    if action == Action.PHOTO_CREATE:
        return manners.photo_s
    if action == Action.PHONE:
        return manners.phone_s
    if action == Action.JOIN:
        return manners.join_s
    return 0.0


def think_s(manners: Manners, seed: int, number: int, action: int, part: int) -> float:
    """The time this applicant takes before `action`; `part` counts where an action is repeated."""
    median = think_median_s(manners, action)
    if median == 0.0:
        return 0.0
    if action == Action.ANSWER:
        return log_normal(uniform(seed, number, Purpose.ANSWER, part), median, manners.think_sigma)
    return log_normal(uniform(seed, number, Purpose.THINK, action * 100 + part), median, manners.think_sigma)


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


def calmed(nerves: Nerves) -> Nerves:
    """An answer that worked restores patience."""
    return Nerves(0, 0, nerves.retries, nerves.visits)


def action_after(progress: Progress) -> int:
    """Where a signed-in applicant goes on, by what is done already."""
    if progress.furthest < Furthest.IDENTITY_SUBMITTED:
        return Action.IDENTITY + 0
    if progress.furthest < Furthest.PROFILE_COMPLETED:
        return Action.PERSONAL + 0
    if progress.furthest < Furthest.PHOTOS_UPLOADED:
        return Action.PHOTO_CREATE + 0
    if progress.furthest < Furthest.PHONE_VERIFIED:
        return Action.CODE + 0
    if progress.furthest < Furthest.ASSESSED:
        return Action.ASSESSMENT + 0
    return Action.LOOK + 0


def go_on(
    state: State, manners: Manners, seed: int, number: int, action: int, code: Code, progress: Progress, part: int
) -> Decision:
    """After an answer that worked: think, then do `action`; some leave by themselves where a stage is completed."""
    if progress.furthest > state.progress.furthest and progress.furthest >= Furthest.ACCOUNT_CREATED:
        drawn = uniform(seed, number, Purpose.GIVE_UP, progress.furthest)
        if drawn < manners.leave_share and progress.furthest < Furthest.WAVE_JOINED:
            there = next_move(state, action, calmed(state.nerves), code, progress, 0.0)
            return leave(there.state, Fate.ABANDONED + 0, Reason.LOST_INTEREST + 0)
    delay_s = think_s(manners, seed, number, action, part)
    return next_move(state, action, calmed(state.nerves), code, progress, delay_s)


def turn_away(state: State, manners: Manners, seed: int, number: int, action: int, result: int) -> Decision:
    """The end of a visit: come back much later and do `action`, or give up for good."""
    visits = state.nerves.visits + 1
    if state.traits.visits >= 0 and visits >= state.traits.visits:
        return leave(state, Fate.FAILED + 0, complaint(result))
    drawn = uniform(seed, number, Purpose.LONG_RETURN, visits)
    delay_s = log_normal(drawn, manners.return_median_s, manners.return_sigma)
    nerves = Nerves(0, 0, state.nerves.retries + 1, visits)
    return next_move(state, action, nerves, state.code, state.progress, delay_s)


def try_again(state: State, manners: Manners, seed: int, number: int, action: int, result: int) -> Decision:
    """After a failed try: do `action` in a moment, unless the visit's patience is used up."""
    tries = state.nerves.tries + 1
    if tries >= state.traits.tries:
        return turn_away(state, manners, seed, number, action, result)
    drawn = uniform(seed, number, Purpose.SHORT_RETRY, state.nerves.retries)
    delay_s = log_normal(drawn, manners.retry_median_s, manners.retry_sigma)
    nerves = Nerves(tries, state.nerves.busy, state.nerves.retries + 1, state.nerves.visits)
    return next_move(state, action, nerves, state.code, state.progress, delay_s)


def come_back(state: State, manners: Manners, seed: int, number: int, action: int, retry_after_s: float) -> Decision:
    """After "come back later": obey, until it was said too often."""
    busy = state.nerves.busy + 1
    if busy > manners.busy_limit:
        return turn_away(state, manners, seed, number, action, Result.BUSY + 0)
    nerves = Nerves(state.nerves.tries, busy, state.nerves.retries + 1, state.nerves.visits)
    return next_move(state, action, nerves, state.code, state.progress, retry_after_s)


def look_out(state: State, manners: Manners, sends: int) -> Decision:
    """A message was asked for: look out for it."""
    code = Code(state.code.channel, sends, state.code.silences, state.code.signed_in)
    return next_move(state, Action.WAIT_CODE + 0, calmed(state.nerves), code, state.progress, manners.late_code_s)


def stand_in_line(
    state: State, manners: Manners, seed: int, number: int, retry_after_s: float, now_s: float
) -> Decision:
    """Not called yet: look again when told to, or leave the line when patience is at its end."""
    action = state.action
    leaves_line_at = state.leaves_line_at
    progress = state.progress
    if action == Action.TICKET:
        action = Action.PLACE + 0
        progress = reached(progress, Furthest.TICKETED + 0)
    if leaves_line_at < 0.0:
        drawn = uniform(seed, number, Purpose.GIVE_UP, Furthest.NONE)
        leaves_line_at = now_s + log_normal(drawn, manners.line_median_s, manners.line_sigma)
    if now_s >= leaves_line_at:
        return leave(state, Fate.ABANDONED + 0, Reason.LEFT_THE_LINE + 0)
    changed = State(
        action, state.traits, calmed(state.nerves), state.code, progress, leaves_line_at, state.fate, state.reason
    )
    return Decision(changed, action, retry_after_s)


def wait_for_code(state: State, manners: Manners, seed: int, number: int, result: int) -> Decision:
    """The message came, or has been silent for `late_code_s` once more."""
    code = state.code
    if result == Result.DELIVERED:
        action = Action.PHONE + 0 if code.signed_in == 1 else Action.SESSION + 0
        delay_s = think_s(manners, seed, number, action, code.sends)
        return next_move(state, action, state.nerves, code, state.progress, delay_s)
    silences = code.silences + 1
    if silences > manners.silence_limit:
        return turn_away(state, manners, seed, number, Action.CODE + 0, Result.SILENCE + 0)
    restless = Code(code.channel, code.sends, silences, code.signed_in)
    pressed = uniform(seed, number, Purpose.RESEND, code.signed_in * 100 + silences) < manners.resend_share
    if pressed and code.sends <= manners.resend_limit:
        nerves = Nerves(state.nerves.tries, state.nerves.busy, state.nerves.retries + 1, state.nerves.visits)
        return next_move(state, Action.CODE_AGAIN + 0, nerves, restless, state.progress, 0.0)
    return next_move(state, Action.WAIT_CODE + 0, state.nerves, restless, state.progress, manners.late_code_s)


def photo_failed(state: State, manners: Manners, seed: int, number: int, result: int, retry_after_s: float) -> Decision:
    """The bytes did not arrive: ask how many did and send the rest, or take another photo."""
    if result == Result.BUSY and retry_after_s >= 0.0:
        return come_back(state, manners, seed, number, Action.PHOTO_HEAD + 0, retry_after_s)
    drawn = uniform(seed, number, Purpose.NEW_PHOTO, state.nerves.retries)
    action = Action.PHOTO_CREATE + 0 if drawn < manners.new_photo_share else Action.PHOTO_HEAD + 0
    return try_again(state, manners, seed, number, action, result)


def lost(state: State, manners: Manners, seed: int, number: int) -> Decision:
    """What was shown is not known: start again at the step that gives it."""
    action = state.action
    if action == Action.TICKET or action == Action.PLACE or action == Action.CLAIM:
        return try_again(state, manners, seed, number, Action.TICKET + 0, Result.ERROR + 0)
    if action == Action.ACCOUNT:
        return try_again(state, manners, seed, number, Action.CLAIM + 0, Result.ERROR + 0)
    code = Code(state.traits.channel, 0, 0, 0)
    signed_out = next_move(state, Action.CODE + 0, state.nerves, code, state.progress, 0.0)
    return try_again(signed_out.state, manners, seed, number, Action.CODE + 0, Result.ERROR + 0)


def photo_stored(state: State, manners: Manners, seed: int, number: int) -> Decision:
    """A slot is filled: the next one, or on to the phone, which a code by SMS has verified already."""
    photo = state.progress.photo + 1
    furthest = state.progress.furthest
    if photo == PHOTOS:
        furthest = Furthest.PHOTOS_UPLOADED + 0
        if state.traits.channel == Channel.SMS:
            furthest = Furthest.PHONE_VERIFIED + 0
    progress = Progress(furthest, photo, state.progress.answers, state.progress.mistyped)
    code = Code(Channel.SMS + 0, 0, 0, 1)
    return go_on(state, manners, seed, number, action_after(progress), code, progress, photo)


def reached(progress: Progress, furthest: int) -> Progress:
    """`progress` with a stage completed; who starts again at an earlier step has not undone a later one."""
    if furthest <= progress.furthest:
        return progress
    return Progress(furthest + 0, progress.photo, progress.answers, progress.mistyped)


def succeeded(state: State, manners: Manners, seed: int, number: int) -> Decision:
    """The action worked: what comes after it."""
    action, code, done = state.action, state.code, state.progress
    if action == Action.ANSWER:
        done = Progress(done.furthest, done.photo, done.answers + 1, done.mistyped)
        action = Action.ANSWER + 0 if done.answers < ANSWERS else Action.SUBMIT + 0
        return go_on(state, manners, seed, number, action, code, done, done.answers)
    if action == Action.TICKET or action == Action.PLACE:
        return go_on(state, manners, seed, number, Action.CLAIM + 0, code, reached(done, Furthest.TICKETED), 0)
    if action == Action.CLAIM:
        return go_on(state, manners, seed, number, Action.ACCOUNT + 0, code, reached(done, Furthest.ADMITTED), 0)
    if action == Action.ACCOUNT:
        return go_on(state, manners, seed, number, Action.CODE + 0, code, reached(done, Furthest.ACCOUNT_CREATED), 0)
    if action == Action.CODE:
        fresh = Code(code.channel, 0, 0, code.signed_in)
        return look_out(next_move(state, action, state.nerves, fresh, done, 0.0).state, manners, 1)
    if action == Action.CODE_AGAIN:
        return look_out(state, manners, code.sends + 1)
    if action == Action.SESSION:
        done = reached(done, Furthest.CODE_VERIFIED)
        code = Code(Channel.SMS + 0, 0, 0, 1)
        return go_on(state, manners, seed, number, action_after(done), code, done, 0)
    if action == Action.IDENTITY:
        done = reached(done, Furthest.IDENTITY_SUBMITTED)
        return go_on(state, manners, seed, number, Action.PERSONAL + 0, code, done, 0)
    if action == Action.PERSONAL:
        return go_on(state, manners, seed, number, Action.WORK + 0, code, done, 0)
    if action == Action.WORK:
        return go_on(state, manners, seed, number, Action.PROGRAM + 0, code, done, 0)
    if action == Action.PROGRAM:
        done = reached(done, Furthest.PROFILE_COMPLETED)
        return go_on(state, manners, seed, number, Action.PHOTO_CREATE + 0, code, done, 0)
    if action == Action.PHOTO_CREATE:
        return go_on(state, manners, seed, number, Action.PHOTO_SEND + 0, code, done, 0)
    if action == Action.PHOTO_SEND or action == Action.PHOTO_HEAD:
        return photo_stored(state, manners, seed, number)
    if action == Action.PHONE:
        done = reached(done, Furthest.PHONE_VERIFIED)
        return go_on(state, manners, seed, number, Action.ASSESSMENT + 0, code, done, 0)
    if action == Action.ASSESSMENT:
        done = Progress(done.furthest, done.photo, 0, done.mistyped)
        return go_on(state, manners, seed, number, Action.ANSWER + 0, code, done, 0)
    if action == Action.SUBMIT:
        return go_on(state, manners, seed, number, Action.LOOK + 0, code, reached(done, Furthest.ASSESSED), 0)
    if action == Action.CORRECT:
        done = Progress(done.furthest, done.photo, done.answers, 0)
        return go_on(state, manners, seed, number, Action.JOIN + 0, code, done, 1)
    if action == Action.LOOK:
        return go_on(state, manners, seed, number, Action.JOIN + 0, code, done, 0)
    # JOIN: told that the place is taken; one last look at the status page changes nothing any more.
    done = reached(done, Furthest.WAVE_JOINED)
    looking = go_on(state, manners, seed, number, Action.LAST_LOOK + 0, code, done, 0)
    there = looking.state
    joined = State(
        there.action, there.traits, there.nerves, there.code, there.progress, there.leaves_line_at,
        Fate.JOINED + 0, Reason.JOINED + 0,
    )  # fmt: skip
    return Decision(joined, looking.action, looking.delay_s)


def step(
    state: State,
    manners: Manners,
    seed: int,
    number: int,
    result: int,
    retry_after_s: float,
    now_s: float,
) -> Decision:
    """What applicant `number` does after `state.action` ended with `result`.

    result: a Result that can follow the action; retry_after_s: seconds the service named, -1 for none;
    now_s: real seconds since the doors opened. Once the decision is LEAVE, `state.fate` and `state.reason` are set.
    """
    action = state.action
    if action == Action.LAST_LOOK:
        return leave(state, state.fate, state.reason)
    reason = refusal(result)
    if reason != Reason.NONE:
        return leave(state, Fate.REFUSED + 0, reason)
    if action == Action.WAIT_CODE:
        return wait_for_code(state, manners, seed, number, result)
    if result == Result.OK:
        return succeeded(state, manners, seed, number)
    if result == Result.WAIT:
        return stand_in_line(state, manners, seed, number, retry_after_s, now_s)
    if result == Result.LOST:
        return lost(state, manners, seed, number)
    if result == Result.MISMATCH:
        # Joining stays open meanwhile; who sees the digit that was typed wrong corrects it first.
        onward = Action.CORRECT + 0 if state.progress.mistyped == 1 else Action.JOIN + 0
        return go_on(state, manners, seed, number, onward, state.code, state.progress, 2)
    if result == Result.OVER:
        return go_on(state, manners, seed, number, Action.SUBMIT + 0, state.code, state.progress, 0)
    if result == Result.PARTIAL:
        onward = Action.PHOTO_SEND + 0 if action == Action.PHOTO_HEAD else Action.PHOTO_HEAD + 0
        return next_move(state, onward, state.nerves, state.code, state.progress, 0.0)
    if result == Result.GONE:
        return try_again(state, manners, seed, number, Action.PHOTO_CREATE + 0, Result.ERROR + 0)
    if action == Action.PHOTO_SEND:
        return photo_failed(state, manners, seed, number, result, retry_after_s)
    if result == Result.OLD_CODE:
        return try_again(state, manners, seed, number, Action.CODE + 0, result)
    if result == Result.BUSY and retry_after_s >= 0.0:
        if action == Action.CODE_AGAIN:
            # Pressed too early: the message may still come, so keep looking out.
            return next_move(state, Action.WAIT_CODE + 0, state.nerves, state.code, state.progress, retry_after_s)
        return come_back(state, manners, seed, number, action, retry_after_s)
    return try_again(state, manners, seed, number, action, result)


RULES = (
    start, next_move, leave, think_median_s, think_s, refusal, complaint, calmed, action_after, reached, go_on,
    turn_away, try_again, come_back, look_out, stand_in_line, wait_for_code, photo_failed, lost, photo_stored,
    succeeded, step,
)  # fmt: skip
"""Every function of the machine, each after those it calls: what `scenarios.simulation.rules` registers with numba."""
