"""What the staff may change beside the waiting room: quotas of queues, waves, sessions of their own.

Each change is made in the transaction of its order, and says what it was before.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from service.actions import wave_plans
from service.actions.operations import Order
from service.actions.wave_plans import WaveChange
from service.domain.errors import OrderRefused
from service.domain.wave_plans import WavePlan, state_of
from service.ports import Transaction


@dataclass(frozen=True, slots=True)
class Changed:
    """Values before and after, as JSON has them; empty: it was so already."""

    before: Mapping[str, object]
    after: Mapping[str, object]


Change = Callable[[Transaction, Order, datetime], Awaitable[Changed]]
UNCHANGED = Changed({}, {})


def plain(arguments: Mapping[str, Any]) -> dict[str, object]:
    """As JSON has them."""
    return {name: each.isoformat() if isinstance(each, date) else each for name, each in arguments.items()}


async def _set_quota(tx: Transaction, order: Order, _: datetime) -> Changed:
    queue, rate = order.arguments["queue"], order.arguments["rate_per_s"]
    known, before = await tx.staff.hold_quota(queue)
    if not known:
        raise OrderRefused(f"There is no queue {queue}.")
    if before == rate:
        return UNCHANGED
    await tx.queue.set_rate(queue, rate)
    return Changed({queue: before}, {queue: rate})


async def _end_staff_session(tx: Transaction, order: Order, now: datetime) -> Changed:
    whose = await tx.staff.end_session(UUID(order.arguments["session"]), now)
    return UNCHANGED if whose is None else Changed({whose: "signed in"}, {whose: "signed out"})


async def _set_wave(tx: Transaction, order: Order, now: datetime) -> Changed:
    """What is given of a wave; of a new one, its hours at least. Raises OrderRefused, WaveRefused."""
    await tx.wave_plans.hold()
    wanted = {name: value for name, value in order.arguments.items() if name != "wave"}
    if "quotas" in wanted:
        wanted["quotas"] = {int(province): most for province, most in wanted["quotas"].items()}
    before = await tx.wave_plans.find(order.arguments["wave"])
    if before is not None and is_shortened(before, wanted, now):
        raise OrderRefused("Nobody alone takes hours away from an open wave: `wave-close` needs two.")
    return _differing(await wave_plans.set_in(tx, order.arguments["wave"], wanted))


def is_shortened(wave: WavePlan, wanted: Mapping[str, Any], now: datetime) -> bool:
    """Whether people who could join would find it closed."""
    return wave.opens_at <= now < wave.closes_at and (
        wanted.get("closes_at", wave.closes_at) < wave.closes_at or wanted.get("opens_at", now) > now
    )


async def _close_wave(tx: Transaction, order: Order, now: datetime) -> Changed:
    """Now, or at the hour that is given. Raises NotFound, OrderRefused, WaveRefused."""
    wanted = order.arguments.get("closes_at")
    closes_at = now if wanted is None else _instant(wanted)
    if closes_at < now:
        raise OrderRefused("The moment is past: leave it out, and the wave closes when it is confirmed.")
    return _differing(await wave_plans.close_in(tx, order.arguments["wave"], closes_at))


def _instant(given: datetime | str) -> datetime:
    """Of a proposal it is text."""
    return datetime.fromisoformat(given) if isinstance(given, str) else given


def _differing(change: WaveChange) -> Changed:
    changed = [name for name, value in change.after.items() if change.before.get(name) != value]
    return Changed({name: change.before.get(name) for name in changed}, {name: change.after[name] for name in changed})


async def _confirm_publication(tx: Transaction, order: Order, _: datetime) -> Changed:
    """Nothing is done here: `draw publish` looks whether two people wanted it, of this wave and this draw."""
    draw = f"wave {order.arguments['wave']}"
    return Changed({draw: "proposed"}, {draw: "may be published"})


FURTHER: Mapping[str, Change] = {
    "queue-quota": _set_quota,
    "wave-set": _set_wave,
    "wave-close": _close_wave,
    "draw-publish": _confirm_publication,
    "end-staff-session": _end_staff_session,
}
"""Verb -> what it does."""


async def waves(tx: Transaction, now: datetime) -> list[dict[str, object]]:
    """What operators have set of each wave, and how far it is."""
    plans = await tx.wave_plans.plans()
    return [{"wave": each.id, "state": state_of(each, now), **wave_plans.in_words(each)} for each in plans]
