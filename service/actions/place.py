"""Where a ticket stands: told from memory. No SQL is asked, and nothing in the line changes by asking.

What is agreed with one person travels signed in the answer: when to ask again at the earliest, the first range that was
promised, and when the turn was told. So any replica can judge it, and a replica that begins anew knows as much.
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from service.domain import promises, signatures, waiting_room
from service.domain.errors import PlaceTokenInvalid, TooEarly
from service.ports import Ports
from service.room_ports import Room

TOLERANCE = 0.5
"""A phone's clock and the network may shorten the agreed pause by half a second."""
AT_ONCE = 5.0
"""Seconds after the turn was told in which somebody who comes in came at once: then the wait ended on coming in, else
when it was told."""

_OUTCOMES = {promises.EARLY: "early", promises.INSIDE: "inside", promises.LATE: "late"}
_REASONS = {promises.NO_RISE: "", promises.FEWER_ENTER: "fewer-enter", promises.PEOPLE_RETURNED: "people-returned"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket stands.

    state: before (the opening), waiting, invited, paused, closed. place: None until the lots of early comers are drawn.
    ahead: live people who are let in before. wait_s: a range that eight waits in ten end in; None while nobody can say.
    reason: why the wait is longer than was said (fewer-enter, people-returned), or full. place_token: for the next
    look, which comes `poll_after_s` later or is refused.
    """

    state: str
    number: int
    place: int | None
    ahead: int | None
    wait_s: tuple[float, float] | None
    reason: str
    computed_at: datetime
    poll_after_s: float
    place_token: str
    ticket: str | None = None
    """The ticket under a newer key, to be shown from now on; None: the one that was shown will do."""


class Agreed(NamedTuple):
    """What the place token carries; times in milliseconds, durations in tenths of seconds, 0: not yet."""

    number: int
    not_before_ms: int
    promised_ms: int = 0
    expected_ds: int = 0
    low_ds: int = 0
    high_ds: int = 0
    told_ms: int = 0
    """When the turn was first told."""
    ahead: int = 0
    shown_high_ds: int = 0
    """As they were shown last."""


def look(ports: Ports, room: Room, number: int, place_token: str, *, person: bool = False) -> Place:
    """The place of ticket `number`, which its holder has proved.

    place_token: of the previous answer; empty when it was lost, for example with a closed page.
    person: somebody looks at a page, which is never refused; only what was promised is taken from the token.
    Raises TooEarly before the moment that was agreed, or without a token when the ticket asked moments ago;
    PlaceTokenInvalid.
    """
    now = ports.clock.now()
    agreed = _read(ports, number, place_token) if place_token else None
    if not person:
        if agreed is not None:
            too_early_by = agreed.not_before_ms / 1000 - TOLERANCE - now.timestamp()
        else:
            too_early_by = ports.lookout.wait_without_token(number, time.monotonic())
        if too_early_by > 0.0:
            # A clock that was set back must not keep anybody away for longer than the longest pause.
            raise TooEarly(retry_after_s=min(too_early_by, promises.SPREAD))
    return place_of(ports, room, number, now, agreed)


def place_of(ports: Ports, room: Room, number: int, now: datetime, agreed: Agreed | None = None) -> Place:
    """The place of ticket `number` as the room's copy shows it; its holder is there, so it counts as live."""
    agreed = agreed or Agreed(number, 0)
    if not room.is_drawn:
        ports.lookout.note(number, room.base, False)
        return _answer(ports, agreed, "before", now, promises.POLL_MOST)
    place = room.place_of(number)
    ports.lookout.note(place, int(room.frontier), True)
    if room.state in ("paused", "closed", "before"):
        return _answer(ports, agreed, room.state, now, promises.POLL_MOST, place, _ahead(ports, room, place, now))
    if waiting_room.may_claim(place, room.frontier):
        agreed = agreed._replace(told_ms=agreed.told_ms or _ms(now))
        # Who is invited decides by themselves when to claim; the range is what an immediate one takes.
        wait = (0.0, promises.BEATS)
        return _answer(ports, agreed, "invited", now, promises.POLL_LEAST, place, 0, wait)
    ahead = _ahead(ports, room, place, now)
    # The gatekeeper has not moved yet: its first move will be at the rate of the settings.
    rate = room.rate_per_s if room.rate_per_s > 0.0 else ports.policy.gate_rate_per_s
    expected = promises.expected_wait_s(ahead, rate * ports.lookout.used_share)
    low, high = ports.lookout.range_of(expected)
    reason = promises.rise_reason(agreed.shown_high_ds / 10, high, agreed.ahead, ahead)
    if agreed.promised_ms == 0:
        agreed = agreed._replace(
            promised_ms=_ms(now), expected_ds=round(expected * 10), low_ds=round(low * 10), high_ds=round(high * 10)
        )
    agreed = agreed._replace(ahead=ahead, shown_high_ds=round(high * 10))
    said = _REASONS[reason] or ("full" if room.state == "full" else "")
    return _answer(
        ports, agreed, "waiting", now, promises.poll_interval_s(expected), place, ahead, (low, high), reason=said
    )


def score(ports: Ports, number: int, place_token: str, now: datetime) -> None:
    """Count how the first promise to the holder of `number` held, and learn from it. Called once for each holder."""
    try:
        agreed = _read(ports, number, place_token)
    except PlaceTokenInvalid:
        return
    if agreed.promised_ms == 0 or agreed.expected_ds == 0:
        return
    told = agreed.told_ms or _ms(now)
    ended = _ms(now) if _ms(now) - told <= AT_ONCE * 1000 else told
    waited = max(ended - agreed.promised_ms, 0) / 1000
    ports.promised(_OUTCOMES[promises.scored(waited, agreed.low_ds / 10, agreed.high_ds / 10)])
    ports.lookout.learn(now.timestamp(), waited, agreed.expected_ds / 10)


def was_told(ports: Ports, number: int, place_token: str) -> bool:
    """Whether the token is of an answer that said "come in", or later."""
    try:
        return _read(ports, number, place_token).told_ms > 0
    except PlaceTokenInvalid:
        return False


def _ahead(ports: Ports, room: Room, place: int, now: datetime) -> int:
    """Live people before `place`, those included who were let through to the gate and wait there."""
    warm = room.opened_at is None or (now - room.opened_at).total_seconds() >= promises.SPREAD
    return room.pending + ports.lookout.ahead(place, int(room.frontier), warm)


def _answer(
    ports: Ports,
    agreed: Agreed,
    state: str,
    now: datetime,
    interval: float,
    place: int | None = None,
    ahead: int | None = None,
    wait: tuple[float, float] | None = None,
    *,
    reason: str = "",
) -> Place:
    pause = promises.poll_pause_s(agreed.number, interval, now.timestamp())
    agreed = agreed._replace(not_before_ms=_ms(now) + int(pause * 1000))
    return Place(
        state=state,
        number=agreed.number,
        place=place,
        ahead=ahead,
        wait_s=None if wait is None else (round(wait[0], 1), round(wait[1], 1)),
        reason=reason,
        computed_at=now,
        poll_after_s=round(pause, 2),
        place_token=signatures.sign(ports.vault.key("places"), *agreed),
    )


def _read(ports: Ports, number: int, place_token: str) -> Agreed:
    """Raises PlaceTokenInvalid: not ours, or of another ticket."""
    fields = signatures.read(ports.vault.key("places"), place_token, len(Agreed._fields))
    if fields is None or fields[0] != number:
        raise PlaceTokenInvalid
    return Agreed(*fields)


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1000)
