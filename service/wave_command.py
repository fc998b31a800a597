"""What operators do to waves: `launchnight wave [list|set|close]` (docs/waves.md). Every change is on the record."""

import argparse
import json
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from typing import Any

from service import shell_names
from service.actions import staff_orders, wave_plans
from service.actions.staff import at_the_shell
from service.actions.staff_changes import is_shortened
from service.actions.staff_orders import Attempt
from service.actions.wave_plans import SETTABLE, WaveChange, in_words
from service.clock import WallClock
from service.domain.wave_plans import WavePlan, state_of
from service.draw_command import instant, quota
from service.ports import Begin, Clock, Vault
from service.settings import Settings

NEVER = "none"


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(what="list", json=False)
    whats = verb.add_subparsers(dest="what", metavar="list|set|close")
    listing = whats.add_parser("list", help="every wave: hours, seats, quotas, dates, how far its draw is")
    setting = whats.add_parser("set", help="plan a wave, or change what is given of it; the rest stays")
    closing = whats.add_parser("close", help="close it now: nobody joins any more")
    for each in (setting, closing):
        each.add_argument("wave", type=_number, help="its number")
        each.add_argument(
            "--who",
            type=shell_names.name,
            default=shell_names.user(),
            help="your name on the record (that of this account)",
        )
    add = partial(setting.add_argument, default=argparse.SUPPRESS)
    add("--opens-at", type=instant, metavar="INSTANT", help="2020-04-11T19:00:00+07:00")
    add("--closes-at", type=instant, metavar="INSTANT", help="who joins a second later is refused")
    add("--seats", type=_count, metavar="N", help="grants in all")
    add(
        "--quota",
        type=quota,
        action="append",
        metavar="PROVINCE=N",
        help="the most of a province: 52=50229. All quotas together, in place of those before",
    )
    add("--no-quotas", action="store_const", const={}, dest="quotas", help="no province has a limit")
    for name, text in (
        ("--announce-at", "nobody is told a place before"),
        ("--sms-from", "when messages may begin to go out"),
        ("--sms-until", "when they end"),
    ):
        add(name, type=_instant_or_none, metavar=f"INSTANT|{NEVER}", help=text)
    add(
        "--age-on",
        type=_day_or_none,
        metavar=f"DATE|{NEVER}",
        help=f"who is 18 on this day is old enough ({NEVER}: REGISTRATION_AGE_ON)",
    )
    for each in (listing, setting, closing):
        each.add_argument("--json", action="store_true", help="as one JSON document")


async def run(
    begin: Begin, _: Vault, __: Settings, options: argparse.Namespace, clock: Clock | None = None
) -> tuple[str, bool]:
    """What to print, and whether it could be done. Raises LaunchnightError."""
    clock = clock or WallClock()
    if options.what == "set":
        given = {name: value for name, value in vars(options).items() if name in SETTABLE}
        pairs = getattr(options, "quota", [])
        if pairs:
            given["quotas"] = dict(pairs)
            if len(given["quotas"]) < len(pairs):
                return "a province has two quotas", False
        return _changed(await _set(begin, clock, options, given), options.json), True
    if options.what == "close":
        return _changed(await _close(begin, clock, options), options.json), True
    rows = [_row(plan, clock.now()) for plan in await wave_plans.list_waves(begin)]
    return (json.dumps(rows, indent=2) if options.json else "\n\n".join(map(_text, rows)) or "none"), True


async def _set(begin: Begin, clock: Clock, options: argparse.Namespace, given: Mapping[str, Any]) -> WaveChange:
    attempt = Attempt("wave-set", {"wave": options.wave})
    async with staff_orders.refusals_noted(begin, at_the_shell(options.who), attempt):
        async with begin(single=True) as tx:
            plan = await tx.wave_plans.find(options.wave)
        if plan is not None and is_shortened(plan, given, clock.now()):
            await _leave_to_two(begin, clock, options)
        return await wave_plans.set_wave(begin, options.who, options.wave, given)


async def _close(begin: Begin, clock: Clock, options: argparse.Namespace) -> WaveChange:
    await _leave_to_two(begin, clock, options)
    attempt = Attempt("wave-close", {"wave": options.wave})
    async with staff_orders.refusals_noted(begin, at_the_shell(options.who), attempt):
        return await wave_plans.close_wave(begin, clock, options.who, options.wave)


async def _leave_to_two(begin: Begin, clock: Clock, options: argparse.Namespace) -> None:
    """Where the staff has two who may close a wave, they do it together (docs/operators.md)."""
    await staff_orders.leave_to_two(begin, clock, at_the_shell(options.who), "wave-close", {"wave": options.wave})


def _row(plan: WavePlan, now: datetime) -> Mapping[str, object]:
    """A wave, as it is shown."""
    draw = {"frozen_at": plan.frozen_at, "published_at": plan.published_at}
    return {
        "wave": plan.id,
        "state": state_of(plan, now),
        **in_words(plan),
        **{name: None if at is None else at.isoformat() for name, at in draw.items()},
        "commitment": None if plan.commitment is None else plan.commitment.hex(),
    }


def _changed(change: WaveChange, as_json: bool) -> str:
    said = {"wave": change.wave, "changed": change.changed, "before": change.before, "after": change.after}
    if as_json:
        return json.dumps(said, indent=2)
    differing = [name for name, value in change.after.items() if change.before.get(name) != value]
    lines = [f"{name}: {_cell(change.before.get(name))} -> {_cell(change.after[name])}" for name in differing]
    return "\n".join([f"wave {change.wave}", *lines]) if lines else f"wave {change.wave} is like this already"


def _text(row: Mapping[str, object]) -> str:
    return "\n".join(f"{name:14} {_cell(value)}" for name, value in row.items())


def _cell(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={each:,}" for name, each in value.items()) or "-"
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _number(text: str) -> int:
    value = int(text)
    if not 0 < value < 2**31:
        raise ValueError
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**31:
        raise ValueError
    return value


def _instant_or_none(text: str) -> datetime | None:
    return None if text == NEVER else instant(text)


def _day_or_none(text: str) -> date | None:
    return None if text == NEVER else date.fromisoformat(text)
