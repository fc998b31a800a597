"""What operators ask of the waiting room: `launchnight waiting-room [status|open|pause|...]`.

A change is done once under the name given by `--request`, holds within a second, and is on the record (`audit`). The
same verbs are an HTTP API of the gatekeeper (service/web/operators.py).
"""

import argparse
import json
import math
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO

from service import office_command, shell_names
from service.actions import lottery, operations, staff_orders
from service.actions.lottery import NotDrawn
from service.actions.operations import MOST_MESSAGE, SHOWN, Done, Order
from service.actions.staff import at_the_shell
from service.clock import WallClock
from service.domain import lottery_record
from service.ports import Begin, Clock, Vault
from service.settings import Settings

VERIFY = "verify"
"""The one verb that needs no database: anybody may check a draw."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(what="status", json=False)
    whats = verb.add_subparsers(dest="what", metavar="VERB")
    add = whats.add_parser
    looks = [
        add("status", help="state, rate and what bounds it, people in line, and what is missing"),
        add("audit", help="the newest changes: who, when, what, before and after"),
    ]
    looks[1].add_argument("--most", type=int, default=SHOWN, help=f"how many are shown ({SHOWN})")
    changes = {
        "open": "let people in again; before the hour of opening: now",
        "pause": "let nobody in; places are kept",
        "close": "end the event: nobody is let in any more",
        "message": "a message for everybody in line; an empty one takes it away",
        "rate": "people a second; `automatic`: chosen from the stages behind the gate",
        "limit": "people a second that no rate exceeds; `settings`: that of the settings",
        "inside": "people who are inside at most, 0 any number; `settings`: that of the settings",
        "queue-all": "everybody who comes waits in line, and nobody is let in: on or off",
        "end-session": "revoke a ticket, end its pass, sign its holder out",
        "schedule": "the hour of opening; who comes before it gets a place by lot. `never`: no hour",
        "rotate-keys": "sign tickets with a new key; those under the one before stay valid",
    }
    parsers = {name: add(name, help=text, description=text) for name, text in changes.items()}
    for name in ("pause", "close"):
        parsers[name].add_argument("--message", type=_message, help="for everybody in line")
    parsers["message"].add_argument("message", type=_message, metavar="TEXT")
    parsers["rate"].add_argument("people_per_s", type=_rate_or("automatic"), metavar="N|automatic")
    parsers["limit"].add_argument("people_per_s", type=_rate_or("settings"), metavar="N|settings")
    parsers["inside"].add_argument("people", type=_people, metavar="N|settings")
    parsers["queue-all"].add_argument("on", type=_switch, metavar="on|off")
    parsers["end-session"].add_argument("ticket", type=int, metavar="NUMBER", help="the ticket's number")
    parsers["schedule"].add_argument("opens_at", type=_instant, metavar="INSTANT", help="2020-04-11T19:00:00+07:00")
    parsers["schedule"].add_argument("--anew", action="store_true", help="end all tickets, and begin a new line")
    parsers["schedule"].add_argument("--preview", action="store_true", help="say what it would be, and change nothing")
    parsers["rotate-keys"].add_argument("--forget", action="store_true", help="refuse the tickets under older keys")
    for parser in parsers.values():
        parser.add_argument(
            "--who",
            type=shell_names.name,
            default=shell_names.user(),
            help="your name on the record (that of this account)",
        )
        parser.add_argument("--request", type=shell_names.name, help="a name under which it is done once (a new one)")
    for parser in (*looks, *parsers.values()):
        parser.add_argument("--json", action="store_true", help="as one JSON document")
    publish = add("publish", help="write the record of the draw, with its seed, for everybody to check")
    publish.add_argument("--to", metavar="FILE", type=Path, help="where to (standard output)")
    verify = add(VERIFY, help="recompute every place of a published record; needs no database")
    verify.add_argument("record", metavar="RECORD", type=Path, help="the file; - is standard input")
    office_command.add_arguments(add("office", help="labor offices that hold tickets for applicants"))


async def run(
    begin: Begin, vault: Vault, settings: Settings, options: argparse.Namespace, clock: Clock | None = None
) -> tuple[str, bool]:
    """What to print, and whether it could be done. Raises LaunchnightError."""
    what, clock = options.what or "status", clock or WallClock()
    if what == "office":
        return await office_command.run(begin, vault, options)
    if what == "publish":
        return await _publish(begin, vault, options.to)
    if what == "status":
        return _shown(await operations.status(begin), options.json), True
    if what == "audit":
        found = await operations.events(begin, options.most)
        return (json.dumps(found, indent=2) if options.json else "\n".join(map(_line, found)) or "none"), True
    if what == "schedule" and options.preview:
        if options.opens_at is None:
            return "a preview needs an hour", False
        plan = await operations.preview(begin, clock, options.opens_at, settings.gate_rate)
        return _shown(plan, options.json), True
    given = vars(options)
    names = ("message", "people_per_s", "people", "on", "ticket", "opens_at", "anew", "forget")
    wanted = {"message"} if what in ("pause", "close") and options.message is None else set()
    arguments = {name: given[name] for name in names if name in given and name not in wanted}
    order = Order(options.who, what, arguments, options.request or f"command {secrets.token_hex(8)}")
    done = await staff_orders.give(begin, vault, clock, at_the_shell(options.who), order)
    assert isinstance(done, Done), "no verb of the waiting room needs two"
    return _shown(told(done), options.json), True


def told(done: Done) -> Mapping[str, object]:
    """What came of an order, as it is shown."""
    said: dict[str, object] = {"verb": done.verb, "changed": done.changed}
    if done.changed:
        said |= {"before": done.before, "after": done.after, "request": done.request, "repeated": done.repeated}
    return said


def run_here(options: argparse.Namespace) -> tuple[str, bool] | None:
    """Check the record of a draw; None: the verb is another, which needs the database. Raises OSError."""
    if options.what != VERIFY:
        return None
    with ExitStack() as stack:
        lines: IO[str] = sys.stdin if str(options.record) == "-" else stack.enter_context(options.record.open())
        verdict = lottery_record.verify(lines)
    if verdict.faults:
        return "\n".join(["the record is refused:", *(f"  {fault}" for fault in verdict.faults)]), False
    return f"{verdict.tickets} places follow from the seed that was committed to", True


async def _publish(begin: Begin, vault: Vault, to: Path | None) -> tuple[str, bool]:
    try:
        if to is None:
            tickets = await lottery.publish(begin, vault, sys.stdout.write)
            return f"{tickets} tickets", True
        with to.open("w") as file:
            tickets = await lottery.publish(begin, vault, file.write)
    except NotDrawn:
        return "no places were drawn in this start of the room", False
    return f"{to}: {tickets} tickets", True


def _shown(what: Mapping[str, object], as_json: bool) -> str:
    if as_json:
        return json.dumps(what, indent=2)
    return "\n".join(f"{name:14} {_cell(value)}" for name, value in what.items())


def _cell(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(each)}" for name, each in value.items()) or "-"
    if isinstance(value, list):
        return "; ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else f"{value:,}" if isinstance(value, int) else str(value)


def _line(event: Mapping[str, object]) -> str:
    detail = event["detail"]
    assert isinstance(detail, Mapping)
    return f"{event['at']}  {event['who']}  {event['verb']}: {_cell(detail['before'])} -> {_cell(detail['after'])}"


def _message(text: str) -> str:
    if len(text) > MOST_MESSAGE or not (text.isprintable() or not text):
        raise ValueError
    return text


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate < math.inf:
        raise ValueError
    return rate


def _rate_or(nothing: str) -> Callable[[str], float | None]:
    """People a second; None for the word `nothing`."""

    def rate(text: str) -> float | None:
        return None if text == nothing else _rate(text)

    return rate


def _people(text: str) -> int | None:
    """None: as many as the settings say."""
    if text == "settings":
        return None
    people = int(text)
    if not 0 <= people <= 10**9:
        raise ValueError
    return people


def _switch(text: str) -> bool:
    if text not in ("on", "off"):
        raise ValueError
    return text == "on"


def _instant(text: str) -> datetime | None:
    """None: never."""
    if text == "never":
        return None
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError
    return value
