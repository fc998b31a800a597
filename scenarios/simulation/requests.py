"""One request of an applicant in virtual time: from when it is made until it is answered, or given up.

An answer that concerns nobody else is read at once, for the instant at which it will be there: nothing can change it
any more. That saves half of all timers, and no result differs. Whoever waits longer than `refresh_us` may send the
same request again; the first answer counts, and both cost the service.
"""

from typing import Any, NamedTuple

from scenarios.journey_state import Action, Result
from scenarios.setbacks import is_photo, refreshes
from scenarios.simulation.compiled import inlined, shared, whole
from scenarios.simulation.rows import KEPT, Phase, clear, set_flag, state_of
from scenarios.simulation.service_model import Reading, own_answer, touches_others
from scenarios.simulation.stations import Entry, enter
from scenarios.simulation.uploads import announce, has_body, photo_size, send
from scenarios.streams import Purpose, uniform
from service.domain import overload

PATIENCE_US = 25_000_000
"""As loadtests/applicant.py: a browser waits so long for an answer."""
LATER = -1
"""In place of a result: there is a timer for it."""
_US = 1_000_000
_LONGEST_US = (1 << 31) - 1


class Asked(NamedTuple):
    """How a request ended, or that it is under way."""

    result: int
    told_s: float
    at_us: int
    """When the answer was read; of one that comes later, when the timer of the row's phase comes due."""


@shared
def ask(world: Any, figures: Any, row: Any, number: int, now_us: int) -> Asked:
    """Make the request that the row's action stands for."""
    action = whole(row.action)
    if action == Action.PHOTO_CREATE:
        announce(row)
    if has_body(row):
        stored = int(row.stored)
        transfer = send(row, figures, number)
        world.photo_sent += transfer.sent
        world.photo_taken += int(row.stored) - stored
        world.sending += 1
        takes_us = int(transfer.ends_s * _US)
        row.answer_us = min(takes_us, _LONGEST_US)
        row.phase = transfer.phase
        return Asked(LATER, -1.0, now_us + takes_us)
    entry = enter(world, figures, action, 0, number, _occasion(row, 0), now_us)
    return _followed(world, figures, row, number, entry, now_us, now_us, PATIENCE_US)


@shared
def arrived(world: Any, figures: Any, row: Any, number: int, now_us: int) -> Asked:
    """All bytes of a photo have reached the service, which begins to work on it."""
    action = whole(row.action)
    size = photo_size(row, figures, number) - int(row.stored)
    world.photo_taken += size
    entry = enter(world, figures, action, size, number, _occasion(row, 0), now_us)
    sent_us = now_us - int(row.answer_us)
    # The client's patience grows by twice the time that its bytes need.
    return _followed(world, figures, row, number, entry, sent_us, now_us, PATIENCE_US + 2 * int(row.answer_us))


@inlined
def _followed(
    world: Any,
    figures: Any,
    row: Any,
    number: int,
    entry: Entry,
    sent_us: int,
    now_us: int,
    patience_us: int,
) -> Asked:
    """What comes of a request that was sent at `sent_us` and has come to the door at `now_us`."""
    action = whole(row.action)
    row.answer_us = min(entry.done_us - sent_us, _LONGEST_US)
    if not entry.is_let_in:
        return Asked(Result.BUSY + 0, _told_s(world, figures, row, number), entry.done_us)
    takes_us = entry.done_us - sent_us
    if figures.refresh_share > 0.0 and takes_us > figures.refresh_us and not is_photo(action):
        row.phase = Phase.SILENT + 0
        return Asked(LATER, -1.0, sent_us + figures.refresh_us)
    if takes_us > patience_us:
        row.phase = Phase.GIVING_UP + 0
        return Asked(LATER, -1.0, sent_us + patience_us)
    if touches_others(action):
        row.phase = Phase.ASKING + 0
        return Asked(LATER, -1.0, entry.done_us)
    reading = own_answer(world, figures, row, number, entry.done_us)
    return Asked(reading.result, reading.told_s, entry.done_us)


@shared
def refresh(world: Any, figures: Any, habits: Any, row: Any, number: int, now_us: int) -> Asked:
    """No answer for so long: perhaps the same request once more, beside the first."""
    sent_us = now_us - figures.refresh_us
    first_us = sent_us + int(row.answer_us) if row.answer_us <= PATIENCE_US else -1
    last_us = sent_us + PATIENCE_US
    if refreshes(state_of(row, figures), habits, figures.seed, number):
        entry = enter(world, figures, whole(row.action), 0, number, _occasion(row, 1), now_us)
        if not entry.is_let_in:
            # The refusal is an answer, and the first one. What was asked before it is still done: see `play`.
            return Asked(Result.BUSY + 0, _told_s(world, figures, row, number), entry.done_us)
        last_us = now_us + PATIENCE_US
        if first_us < 0 or entry.done_us < first_us:
            first_us = entry.done_us
    if 0 <= first_us <= last_us:
        row.answer_us = first_us - sent_us
        row.phase = Phase.ASKING + 0
        return Asked(LATER, -1.0, first_us)
    row.phase = Phase.GIVING_UP + 0
    return Asked(LATER, -1.0, last_us)


@shared
def keep_effect(row: Any, reading: Reading) -> None:
    """What was asked took effect, and its applicant is not told; the same request again will find it."""
    clear(row, KEPT)
    if reading.result == Result.OK:
        set_flag(row, KEPT)


@shared
def _occasion(row: Any, refreshed: int) -> int:
    """Another number for each request of an applicant."""
    steps = ((int(row.retries) * 32 + int(row.action)) * 32 + int(row.answers)) * 4 + int(row.photo)
    return (steps * 64 + int(row.sends)) * 2 + refreshed


@shared
def _told_s(world: Any, figures: Any, row: Any, number: int) -> float:
    """When to come back, in whole seconds as the header has it."""
    rank = figures.ranks[row.action]
    share = world.share[rank] if rank >= 0 else 1.0
    drawn = uniform(figures.seed, number, Purpose.RETRY_AFTER, whole(row.retries))
    return float(int(overload.retry_after_s(share, drawn)) + 1)
