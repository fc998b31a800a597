"""What the service answers to each action, as its applicant reads it: loadtests/applicant.py and service/actions.

An answer is read when its work is done, and then it takes effect. Who is told nothing (TIMEOUT) keeps the effect: the
same request again finds it by its key. What is left out: a code typed wrong, a code of an earlier request that comes
late, uploads that are given up after a day, photos that the inspectors refuse, people without JavaScript as users of
the pages (they go the same way, one request a step).
"""

from typing import Any, NamedTuple

from scenarios.fates import Channel
from scenarios.journey_state import Action, Result
from scenarios.simulation.compiled import shared, whole
from scenarios.simulation.figures import IDENTITY
from scenarios.simulation.gate_tick import claim_s, is_invited, poll_s, take_ticket
from scenarios.simulation.mail import Rings, enqueue, queue_of
from scenarios.simulation.rows import (
    ACCOUNT,
    ACCOUNT_HERE,
    ANNOUNCED,
    ASSESSED,
    CODE_USED,
    FARTHER,
    JOINED,
    KEPT,
    SESSION,
    VERIFIED,
    clear,
    has,
    is_under_age,
    set_flag,
    uploader_of,
)
from scenarios.simulation.stations import inspect
from scenarios.simulation.uploads import photo_size
from scenarios.streams import Purpose, uniform
from scenarios.uploaders import Uploader
from service.domain import assessment, codes, gate, waves
from service.domain.codes import HOUR_S, MAX_SENDS, MOST_PER_DAY, MOST_PER_HOUR
from service.domain.identity import IdentityStatus, corrections_left
from service.domain.queues import retry_after_s
from service.domain.waves import JoinDecision

_US = 1_000_000
_HOUR_MIN, _DAY_MIN = int(HOUR_S / 60.0), int(codes.DAY_S / 60.0)


class Reading(NamedTuple):
    """What an answer means; told_s: when to ask again, -1 for none."""

    result: int
    told_s: float


@shared
def touches_others(action: int) -> bool:
    """Whether the effect or the answer of an action depends on what others do meanwhile, or theirs on it."""
    return (
        action == Action.TICKET
        or action == Action.PLACE
        or action == Action.CLAIM
        or action == Action.CODE
        or action == Action.CODE_AGAIN
        or action == Action.SESSION
        or action == Action.PHONE
        or action == Action.IDENTITY
        or action == Action.CORRECT
        or action == Action.LOOK
    )


@shared
def shared_answer(
    world: Any, figures: Any, row: Any, number: int, rings: Rings, holders: Any, at_gate: Any, now_us: int
) -> Reading:
    """The answer to an action that touches others."""
    action = whole(row.action)
    if action == Action.TICKET or action == Action.PLACE:
        if action == Action.TICKET:
            take_ticket(world, row, number, holders)
        if is_invited(world, figures, row):
            return Reading(Result.OK + 0, -1.0)
        return Reading(Result.WAIT + 0, poll_s(world, figures, row, now_us / _US))
    if action == Action.CLAIM:
        if not is_invited(world, figures, row):
            return Reading(Result.WAIT + 0, poll_s(world, figures, row, now_us / _US))
        told_s = claim_s(world, figures, row, number, at_gate, now_us)
        return Reading(Result.OK + 0, -1.0) if told_s < 0.0 else Reading(Result.WAIT + 0, told_s)
    if action == Action.CODE:
        return _ask_code(world, figures, row, number, rings, now_us)
    if action == Action.CODE_AGAIN:
        return _ask_again(world, figures, row, number, rings, now_us)
    if action == Action.SESSION or action == Action.PHONE:  # a worker sends no code that has been used
        return Reading(_prove_code(row, action, now_us), -1.0)
    if not has(row, SESSION):
        return Reading(Result.LOST + 0, -1.0)
    if action == Action.LOOK:
        mismatch = row.identity == IdentityStatus.MISMATCH
        return Reading(Result.MISMATCH + 0 if mismatch else Result.OK + 0, -1.0)
    return _give_identity(world, figures, row, number, rings, now_us)


@shared
def own_answer(world: Any, figures: Any, row: Any, number: int, now_us: int) -> Reading:
    """The answer to an action that concerns its applicant alone."""
    action = whole(row.action)
    if action == Action.ACCOUNT:
        return Reading(_make_account(row, now_us), -1.0)
    if not has(row, SESSION):
        return Reading(Result.LOST + 0, -1.0)
    if action == Action.PHOTO_CREATE or action == Action.PHOTO_SEND or action == Action.PHOTO_HEAD:
        return Reading(_take_photo(world, figures, row, number, action, now_us), -1.0)
    if action == Action.ASSESSMENT:
        if row.since_ms < 0:
            row.since_ms = now_us // 1000
        return Reading(Result.OK + 0, -1.0)
    if action == Action.ANSWER:
        in_time = row.since_ms >= 0 and assessment.in_time(int(row.since_ms) * 0.001, now_us / _US)
        return Reading(Result.OK + 0 if in_time else Result.OVER + 0, -1.0)
    if action == Action.SUBMIT:
        set_flag(row, ASSESSED)
    if action == Action.JOIN:
        return Reading(_join(figures, row, now_us), -1.0)
    return Reading(Result.OK + 0, -1.0)


@shared
def _make_account(row: Any, now_us: int) -> int:
    if has(row, ACCOUNT):
        return Result.OK + 0 if has(row, ACCOUNT_HERE) else Result.ADDRESS_TAKEN + 0
    if row.since_ms < 0 or now_us // 1000 - int(row.since_ms) >= gate.PASS_LIFE * 1000.0:
        return Result.LOST + 0
    set_flag(row, ACCOUNT | ACCOUNT_HERE)
    row.since_ms = -1  # from now on: when the test begins
    row.stored = 0
    return Result.OK + 0


@shared
def _ask_code(world: Any, figures: Any, row: Any, number: int, rings: Rings, now_us: int) -> Reading:
    """A new request for a code. The budget's windows begin with their first request, where the service's slide."""
    if has(row, KEPT):
        return Reading(Result.OK + 0, -1.0)
    minute = now_us // (60 * _US)
    if row.hour_asks == 0 or minute - int(row.hour_from) >= _HOUR_MIN:
        row.hour_from, row.hour_asks = minute, 0
    if row.day_asks == 0 or minute - int(row.day_from) >= _DAY_MIN:
        row.day_from, row.day_asks = minute, 0
    if row.hour_asks >= MOST_PER_HOUR:
        return Reading(Result.BUSY + 0, 60.0 * (int(row.hour_from) + _HOUR_MIN - minute))
    if row.day_asks >= MOST_PER_DAY:
        return Reading(Result.BUSY + 0, 60.0 * (int(row.day_from) + _DAY_MIN - minute))
    version = whole(row.asked) + 1
    queue = queue_of(whole(row.channel))
    if not enqueue(world, figures, rings, queue, number, version, now_us):
        return Reading(Result.BUSY + 0, _full_s(world, figures, row, number, queue))
    row.asked = version
    row.hour_asks, row.day_asks = int(row.hour_asks) + 1, int(row.day_asks) + 1
    row.sent_ms = now_us // 1000
    row.handed_ms = -1
    row.delivery_ms = -1
    clear(row, CODE_USED)
    return Reading(Result.OK + 0, -1.0)


@shared
def _ask_again(world: Any, figures: Any, row: Any, number: int, rings: Rings, now_us: int) -> Reading:
    """One more send of the same code."""
    if has(row, KEPT):
        return Reading(Result.OK + 0, -1.0)
    wait_s = codes.resend_wait_s(whole(row.sends))
    if row.sends >= MAX_SENDS:
        return Reading(Result.BUSY + 0, wait_s)
    early_s = wait_s - (now_us // 1000 - int(row.sent_ms)) * 0.001
    if early_s > 0.0:
        return Reading(Result.BUSY + 0, float(int(early_s) + 1))
    queue = queue_of(whole(row.channel))
    if not enqueue(world, figures, rings, queue, number, whole(row.asked), now_us):
        return Reading(Result.BUSY + 0, _full_s(world, figures, row, number, queue))
    row.sent_ms = now_us // 1000
    return Reading(Result.OK + 0, -1.0)


@shared
def _full_s(world: Any, figures: Any, row: Any, number: int, queue: int) -> float:
    """When to come back to a full queue, in whole seconds as the header has it."""
    drawn = uniform(figures.seed, number, Purpose.RETRY_AFTER, whole(row.retries))
    told_s = retry_after_s(int(figures.limits[queue]), figures.rates[queue], drawn)
    return float(int(told_s) + 1)


@shared
def _prove_code(row: Any, action: int, now_us: int) -> int:
    if action == Action.PHONE and not has(row, SESSION):
        return Result.LOST + 0
    if not has(row, KEPT):
        if row.handed_ms < 0:
            return Result.WRONG_CODE + 0
        alive = codes.code_alive(int(row.handed_ms) * 0.001, now_us / _US, codes.life_s(whole(row.channel)))
        if has(row, CODE_USED) or not alive:
            return Result.OLD_CODE + 0
        set_flag(row, CODE_USED)
    if action == Action.SESSION:
        set_flag(row, SESSION)
    if row.channel == Channel.SMS:
        set_flag(row, VERIFIED)
    return Result.OK + 0


@shared
def _give_identity(world: Any, figures: Any, row: Any, number: int, rings: Rings, now_us: int) -> Reading:
    """Identity data, or their correction; the same again gets the same answer."""
    if is_under_age(row):
        row.identity = IdentityStatus.NOT_ELIGIBLE + 0
        return Reading(Result.NOT_ELIGIBLE + 0, -1.0)
    corrects = row.action == Action.CORRECT
    if has(row, KEPT) or (row.identity >= 0 and not corrects) or row.identity == IdentityStatus.MATCH:
        return Reading(Result.OK + 0, -1.0)
    if corrects and corrections_left(int(row.version)) == 0:
        return Reading(Result.OK + 0, -1.0)
    if not enqueue(world, figures, rings, IDENTITY, number, whole(row.version) + 1, now_us):
        return Reading(Result.BUSY + 0, _full_s(world, figures, row, number, IDENTITY))
    row.version = int(row.version) + 1
    row.identity = IdentityStatus.PENDING + 0
    return Reading(Result.OK + 0, -1.0)


@shared
def _take_photo(world: Any, figures: Any, row: Any, number: int, action: int, now_us: int) -> int:
    total = photo_size(row, figures, number)
    if action == Action.PHOTO_CREATE and uploader_of(row) != Uploader.ONE_SHOT:
        set_flag(row, ANNOUNCED)
        return Result.OK + 0
    if action == Action.PHOTO_HEAD:
        if not has(row, ANNOUNCED):
            return Result.GONE + 0
        if row.stored >= total:
            return Result.OK + 0
        farther = has(row, FARTHER)
        clear(row, FARTHER)
        return Result.FARTHER + 0 if farther else Result.PARTIAL + 0
    row.stored = total
    inspect(world, figures, now_us)
    return Result.OK + 0


@shared
def _join(figures: Any, row: Any, now_us: int) -> int:
    eligible = 0 if row.identity == IdentityStatus.NOT_ELIGIBLE else 1
    assessed = 1 if has(row, ASSESSED) else 0
    verified = 1 if has(row, VERIFIED) else 0
    decision = waves.join_decision(
        0.0, figures.closes_s, now_us / _US, eligible, assessed, int(row.photo), verified
    )  # fmt: skip
    if decision == JoinDecision.ACCEPTED:
        set_flag(row, JOINED)
        return Result.OK + 0
    if decision == JoinDecision.CLOSED:
        return Result.WAVE_CLOSED + 0
    if decision == JoinDecision.NOT_ELIGIBLE:
        return Result.NOT_ELIGIBLE + 0
    return Result.ERROR + 0
