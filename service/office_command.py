"""What operators ask about labor offices: `launchnight waiting-room office [list|add|renew|end]`.

An access code is shown once, when it is made; nothing from which it could be read is kept.
"""

import argparse
import secrets
from collections.abc import Mapping, Sequence

from service import shell_names, shell_rows
from service.actions import offices as actions
from service.domain.offices import CODE_BYTES, NAME_LENGTH
from service.ports import Begin, Vault

Table = Sequence[Mapping[str, object]]


def add_arguments(verb: argparse.ArgumentParser) -> None:
    verb.set_defaults(office="list", json=False)
    whats = verb.add_subparsers(dest="office", metavar="list|add|renew|end")
    listing = whats.add_parser("list", help="every office, and how many tickets it holds")
    adding = whats.add_parser("add", help="a new office; shows its access code, this once")
    renewing = whats.add_parser("renew", help="another access code; whoever signed in with the old one is out")
    ending = whats.add_parser("end", help="its access code opens nothing any more; its tickets stay valid")
    for each in (adding, renewing, ending):
        each.add_argument("name", type=_name, help="of the office, as it is shown on its page")
        each.add_argument("--who", type=shell_names.name, default=shell_names.user(), help="your name on the record")
    for each in (listing, adding, renewing, ending):
        each.add_argument("--json", action="store_true", help="as one JSON document")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise ValueError
    return name


async def run(begin: Begin, vault: Vault, options: argparse.Namespace) -> tuple[str, bool]:
    """What to print, and whether it could be done. Raises LaunchnightError."""
    what = options.office or "list"
    if what == "list":
        return await _list(begin, options.json), True
    if what == "end":
        ended = await actions.end_office(begin, options.who, options.name)
        said = {"office": options.name, "ended": ended}
        return shell_rows.row(said, as_json=options.json) if ended else f"there is no open office {options.name}", ended
    make = actions.add_office if what == "add" else actions.renew_office
    code = await make(begin, vault, options.who, options.name, secrets.token_bytes(CODE_BYTES))
    if code is None:
        there = "there is an office" if what == "add" else "there is no office"
        return f"{there} {options.name}", False
    return shell_rows.row({"office": options.name, "access_code": code}, as_json=options.json), True


async def _list(begin: Begin, as_json: bool) -> str:
    async with begin(single=True) as tx:
        lines = await tx.offices.lines()
    rows = [
        {
            "office": each.name,
            "since": each.created_at.isoformat(timespec="minutes"),
            "ended": None if each.ended_at is None else each.ended_at.isoformat(timespec="minutes"),
            "held": each.held,
            "helped": each.helped,
        }
        for each in lines
    ]
    return shell_rows.rows(rows, as_json=as_json)
