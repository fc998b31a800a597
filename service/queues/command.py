"""What operators ask of the queues: `launchnight queues [list|dead|redrive|quota]`.

Nothing here shows a person: a job holds ids only, and not even these are printed but its own.
"""

import argparse
import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial

from service import shell_names
from service.actions import staff_orders
from service.actions.operations import Order
from service.actions.staff import at_the_shell, entry
from service.clock import WallClock
from service.domain.queues import drain_s
from service.ports import Begin, Vault
from service.queue_ports import DeadLetter, QueueStanding
from service.queues.policy import QueuePolicy, policies
from service.settings import Settings

AT_ONCE = 500
"""Dead letters of one transaction: it holds the counters of the queue, and callers find them held."""
SHOWN = 50
Table = Sequence[Mapping[str, object]]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(what="list", json=False)
    whats = verb.add_subparsers(dest="what", metavar="list|dead|redrive|quota")
    add = whats.add_parser
    listing = add("list", help="every queue: used, limit, oldest job, quota, time to drain, dead letters")
    dead = add("dead", help="jobs that were given up, the newest first")
    redrive = add("redrive", help="give dead letters all their tries again, the oldest first")
    quota = add("quota", help="change a partner's quota while workers run")
    dead.add_argument("--most", type=int, default=SHOWN, help=f"how many are shown ({SHOWN})")
    dead.add_argument("--queue", help="of this queue only")
    redrive.add_argument("queue", help="name of the queue")
    redrive.add_argument("ids", type=int, nargs="*", help="only these dead letters")
    for each in (dead, redrive):
        each.add_argument("--error", help="only those with this class of error")
    quota.add_argument("queue", help="name of the queue")
    quota.add_argument("rate", type=_rate, help="jobs a second, 0 to stop; `settings`: the rate of the settings again")
    for each in (redrive, quota):
        each.add_argument("--who", type=shell_names.name, default=shell_names.user(), help="your name on the record")
    for each in (listing, dead, redrive, quota):
        each.add_argument("--json", action="store_true", help="as one JSON document")


def _rate(text: str) -> float | None:
    """None: that of the settings."""
    if text == "settings":
        return None
    rate = float(text)
    if not 0 <= rate < math.inf:
        raise ValueError
    return rate


async def run(begin: Begin, vault: Vault, settings: Settings, options: argparse.Namespace) -> tuple[str, bool]:
    """What to print, and whether it could be done. Raises LaunchnightError."""
    table = policies(settings)
    whats: Mapping[str, Callable[..., Awaitable[tuple[Table, bool]]]] = {
        "list": _list, "dead": _dead, "redrive": _redrive, "quota": partial(_quota, vault),
    }  # fmt: skip
    if getattr(options, "queue", None) not in {None, *table}:
        return f"there is no queue {options.queue}: {', '.join(table)}", False
    rows, done = await whats[options.what or "list"](begin, table, options)
    return (json.dumps(list(rows), indent=2) if options.json else _as_text(rows)), done


async def _list(begin: Begin, table: Mapping[str, QueuePolicy], _: argparse.Namespace) -> tuple[Table, bool]:
    async with begin(single=True) as tx:
        standings = await tx.queue.standings()
    return [_standing(each, table[each.queue]) for each in standings if each.queue in table], True


def _standing(standing: QueueStanding, policy: QueuePolicy) -> Mapping[str, object]:
    rate = policy.rate_per_s
    if standing.rate_per_s is not None and rate >= 0:
        rate = standing.rate_per_s
    drain = drain_s(standing.depth, 0.0, rate)
    return {
        "queue": standing.queue,
        "used": standing.depth,
        "limit": None if policy.limit < 0 else policy.limit,
        "oldest_s": round(standing.oldest_age, 1),
        "quota_per_s": None if rate < 0 else rate,
        "quota_by_hand": standing.rate_per_s is not None,
        "drains_in_s": None if drain < 0 else round(drain, 1),
        "dead": standing.dead,
    }


async def _dead(begin: Begin, _: Mapping[str, QueuePolicy], options: argparse.Namespace) -> tuple[Table, bool]:
    async with begin(single=True) as tx:
        letters = await tx.queue.dead_letters(options.queue, options.error, most=options.most)
    return [_letter(each) for each in letters], True


def _letter(letter: DeadLetter) -> Mapping[str, object]:
    return {
        name: value.isoformat(timespec="seconds") if isinstance(value, datetime) else value
        for name, value in asdict(letter).items()
    }


async def _redrive(begin: Begin, table: Mapping[str, QueuePolicy], options: argparse.Namespace) -> tuple[Table, bool]:
    driven = 0
    ids = options.ids or None
    asked = {"queue": options.queue, "error": options.error, "ids": ids}
    while True:
        async with begin() as tx:
            found = await tx.queue.redrive(
                options.queue, options.error, ids, most=AT_ONCE, limit=table[options.queue].limit
            )
            if found:
                by = at_the_shell(options.who)
                await tx.staff.note(entry(by, "queue-redrive", "done", asked=asked, after={"redriven": found}))
        driven += found
        if found < AT_ONCE:
            break
    async with begin(single=True) as tx:
        (left,) = [each.dead for each in await tx.queue.standings() if each.queue == options.queue]
    return [{"queue": options.queue, "redriven": driven, "left_dead": left}], True


async def _quota(
    vault: Vault, begin: Begin, table: Mapping[str, QueuePolicy], options: argparse.Namespace
) -> tuple[Table, bool]:
    order = Order(options.who, "queue-quota", {"queue": options.queue, "rate_per_s": options.rate})
    await staff_orders.give(begin, vault, WallClock(), at_the_shell(options.who), order)
    rate = table[options.queue].rate_per_s if options.rate is None else options.rate
    return [{"queue": options.queue, "quota_per_s": rate, "quota_by_hand": options.rate is not None}], True


def _as_text(rows: Table) -> str:
    """Columns as wide as their widest cell; numbers at their right edge."""
    if not rows:
        return "none"
    cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [not isinstance(value, str) for value in rows[0].values()]
    lines = []
    for line in cells:
        each = zip(line, widths, right, strict=True)
        lines.append("  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in each))
    return "\n".join(line.rstrip() for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int | float) else str(value)
