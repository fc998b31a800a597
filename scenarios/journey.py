"""One applicant as a pure machine: the last result in, the next action and the delay before it out.

Two drivers run it: the swarm (loadtests/applicant.py) over HTTP, the simulation over virtual time. It knows no clock,
socket or random stream: time comes in as an argument, every draw is a function of (seed, applicant, purpose, attempt).
The order of the stages and the think times are those of FACTS 1.5, retries, returns and resends those of FACTS 5.2.

What people do by themselves (thinking, typing, long returns) is divided by the pace; reactions to the system (polls,
Retry-After, short retries, the patience with a late code or a long line) stay real.

Everything here is compiled by numba as it stands (DESIGN section 2, compiled rules). An enum member plus 0 is a plain
integer: numba keeps the two apart, and a state holds integers only.
"""

from scenarios.fates import Channel, Fate, Furthest, Manners, Reason
from scenarios.journey_state import (
    ANSWERS,
    PHOTOS,
    Action,
    Code,
    Decision,
    Habits,
    Nerves,
    Progress,
    Result,
    State,
    Traits,
    leave,
    next_move,
)
from scenarios.setbacks import (
    come_back,
    is_photo,
    is_repeated,
    lost,
    mishap,
    photo_failed,
    refusal,
    repeat,
    repeated,
    try_again,
    turn_away,
)
from scenarios.streams import Purpose, log_normal, uniform
from scenarios.uploaders import STOCK_TRIES, Uploader
from service.domain.codes import life_s


def start(traits: Traits) -> State:
    """The state of somebody who has just opened the site; the first action is a ticket."""
    return State(
        Action.TICKET + 0,
        traits,
        Nerves(0, 0, 0, 0, 0, 0),
        Code(traits.channel, 0, 0, 0),
        Progress(Furthest.NONE + 0, 0, 0, traits.mistyped),
        -1.0,
        0,
        0,
        0,
        0,
    )


def think_median_s(habits: Habits, action: int) -> float:
    """Median of the time people take before `action`; 0 where the page goes on by itself."""
    if action == Action.ANSWER:
        return habits.answer_s
    if action == Action.ACCOUNT:
        return habits.account_s
    if action == Action.SESSION:
        return habits.code_s
    if action == Action.IDENTITY or action == Action.CORRECT:
        return habits.identity_s
    if action == Action.PERSONAL or action == Action.WORK or action == Action.PROGRAM:
        return habits.profile_step_s
    if action == Action.PHOTO_CREATE:
        return habits.photo_s
    if action == Action.PHONE:
        return habits.phone_s
    if action == Action.JOIN:
        return habits.join_s
    return 0.0


def think_s(habits: Habits, traits: Traits, seed: int, number: int, action: int, part: int) -> float:
    """The time this applicant takes before `action`; `part` counts where an action is repeated.

    The test has a countdown that is the same for all; so nobody takes longer over an answer.
    """
    median = think_median_s(habits, action)
    if median == 0.0:
        return 0.0
    if action == Action.ANSWER:
        return log_normal(uniform(seed, number, Purpose.ANSWER, part), median, habits.think_sigma)
    drawn = uniform(seed, number, Purpose.THINK, action * 100 + part)
    return log_normal(drawn, median * traits.think_factor, habits.think_sigma)


def calmed(nerves: Nerves) -> Nerves:
    """An answer that worked restores patience."""
    return Nerves(0, 0, nerves.retries, nerves.visits, nerves.mishaps, 0)


def got_on(nerves: Nerves) -> Nerves:
    """Real progress lets mishaps be forgotten, too."""
    return Nerves(0, 0, nerves.retries, nerves.visits, 0, 0)


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
    state: State, habits: Habits, seed: int, number: int, action: int, code: Code, progress: Progress, part: int
) -> Decision:
    """After an answer that worked: think, then do `action`; some leave by themselves where a stage is completed."""
    nerves = calmed(state.nerves)
    if progress.furthest > state.progress.furthest:
        nerves = got_on(nerves)
    if progress.furthest > state.progress.furthest and progress.furthest >= Furthest.ACCOUNT_CREATED:
        drawn = uniform(seed, number, Purpose.GIVE_UP, progress.furthest)
        if drawn < habits.leave_share and progress.furthest < Furthest.WAVE_JOINED:
            there = next_move(state, action, nerves, code, progress, 0.0)
            return leave(there.state, Fate.ABANDONED + 0, Reason.LOST_INTEREST + 0)
    delay_s = think_s(habits, state.traits, seed, number, action, part)
    return next_move(state, action, nerves, code, progress, delay_s)


def look_out(state: State, habits: Habits, sends: int) -> Decision:
    """A message was asked for: look out for it."""
    code = Code(state.code.channel, sends, state.code.silences, state.code.signed_in)
    return next_move(state, Action.WAIT_CODE + 0, calmed(state.nerves), code, state.progress, habits.late_code_s)


def stand_in_line(state: State, habits: Habits, seed: int, number: int, retry_after_s: float, now_s: float) -> Decision:
    """Not called yet: look again when told to, or end the visit when patience with the line is at its end.

    The browser keeps the ticket: who comes back before she is called stands where she stood.
    """
    action = state.action
    leaves_line_at = state.leaves_line_at
    progress = state.progress
    if action == Action.TICKET:
        action = Action.PLACE + 0
        progress = reached(progress, Furthest.TICKETED + 0)
    if leaves_line_at < 0.0:
        drawn = uniform(seed, number, Purpose.LINE_PATIENCE, state.nerves.visits)
        leaves_line_at = now_s + log_normal(drawn, habits.line_median_s, habits.line_sigma)
    if now_s >= leaves_line_at:
        there = next_move(state, action, state.nerves, state.code, progress, 0.0).state
        return turn_away(there, habits, seed, number, action, Result.WAIT + 0, now_s)
    nerves = calmed(state.nerves)
    if state.traits.manners == Manners.NAIVE:
        # Looks again when the person's own short wait is over, should that be sooner.
        drawn = uniform(seed, number, Purpose.SHORT_RETRY, nerves.retries)
        retry_after_s = min(retry_after_s, log_normal(drawn, habits.retry_median_s, habits.retry_sigma))
        nerves = Nerves(0, 0, nerves.retries + 1, nerves.visits, nerves.mishaps, 0)
    changed = State(
        action, state.traits, nerves, state.code, progress, leaves_line_at, state.fate, state.reason,
        state.browser, state.pages,
    )  # fmt: skip
    return Decision(changed, action, retry_after_s)


def wait_for_code(state: State, habits: Habits, seed: int, number: int, result: int, now_s: float) -> Decision:
    """The message came, or has been silent for `late_code_s` once more."""
    code = state.code
    if result == Result.DELIVERED:
        action = Action.PHONE + 0 if code.signed_in == 1 else Action.SESSION + 0
        delay_s = think_s(habits, state.traits, seed, number, action, code.sends)
        occasion = state.nerves.retries * 2 + code.signed_in
        if uniform(seed, number, Purpose.LATE_TYPING, occasion) < habits.late_typing_share:
            # A code lives in real seconds, whatever the pace.
            delay_s += life_s(code.channel)
        return next_move(state, action, state.nerves, code, state.progress, delay_s)
    silences = code.silences + 1
    if silences > habits.silence_limit:
        return turn_away(state, habits, seed, number, Action.CODE + 0, Result.SILENCE + 0, now_s)
    restless = Code(code.channel, code.sends, silences, code.signed_in)
    pressed = uniform(seed, number, Purpose.RESEND, code.signed_in * 100 + silences) < habits.resend_share
    if pressed and code.sends <= habits.resend_limit:
        old = state.nerves
        nerves = Nerves(old.tries, old.busy, old.retries + 1, old.visits, old.mishaps, 0)
        return next_move(state, Action.CODE_AGAIN + 0, nerves, restless, state.progress, 0.0)
    return next_move(state, Action.WAIT_CODE + 0, state.nerves, restless, state.progress, habits.late_code_s)


def page_lost(decision: Decision, habits: Habits, seed: int, number: int, now_s: float) -> Decision:
    """`decision`, unless it meant opening camera or messages on a phone that has lost the page when its person is back.

    What the browser had stored is still there: ticket, pass, session. What was on the page is gone: the code's request,
    the photo. So whoever is signed in opens the status page and goes on from there; all others ask for a new code.
    """
    there = decision.state
    if there.traits.low_memory == 0:
        return decision
    occasion = there.nerves.retries * 4 + there.code.signed_in
    if decision.action == Action.PHOTO_CREATE:
        occasion = there.nerves.retries * 4 + 2 + there.progress.photo
    drawn = uniform(seed, number, Purpose.PAGE_LOST, occasion)
    if drawn >= habits.page_lost_share:
        return decision
    action = Action.REOPEN + 0 if there.code.signed_in == 1 else Action.CODE + 0
    without = State(
        there.action, there.traits, there.nerves, there.code, there.progress, there.leaves_line_at, there.fate,
        there.reason, there.browser, there.pages + 1,
    )  # fmt: skip
    reopened = mishap(without, habits, seed, number, action, Result.KILLED + 0, now_s)
    return Decision(reopened.state, reopened.action, decision.delay_s + reopened.delay_s)


def photo_filled(progress: Progress, channel: int) -> Progress:
    """One slot more is filled: the next one, or on to the phone, which a code by SMS has verified already."""
    photo = progress.photo + 1
    furthest = progress.furthest
    if photo == PHOTOS:
        furthest = Furthest.PHOTOS_UPLOADED + 0
        if channel == Channel.SMS:
            furthest = Furthest.PHONE_VERIFIED + 0
    return Progress(furthest, photo, progress.answers, progress.mistyped)


def reached(progress: Progress, furthest: int) -> Progress:
    """`progress` with a stage completed; who starts again at an earlier step has not undone a later one."""
    if furthest <= progress.furthest:
        return progress
    return Progress(furthest + 0, progress.photo, progress.answers, progress.mistyped)


def succeeded(state: State, habits: Habits, seed: int, number: int) -> Decision:
    """The action worked: what comes after it.

    Each branch says where it goes on, and one call does: compiled, a dozen of them were most of the kernel.
    """
    action, code, done, part = state.action, state.code, state.progress, 0
    if action == Action.ANSWER:
        done = Progress(done.furthest, done.photo, done.answers + 1, done.mistyped)
        part = done.answers
        if done.answers >= ANSWERS:
            action = Action.SUBMIT + 0
    elif action == Action.TICKET or action == Action.PLACE:
        action, done = Action.CLAIM + 0, reached(done, Furthest.TICKETED)
    elif action == Action.CLAIM:
        action, done = Action.ACCOUNT + 0, reached(done, Furthest.ADMITTED)
    elif action == Action.ACCOUNT:
        action, done = Action.CODE + 0, reached(done, Furthest.ACCOUNT_CREATED)
    elif action == Action.CODE:
        fresh = Code(code.channel, 0, 0, code.signed_in)
        return look_out(next_move(state, action, state.nerves, fresh, done, 0.0).state, habits, 1)
    elif action == Action.CODE_AGAIN:
        return look_out(state, habits, code.sends + 1)
    elif action == Action.SESSION:
        code, done = Code(Channel.SMS + 0, 0, 0, 1), reached(done, Furthest.CODE_VERIFIED)
        action = action_after(done)
    elif action == Action.REOPEN:
        # No progress, so no comfort: somebody whose phone loses every page gives up.
        action = action_after(done)
        return next_move(
            state, action, state.nerves, code, done, think_s(habits, state.traits, seed, number, action, done.photo)
        )
    elif action == Action.IDENTITY:
        action, done = Action.PERSONAL + 0, reached(done, Furthest.IDENTITY_SUBMITTED)
    elif action == Action.PERSONAL:
        action = Action.WORK + 0
    elif action == Action.WORK:
        action = Action.PROGRAM + 0
    elif action == Action.PROGRAM:
        action, done = Action.PHOTO_CREATE + 0, reached(done, Furthest.PROFILE_COMPLETED)
    elif action == Action.PHOTO_CREATE and state.traits.uploader != Uploader.ONE_SHOT:
        action = Action.PHOTO_SEND + 0
    elif is_photo(action):
        code, done = Code(Channel.SMS + 0, 0, 0, 1), photo_filled(done, state.traits.channel)
        action, part = action_after(done), done.photo
    elif action == Action.PHONE:
        action, done = Action.ASSESSMENT + 0, reached(done, Furthest.PHONE_VERIFIED)
    elif action == Action.ASSESSMENT:
        action, done = Action.ANSWER + 0, Progress(done.furthest, done.photo, 0, done.mistyped)
    elif action == Action.SUBMIT:
        action, done = Action.LOOK + 0, reached(done, Furthest.ASSESSED)
    elif action == Action.CORRECT:
        action, done, part = Action.JOIN + 0, Progress(done.furthest, done.photo, done.answers, 0), 1
    elif action == Action.LOOK:
        action = Action.JOIN + 0
    else:
        # JOIN: told that the place is taken; one last look at the status page changes nothing any more.
        action, done = Action.LAST_LOOK + 0, reached(done, Furthest.WAVE_JOINED)
        state = State(
            state.action, state.traits, state.nerves, code, state.progress, state.leaves_line_at, Fate.JOINED + 0,
            Reason.JOINED + 0, state.browser, state.pages,
        )  # fmt: skip
    return go_on(state, habits, seed, number, action, code, done, part)


def step(
    state: State,
    habits: Habits,
    seed: int,
    number: int,
    result: int,
    retry_after_s: float,
    now_s: float,
) -> Decision:
    """What applicant `number` does after `state.action` ended with `result`.

    result: a Result that can follow the action; retry_after_s: seconds the service named, -1 for none;
    now_s: real seconds since the doors opened. Once the decision is LEAVE, `state.fate` and `state.reason` are set.
    A request that an adaptive client holds back (scenarios.throttle) ended BUSY, and named what the last refusal did.
    """
    action = state.action
    if action == Action.LAST_LOOK:
        return leave(state, state.fate, state.reason)
    # By the form sent from the browser before: it is one's own account, so sign in to it.
    is_own = result == Result.ADDRESS_TAKEN and action == Action.ACCOUNT and state.browser > 0
    reason = refusal(result)
    if reason != Reason.NONE and not is_own:
        return leave(state, Fate.REFUSED + 0, reason)
    if action == Action.WAIT_CODE:
        decision = wait_for_code(state, habits, seed, number, result, now_s)
        if result == Result.DELIVERED:
            return page_lost(decision, habits, seed, number, now_s)
        return decision
    if result == Result.OK or is_own:
        decision = succeeded(state, habits, seed, number)
        if decision.action == Action.PHOTO_CREATE:
            return page_lost(decision, habits, seed, number, now_s)
        return decision
    if result == Result.WAIT:
        return stand_in_line(state, habits, seed, number, retry_after_s, now_s)
    if result == Result.LOST:
        return lost(state, habits, seed, number, now_s)
    if result == Result.MISMATCH:
        # Joining stays open meanwhile; who sees the digit that was typed wrong corrects it first.
        onward = Action.CORRECT + 0 if state.progress.mistyped == 1 else Action.JOIN + 0
        return go_on(state, habits, seed, number, onward, state.code, state.progress, 2)
    if result == Result.OVER:
        return go_on(state, habits, seed, number, Action.SUBMIT + 0, state.code, state.progress, 0)
    if result == Result.PARTIAL and action == Action.PHOTO_HEAD:
        return next_move(state, Action.PHOTO_SEND + 0, state.nerves, state.code, state.progress, 0.0)
    if result == Result.PARTIAL and state.nerves.repeats < STOCK_TRIES:
        # Without a pause; yet it counts, or a service that takes nothing would be asked for ever.
        return next_move(state, Action.PHOTO_HEAD + 0, repeated(state.nerves), state.code, state.progress, 0.0)
    if result == Result.FARTHER:
        return next_move(state, Action.PHOTO_SEND + 0, got_on(state.nerves), state.code, state.progress, 0.0)
    if result == Result.GONE:
        return mishap(state, habits, seed, number, Action.PHOTO_CREATE + 0, Result.ERROR + 0, now_s)
    if result == Result.OLD_CODE:
        return mishap(state, habits, seed, number, Action.CODE + 0, result, now_s)
    if result == Result.BUSY and retry_after_s >= 0.0 and action == Action.CODE_AGAIN:
        # Pressed too early: the message may still come, so keep looking out.
        return next_move(state, Action.WAIT_CODE + 0, state.nerves, state.code, state.progress, retry_after_s)
    if is_photo(action):
        return photo_failed(state, habits, seed, number, result, retry_after_s, now_s)
    if is_repeated(state, result):
        return repeat(state)
    if state.traits.manners == Manners.NAIVE:
        retry_after_s = -1.0
    if result == Result.BUSY and retry_after_s >= 0.0:
        return come_back(state, habits, seed, number, action, retry_after_s, now_s)
    return try_again(state, habits, seed, number, action, result, now_s)


RULES = (
    start, think_median_s, think_s, calmed, got_on, action_after, reached, go_on, look_out, stand_in_line,
    wait_for_code, page_lost, photo_filled, succeeded, step,
)  # fmt: skip
"""Every function of the machine but those of its setbacks, each after those it calls."""
