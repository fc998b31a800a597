"""What is done to waves from the shell: set hours, seats, quotas and dates, close one early. Every change is on the
record of the staff, who change waves over HTTP (`service/actions/staff_changes.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from service.actions.staff import at_the_shell, entry
from service.domain.errors import NotFound
from service.domain.wave_errors import WaveRefused
from service.domain.wave_plans import WavePlan, faults_of_change
from service.ports import Begin, Clock, Transaction

SETTABLE = ("opens_at", "closes_at", "seats", "quotas", "announce_at", "sms_from", "sms_until", "age_on")


@dataclass(frozen=True, slots=True)
class WaveChange:
    """Both sides in words, as they stand on the record; empty where nothing was or nothing changed."""

    wave: int
    before: Mapping[str, object]
    after: Mapping[str, object]

    @property
    def changed(self) -> bool:
        return self.before != self.after


async def list_waves(begin: Begin) -> Sequence[WavePlan]:
    """In order of their opening."""
    async with begin(single=True) as tx:
        return await tx.wave_plans.plans()


async def set_wave(begin: Begin, who: str, wave_id: int, given: Mapping[str, Any]) -> WaveChange:
    """Change what `given` names (of SETTABLE), or plan a new wave, which needs both of its hours.

    Raises WaveRefused.
    """
    async with begin() as tx:
        change = await set_in(tx, wave_id, given)
        await _note(tx, who, "wave-set", change)
    return change


async def set_in(tx: Transaction, wave_id: int, given: Mapping[str, Any]) -> WaveChange:
    """As `set_wave`, in a transaction that is under way."""
    await tx.wave_plans.hold()
    before = await tx.wave_plans.find(wave_id)
    if before is not None:
        return await _put(tx, before, replace(before, **given))
    if "opens_at" not in given or "closes_at" not in given:
        raise _refused("a new wave needs the hours of opening and of closing")
    return await _put(tx, None, WavePlan(id=wave_id, **given))


async def close_wave(begin: Begin, clock: Clock, who: str, wave_id: int) -> WaveChange:
    """From now on nobody joins. A wave that has closed stays as it is. Raises NotFound, WaveRefused."""
    async with begin() as tx:
        change = await close_in(tx, wave_id, clock.now())
        await _note(tx, who, "wave-close", change)
    return change


async def close_in(tx: Transaction, wave_id: int, at: datetime) -> WaveChange:
    """As `close_wave`, in a transaction that is under way; at: now, or later."""
    await tx.wave_plans.hold()
    before = await tx.wave_plans.find(wave_id)
    if before is None:
        raise NotFound(f"There is no wave {wave_id}.")
    if at < before.opens_at:
        raise _refused("it has not opened yet: set its hours instead")
    return await _put(tx, before, replace(before, closes_at=min(before.closes_at, at)))


async def _put(tx: Transaction, before: WavePlan | None, after: WavePlan) -> WaveChange:
    others = [plan for plan in await tx.wave_plans.plans() if plan.id != after.id]
    if reasons := list(faults_of_change(before, after, others)):
        raise _refused(*reasons)
    change = WaveChange(after.id, {} if before is None else in_words(before), in_words(after))
    if change.changed:
        await tx.wave_plans.put(after)
    return change


async def _note(tx: Transaction, who: str, verb: str, change: WaveChange) -> None:
    """What was typed at the shell; what the staff orders is noted where its role is known (staff_orders)."""
    outcome = "done" if change.changed else "unchanged"
    facts = {"before": change.before, "after": change.after} if change.changed else {}
    await tx.staff.note(entry(at_the_shell(who), verb, outcome, None, asked={"wave": change.wave}, **facts))


def in_words(plan: WavePlan) -> Mapping[str, object]:
    """What can be set of a wave, as JSON says it."""
    return {name: _word(getattr(plan, name)) for name in SETTABLE}


def _word(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {f"{province:02}": most for province, most in sorted(value.items())}
    return value


def _refused(*reasons: str) -> WaveRefused:
    return WaveRefused("; ".join(reasons), reasons=list(reasons))
