"""The queues that partners limit: codes by e-mail and SMS, and identity checks.

A queue is a ring of (applicant, version, when), bounded by the service's limit. Twenty times a second as much is taken
out as the shared quota rule leaves free. What a partner then does is drawn by (applicant, purpose, attempt), so a
change elsewhere changes nobody's luck. A call that fails is tried again by the rules of the service; its tries are
reckoned at once, and those after the first are taken from the quota of the claims that follow.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Channel
from scenarios.simulation import shared_core
from scenarios.simulation.compiled import shared, whole
from scenarios.simulation.figures import EMAIL, IDENTITY, SMS
from scenarios.simulation.rows import CODE_USED, Phase, has, is_mistyped
from scenarios.simulation.wheel import Wheel, arm
from scenarios.simulation.world import HANDOVER_MS, SLOTS
from scenarios.streams import Purpose, log_normal, uniform
from service.domain import codes
from service.domain.identity import IdentityStatus
from service.domain.queues import CODE_EXPIRY_S, MOST, quota_free, quota_window_s, retry_delay_s

CALL_DELAY_S = 0.2
"""Between a claim and its calls (service/queues/lane.py)."""
_DEADLINE_S = 5.0
"""Of a call that nobody answers."""
_TRIES = (8, 8, 40)
_BASE_S = (0.5, 0.5, 1.0)
_LONGEST_S = (30.0, 30.0, 300.0)
"""By queue, as service/queues/policy.py."""
_CATCH_UP = 1.25
_AT_ONCE = 4096
"""Jobs of one claim where no quota holds."""
_WINDOW_SLOTS = 20


class Rings(NamedTuple):
    """By queue a part of the same arrays, from `base` on."""

    who: NDArray[np.int32]
    version: NDArray[np.int16]
    since_ms: NDArray[np.int32]
    base: NDArray[np.int64]
    """Four: where each queue's part begins, and where the last one ends."""


def rings(lengths: tuple[int, int, int]) -> Rings:
    """Empty rings of these lengths."""
    base = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    size = int(base[-1])
    return Rings(np.empty(size, np.int32), np.empty(size, np.int16), np.empty(size, np.int32), base)


@shared
def depth(world: Any, queue: int) -> int:
    return int(world.tail[queue] - world.head[queue])


@shared
def enqueue(world: Any, figures: Any, rings: Rings, queue: int, number: int, version: int, now_us: int) -> bool:
    """Put a job in line; False: the queue is full."""
    length = rings.base[queue + 1] - rings.base[queue]
    waiting = depth(world, queue)
    if figures.bounded == 1 and waiting >= figures.limits[queue]:
        world.refused[queue] += 1
        return False
    if waiting >= length:
        world.overflown = 1
        return False
    _add_area(world, queue, now_us)
    place = rings.base[queue] + world.tail[queue] % length
    rings.who[place] = number
    rings.version[place] = version
    rings.since_ms[place] = now_us // 1000
    world.queue_since_ms[queue] += now_us // 1000
    world.tail[queue] += 1
    return True


@shared
def _add_area(world: Any, queue: int, now_us: int) -> None:
    """Jobs have waited since the last change of their number; to be called before each."""
    now_ms = now_us // 1000
    world.queue_area_ms[queue] += depth(world, queue) * (now_ms - world.queue_seen_ms[queue])
    world.queue_seen_ms[queue] = now_ms


@shared
def oldest_ms(world: Any, rings: Rings, queue: int, now_us: int) -> int:
    """How long the first in line has waited; 0 when nobody does."""
    if depth(world, queue) == 0:
        return 0
    place = rings.base[queue] + world.head[queue] % (rings.base[queue + 1] - rings.base[queue])
    return now_us // 1000 - int(rings.since_ms[place])


@shared
def drain(world: Any, figures: Any, part: Any, rows: Any, rings: Rings, wheel: Wheel, queue: int, now_us: int) -> None:
    """Hand over what the quota leaves free now."""
    free = _free(world, figures, part, queue, now_us)
    _add_area(world, queue, now_us)
    length = rings.base[queue + 1] - rings.base[queue]
    while free > 0 and depth(world, queue) > 0:
        place = rings.base[queue] + world.head[queue] % length
        number = whole(rings.who[place])
        version = whole(rings.version[place])
        waited_ms = now_us // 1000 - int(rings.since_ms[place])
        row = rows[number]
        if queue == IDENTITY and world.allowance == 0:
            break
        world.head[queue] += 1
        world.waited_ms[queue] += waited_ms
        world.queue_since_ms[queue] -= int(rings.since_ms[place])
        if figures.drops == 1 and queue != IDENTITY and waited_ms >= CODE_EXPIRY_S * 1000.0:
            world.expired[queue] += 1
            continue
        if figures.drops == 1 and _is_settled(row, queue, version):
            world.dropped[queue] += 1
            continue
        free -= 1
        _take(world, queue)
        shared_core.job(world, figures, queue, now_us)
        if queue == IDENTITY:
            _check(world, figures, part, row, number, version)
        else:
            _send(world, figures, part, row, wheel, queue, number, version, now_us, waited_ms)
    if depth(world, queue) > 0:
        world.exhausted_ms[queue] = now_us // 1000


@shared
def _free(world: Any, figures: Any, part: Any, queue: int, now_us: int) -> int:
    """Jobs that may be claimed now: what the quota leaves, not more than a claim's share of it, less old tries."""
    rate = part.rate_per_s[queue]
    if rate <= 0.0 or world.worker_down == 1:
        return 0
    if part.slot_us[queue] != world.slot_us[queue]:  # a window of another length begins anew
        world.slot_us[queue] = part.slot_us[queue]
        world.taken[queue * SLOTS : (queue + 1) * SLOTS] = 0
    slot = now_us // part.slot_us[queue]
    gone = min(slot - world.slot[queue], SLOTS)
    for back in range(gone):
        world.taken[queue * SLOTS + (slot - back) % SLOTS] = 0
    world.slot[queue] = slot
    if figures.paced == 0:
        return _AT_ONCE
    taken = 0
    for back in range(_WINDOW_SLOTS):
        taken += world.taken[queue * SLOTS + (slot - back) % SLOTS]
    # Of the slot that is leaving the window, the part that is still inside.
    inside = 1.0 - (now_us % part.slot_us[queue]) / part.slot_us[queue]
    taken += int(world.taken[queue * SLOTS + (slot - _WINDOW_SLOTS) % SLOTS] * inside)
    free = min(quota_free(taken, rate, quota_window_s(rate)), max(1, int(rate * 0.05 * _CATCH_UP) + 1))
    paid = min(world.debt[queue], free)
    world.debt[queue] -= paid
    for _ in range(paid):
        _take(world, queue)
    return int(min(free - paid, MOST))


@shared
def _take(world: Any, queue: int) -> None:
    world.taken[queue * SLOTS + world.slot[queue] % SLOTS] += 1


@shared
def _is_settled(row: Any, queue: int, version: int) -> bool:
    """Whether nobody waits for the job any more."""
    if queue == IDENTITY:
        return bool(row.version != version or row.identity != IdentityStatus.PENDING)
    return bool(row.asked == version and has(row, CODE_USED))


@shared
def _delay_by_failures(world: Any, figures: Any, part: Any, queue: int, number: int, attempt: int) -> float:
    """Seconds until a call of this job succeeds, its tries and their pauses together; -1: it never does."""
    failing = part.failing[queue] + part.silent[queue] + part.errors[queue]
    if failing <= 0.0:
        return 0.0
    delay = 0.0
    for tried in range(1, _TRIES[queue] + 1):
        drawn = uniform(figures.seed, number, Purpose.PARTNER_FAILURE, (queue * 64 + attempt) * 64 + tried)
        if drawn >= failing:
            return delay
        world.failed[queue] += 1
        world.debt[queue] += 1
        if drawn < part.silent[queue]:
            delay += _DEADLINE_S
        pause = uniform(figures.seed, number, Purpose.PARTNER_RETRY, (queue * 64 + attempt) * 64 + tried)
        delay += retry_delay_s(tried, pause, _BASE_S[queue], _LONGEST_S[queue])
    return -1.0


@shared
def _send(
    world: Any,
    figures: Any,
    part: Any,
    row: Any,
    wheel: Wheel,
    queue: int,
    number: int,
    version: int,
    now_us: int,
    waited_ms: int,
) -> None:
    """Hand a code over to its gateway: its life starts, and the message arrives later or never."""
    attempt = whole(row.mails) if queue == EMAIL else whole(row.texts)
    failed_s = _delay_by_failures(world, figures, part, queue, number, attempt)
    if failed_s < 0.0 or (figures.drops == 1 and waited_ms * 0.001 + failed_s >= CODE_EXPIRY_S):
        world.expired[queue] += 1
        return
    if attempt < 127:
        if queue == EMAIL:
            row.mails = attempt + 1
        else:
            row.texts = attempt + 1
    world.handed[queue] += 1
    handed_ms = now_us // 1000 + int((CALL_DELAY_S + failed_s) * 1000.0)
    _count_handover(world, queue, now_us // 1000 - waited_ms, handed_ms)
    is_asked = row.asked == version and not has(row, CODE_USED)
    if is_asked and not codes.code_alive(
        int(row.handed_ms) * 0.001 if row.handed_ms >= 0 else -1.0, handed_ms * 0.001, codes.life_s(whole(row.channel))
    ):
        row.handed_ms = handed_ms
    loss = Purpose.EMAIL_LOSS if queue == EMAIL else Purpose.SMS_LOSS
    luck = Purpose.EMAIL_DELAY if queue == EMAIL else Purpose.SMS_DELAY
    if uniform(figures.seed, number, loss, attempt) < part.loss[queue]:
        world.lost[queue] += 1
        return
    if not is_asked:
        return
    drawn = uniform(figures.seed, number, luck, attempt)
    arrives_ms = handed_ms + int(log_normal(drawn, part.median_s[queue], part.sigma[queue]) * 1000.0)
    if row.delivery_ms < 0 or arrives_ms < row.delivery_ms:
        row.delivery_ms = arrives_ms
        if row.phase == Phase.LOOKING and arrives_ms * 1000 < wheel.at[number]:
            arm(wheel, number, max(arrives_ms * 1000, now_us))


@shared
def _count_handover(world: Any, queue: int, asked_ms: int, handed_ms: int) -> None:
    """A code asked for at `asked_ms`; a quota held it if one was spent when it came, as service/storage has it."""
    kind = 2 * queue + 1 if asked_ms <= world.exhausted_ms[queue] else 2 * queue
    bucket = 0
    while bucket < len(HANDOVER_MS) and handed_ms - asked_ms > HANDOVER_MS[bucket]:
        bucket += 1
    world.handed_over[kind * (len(HANDOVER_MS) + 1) + bucket] += 1
    world.handover_ms[kind] += handed_ms - asked_ms


@shared
def _check(world: Any, figures: Any, part: Any, row: Any, number: int, version: int) -> None:
    """Ask the registry. Its answer is stored at once: nobody looks at it within its latency, nor within the tries."""
    if world.allowance > 0:
        world.allowance -= 1
    if _delay_by_failures(world, figures, part, IDENTITY, number, version) < 0.0:
        world.expired[IDENTITY] += 1
        return
    world.handed[IDENTITY] += 1
    if row.version == version:
        mistyped = version == 1 and is_mistyped(row)
        world.matched += 0 if mistyped else 1
        row.identity = IdentityStatus.MISMATCH + 0 if mistyped else IdentityStatus.MATCH + 0


@shared
def queue_of(channel: int) -> int:
    """The queue of a code's channel."""
    return EMAIL if channel == Channel.EMAIL else SMS
