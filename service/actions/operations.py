"""What operators do to the waiting room: each change is idempotent, takes effect within a second, and is on the record.

A change is one transaction under the room's lock. The leader of the gate reads what is wanted once a second, and every
replica with its copy of the room; nobody loses a place, whatever is wanted.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from service.actions import lottery
from service.actions.figures import totals
from service.domain.errors import IdempotencyKeyReused, OrderRefused
from service.operation_ports import RoomEvent, Wanted
from service.ports import Begin, Clock, Transaction, Vault
from service.room_ports import Room

MOST_MESSAGE = 200
"""Characters of a message for everybody in line: the board has 300 bytes."""
SHOWN = 50
LEADS_WITHIN = 3.0
"""Seconds since the gatekeeper's last move of the frontier; it moves once a second."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done. request: a name of it, under which it is done once; None: it has none."""

    who: str
    verb: str
    arguments: Mapping[str, Any]
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What an order came to. repeated: it was done before under the same request, and this is what it did then."""

    verb: str
    changed: bool
    before: Mapping[str, object]
    after: Mapping[str, object]
    request: str | None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Now:
    """What a change is made from."""

    wanted: Wanted
    room: Room
    at: datetime


Change = Callable[[_Now, Mapping[str, Any]], Wanted]


def wanted_of(room: Room) -> Wanted:
    return Wanted(
        wanted=room.wanted,
        queue_all=room.queue_all,
        fixed_rate_per_s=room.fixed_rate_per_s,
        hard_rate_per_s=room.hard_rate_per_s,
        inside_limit=room.inside_limit,
        message=room.message,
        opens_at=room.opens_at,
        key_id=room.key_id,
        oldest_key_id=room.oldest_key_id,
    )


def _opened(now: _Now, _: Mapping[str, Any]) -> Wanted:
    """Before the hour: the hour is now."""
    opens_at = now.wanted.opens_at
    if opens_at is not None and now.room.opened_at is None:
        opens_at = min(opens_at, now.at)
    return replace(now.wanted, wanted="open", queue_all=False, opens_at=opens_at)


def _paused(now: _Now, given: Mapping[str, Any]) -> Wanted:
    return replace(now.wanted, wanted="paused", message=given.get("message", now.wanted.message))


def _closed(now: _Now, given: Mapping[str, Any]) -> Wanted:
    return replace(now.wanted, wanted="closed", message=given.get("message", now.wanted.message))


def _told(now: _Now, given: Mapping[str, Any]) -> Wanted:
    return replace(now.wanted, message=given["message"])


def _rated(now: _Now, given: Mapping[str, Any]) -> Wanted:
    return replace(now.wanted, fixed_rate_per_s=given["people_per_s"])


def _limited(now: _Now, given: Mapping[str, Any]) -> Wanted:
    return replace(now.wanted, hard_rate_per_s=given["people_per_s"])


def _crowded(now: _Now, given: Mapping[str, Any]) -> Wanted:
    return replace(now.wanted, inside_limit=given["people"])


def _queued(now: _Now, given: Mapping[str, Any]) -> Wanted:
    return replace(now.wanted, queue_all=given["on"])


def _scheduled(now: _Now, given: Mapping[str, Any]) -> Wanted:
    opens_at: datetime | None = given["opens_at"]
    if opens_at == now.wanted.opens_at:
        return now.wanted
    drawn = now.room.last_ticket - now.room.base
    # Who holds a ticket was told its place, or that it is drawn by lot: neither is changed behind their backs.
    begun = now.room.opened_at is not None or (drawn > 0 and None in (now.wanted.opens_at, opens_at))
    if begun and not given.get("anew", False):
        raise OrderRefused(f"People hold {drawn} tickets of this start of the room; `anew` ends these and begins anew.")
    if opens_at is not None and opens_at <= now.at:
        raise OrderRefused("The hour is past: name a later one, or open the room.")
    return replace(now.wanted, opens_at=opens_at)


def _rotated(now: _Now, given: Mapping[str, Any]) -> Wanted:
    """Tickets under the key before stay valid, and are renewed when their holders ask; `forget` refuses them."""
    key_id = now.wanted.key_id + 1
    oldest = key_id if given.get("forget", False) else now.wanted.key_id
    return replace(now.wanted, key_id=key_id, oldest_key_id=oldest)


CHANGES: Mapping[str, Change] = {
    "open": _opened,
    "pause": _paused,
    "close": _closed,
    "message": _told,
    "rate": _rated,
    "limit": _limited,
    "inside": _crowded,
    "queue-all": _queued,
    "schedule": _scheduled,
    "rotate-keys": _rotated,
}
VERBS = (*CHANGES, "end-session")


async def carry_out(tx: Transaction, vault: Vault, clock: Clock, order: Order) -> Done:
    """Do it, once for each request. Raises OrderRefused, IdempotencyKeyReused."""
    room = await tx.room.hold()
    if order.request is not None:
        event = await tx.operations.find_event(order.request)
        if event is not None:
            return _repeated(event, order)
    if order.verb == "end-session":
        return await _end_session(tx, order)
    before = wanted_of(room)
    after = CHANGES[order.verb](_Now(before, room, clock.now()), order.arguments)
    anew = order.verb == "schedule" and after != before and bool(order.arguments.get("anew", False))
    if after == before:
        return Done(order.verb, False, {}, {}, order.request)
    if anew:
        await tx.operations.start_anew()
    await tx.operations.put(after)
    if order.verb == "schedule" and after.opens_at is not None:
        await lottery.promise(tx, vault, await tx.room.read())
    changed = _difference(before, after)
    if anew:
        changed["epoch"] = (room.epoch, room.epoch + 1)
    return await _recorded(tx, order, changed)


async def _end_session(tx: Transaction, order: Order) -> Done:
    number = order.arguments["ticket"]
    room = await tx.room.read()
    if not 1 <= number <= room.last_ticket:
        raise OrderRefused(f"There is no ticket {number}.")
    if not await tx.operations.end_session(number):
        return Done(order.verb, False, {}, {}, order.request)
    return await _recorded(tx, order, {f"ticket {number}": ("valid", "ended")})


async def _recorded(tx: Transaction, order: Order, changed: Mapping[str, tuple[object, object]]) -> Done:
    before = {name: each[0] for name, each in changed.items()}
    after = {name: each[1] for name, each in changed.items()}
    detail = {"before": before, "after": after, "asked": _asked(order)}
    await tx.operations.add_event(order.who, order.verb, detail, order.request)
    return Done(order.verb, True, before, after, order.request)


def _asked(order: Order) -> dict[str, object]:
    return {name: _plain(value) for name, value in order.arguments.items()}


def _difference(before: Wanted, after: Wanted) -> dict[str, tuple[object, object]]:
    then, now = asdict(before), asdict(after)
    return {name: (_plain(then[name]), _plain(now[name])) for name in now if then[name] != now[name]}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _repeated(event: RoomEvent, order: Order) -> Done:
    if event.verb != order.verb or event.detail.get("asked") != _asked(order):
        raise IdempotencyKeyReused(f"The request {order.request} was another one: {event.verb}.")
    before, after = event.detail["before"], event.detail["after"]
    assert isinstance(before, Mapping) and isinstance(after, Mapping)
    return Done(order.verb, True, before, after, order.request, repeated=True)


async def events(begin: Begin, most: int = SHOWN) -> list[Mapping[str, object]]:
    """The newest changes first."""
    async with begin(single=True) as tx:
        found = await tx.operations.events(most=most)
    return [{**asdict(each), "at": each.at.isoformat(timespec="milliseconds")} for each in found]


async def status(begin: Begin) -> Mapping[str, object]:
    """The room as an operator sees it, and what is missing for it to work."""
    async with begin() as tx:
        room = await tx.room.read()
        binding = await tx.operations.binding()
        heard = await totals(tx)
    missing = []
    if room.still_s > LEADS_WITHIN:
        missing.append("no gatekeeper has moved the line lately")
    if "steps" not in heard:
        missing.append("no web replica is heard of")
    if "email" not in heard:
        missing.append("no worker is heard of")
    return {
        "state": room.state,
        "wanted": room.wanted,
        "message": room.message,
        "queue_all": room.queue_all,
        "rate_per_s": round(room.rate_per_s, 3),
        "rate": "automatic" if room.fixed_rate_per_s is None else "fixed",
        "bound_by": binding or None,
        "limit_per_s": room.hard_rate_per_s,
        "inside_limit": room.inside_limit,
        "tickets": room.last_ticket,
        "invited": min(int(room.frontier), room.last_ticket),
        "in_line": max(room.last_ticket - int(room.frontier), 0),
        "at_the_gate": room.pending,
        "admitted": room.admitted,
        "epoch": room.epoch,
        "opens_at": _plain(room.opens_at),
        "opened_at": _plain(room.opened_at),
        "key_id": room.key_id,
        "oldest_key_id": room.oldest_key_id,
        "revoked": len(room.revoked),
        "missing": missing,
    }


async def preview(begin: Begin, clock: Clock, opens_at: datetime, rate_per_s: float) -> Mapping[str, object]:
    """What an event at `opens_at` would be, if `rate_per_s` people a second come in; nothing is changed."""
    async with begin(single=True) as tx:
        room = await tx.room.read()
    early = room.last_ticket - room.base
    fixed = room.fixed_rate_per_s if room.fixed_rate_per_s is not None else rate_per_s
    rate = min(fixed, rate_per_s if room.hard_rate_per_s is None else room.hard_rate_per_s)
    done = timedelta(seconds=early / rate) if rate > 0 else None
    return {
        "opens_at": opens_at.isoformat(),
        "in_s": round((opens_at - clock.now()).total_seconds(), 1),
        "tickets_so_far": early,
        "rate_per_s": rate,
        "last_of_them_in_at": None if done is None else (opens_at + done).isoformat(timespec="seconds"),
        "their_places": "by lot: the commitment to it is put on the record with the order",
    }
