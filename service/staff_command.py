"""The staff, from the shell: `launchnight staff [list|add|reset|end|audit]` (docs/operators.md).

Password and secret are shown once, when they are made. Whoever may type this holds the key of the service: here begins
the trust in everybody else.
"""

import argparse
import json
from collections.abc import Mapping

from service import shell_names, shell_rows
from service.actions import staff, staff_orders
from service.actions.staff import Papers, at_the_shell
from service.clock import WallClock
from service.domain.staff import Role
from service.ports import Begin, Clock, Vault
from service.settings import Settings


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(what="list", json=False)
    whats = verb.add_subparsers(dest="what", metavar="list|add|reset|end|audit")
    listing = whats.add_parser("list", help="everybody, with their role, and who is signed in")
    adding = whats.add_parser("add", help="somebody new, or back; shows password and secret, this once")
    resetting = whats.add_parser(
        "reset", help="another password and secret; whoever is signed in under the name is out"
    )
    ending = whats.add_parser("end", help="they are out, and sign in no more")
    audit = whats.add_parser("audit", help="the newest lines of the record of everything that was done or refused")
    adding.add_argument("--role", type=Role, choices=list(Role), required=True, help="what they may do")
    for each in (adding, resetting, ending):
        each.add_argument("name", type=shell_names.name, help="of the person, as it stands on the record")
        each.add_argument(
            "--who", type=shell_names.name, default=shell_names.user(), help="your own name on the record"
        )
    audit.add_argument("--most", type=int, default=staff_orders.SHOWN, help=f"how many ({staff_orders.SHOWN})")
    for each in (listing, adding, resetting, ending, audit):
        each.add_argument("--json", action="store_true", help="as one JSON document")


async def run(
    begin: Begin, vault: Vault, _: Settings, options: argparse.Namespace, clock: Clock | None = None
) -> tuple[str, bool]:
    """What to print, and whether it could be done. Raises LaunchnightError."""
    what, clock = options.what or "list", clock or WallClock()
    if what == "list":
        return await _list(begin, clock, options.json), True
    if what == "audit":
        lines = await staff_orders.audit(begin, most=options.most)
        return (json.dumps(lines, indent=2) if options.json else "\n".join(map(_line, lines)) or "none"), True
    by = at_the_shell(options.who)
    if what == "end":
        ended = await staff.end(begin, clock, by, options.name)
        said = {"name": options.name, "ended": ended}
        return shell_rows.row(said, as_json=options.json) if ended else f"there is no {options.name}", ended
    if what == "add":
        papers = await staff.add(begin, vault, by, options.name, options.role)
    else:
        papers = await staff.reset(begin, vault, clock, by, options.name)
    if papers is None:
        return f"there is {'a' if what == 'add' else 'no'} {options.name}", False
    return _shown(papers, options.json), True


def _shown(papers: Papers, as_json: bool) -> str:
    told = {
        "name": papers.name,
        "role": papers.role,
        "password": papers.password,
        "secret": papers.secret,
        "address": papers.address,
    }
    if as_json:
        return json.dumps(told)
    return "\n".join(f"{name:10} {value}" for name, value in told.items())


async def _list(begin: Begin, clock: Clock, as_json: bool) -> str:
    async with begin(single=True) as tx:
        lines = await tx.staff.lines(clock.now())
    rows: list[Mapping[str, object]] = [
        {
            "name": each.name,
            "role": each.role,
            "since": each.created_at.isoformat(timespec="minutes"),
            "ended": None if each.ended_at is None else each.ended_at.isoformat(timespec="minutes"),
            "sessions": each.signed_in,
        }
        for each in lines
    ]
    return shell_rows.rows(rows, as_json=as_json)


def _line(line: Mapping[str, object]) -> str:
    """One line of the record; the detail is there with --json."""
    detail = line["detail"]
    assert isinstance(detail, Mapping)
    asked = detail.get("asked")
    about = "" if not asked else "  " + json.dumps(asked)
    why = f"  {detail['refusal']}" if "refusal" in detail else ""
    by = f"{line['who'] or '-'} ({line['role']}, {line['via']})"
    return f"{line['at']}  {by}  {line['verb']}: {line['outcome']}{why}{about}"
