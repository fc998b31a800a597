"""The draw of the grants: `launchnight draw freeze|run|test|verify|proof|publish|withdraw FOLDER` (docs/draw.md).

A draw can be held with files alone. With the database (docs/waves.md) its list comes from the joins of a wave, and its
places and grants go back there. Exit code 0 when it is done or the draw holds, 2 when it is refused, with the reasons.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service import draw_attributes, draw_database, shell_names
from service.clock import WallClock
from service.domain import merkle
from service.domain.grants import LINE, DrawRefused, Quotas
from service.domain.independence import ALARM, is_odd
from service.draw_folder import Beacon, DrawFolder
from service.ports import Begin, Clock, Vault
from service.settings import Settings

COUNTED = ("winners", "waiting", "withdrawn")
LEAST_NOTICE = timedelta(hours=1)
"""Between the freeze and the beacon, for everybody to see what was frozen."""


def add_arguments(verb: argparse.ArgumentParser) -> None:
    whats = verb.add_subparsers(dest="what", metavar="VERB", required=True)

    def add(name: str, text: str) -> argparse.ArgumentParser:
        parser = whats.add_parser(name, help=text, description=text)
        parser.add_argument("folder", metavar="FOLDER", type=Path, help="of the draw; it is published as it is")
        parser.add_argument("--json", action="store_true", help="as one JSON document")
        return parser

    freeze = add("freeze", "commit to the list, the rules and the beacon that will be asked")
    freeze.add_argument("--wave", type=int, required=True, help="its number")
    freeze.add_argument(
        "--list",
        type=Path,
        help="lines of TICKET PROVINCE PRIORITY, in any order (everybody who joined the wave and may take part)",
    )
    freeze.add_argument("--seats", type=_count, help="grants in all, with --list (those of the wave)")
    freeze.add_argument(
        "--quota",
        type=quota,
        action="append",
        default=[],
        metavar="PROVINCE=N",
        help="the most of a province, with --list (those of the wave)",
    )
    freeze.add_argument("--beacon", required=True, metavar="TEXT", help='who will speak: "drand quicknet"')
    freeze.add_argument("--round", required=True, metavar="TEXT", help="which of its words will be taken")
    freeze.add_argument(
        "--dice",
        default="",
        metavar="TEXT",
        help="what will be thrown beside it, if anything: how many, where, by whom",
    )
    freeze.add_argument("--speaks-at", type=instant, required=True, metavar="INSTANT", help="an hour from now or later")
    run = add("run", "draw, and write who is chosen and who waits")
    run.add_argument("--beacon", required=True, metavar="VALUE", help="what it said")
    run.add_argument("--dice", default="", metavar="TEXT", help="what was thrown, if it was announced")
    run.add_argument("--withdrawn", type=Path, help="tickets to strike out, one a line; the next in line move up")
    test = add("test", "before it is announced: whether being chosen depends on anything it must not depend on")
    test.add_argument("--about", type=Path, required=True, metavar="CSV", help="a row a ticket: ticket,joined_at,...")
    add("verify", "recompute everything from list and seed; anybody may")
    proof = add("proof", "show the holder of a ticket that it was in the list")
    proof.add_argument("ticket", metavar="TICKET", help="as on the receipt")
    publish = add("publish", "check and test the draw, then write places and grants into the database")
    publish.add_argument("--about", type=Path, metavar="CSV", help="as for `test` (FOLDER.joins.csv)")
    withdraw = add("withdraw", "strike out tickets of a draw of the database; the next in line move up")
    withdraw.add_argument("tickets", metavar="TICKET", nargs="+", help="as on the receipt")
    for each in (freeze, run, publish, withdraw):
        each.add_argument("--who", type=shell_names.name, default=shell_names.user(), help="your name on the record")


def run_here(options: argparse.Namespace, now: datetime | None = None) -> tuple[str, bool] | None:
    """What to print, and whether it is done; None: it takes the database."""
    folder = DrawFolder(options.folder)
    if options.what in ("publish", "withdraw") or (options.what == "freeze" and options.list is None):
        return None
    now = now or datetime.now(UTC)
    try:
        if options.what == "run" and folder.is_of_joins:
            return None
        told = VERBS[options.what](folder, options, now)
    except (DrawRefused, OSError) as fault:
        return _refused(fault), False
    return _told(told, options.json)


async def run(
    begin: Begin, _: Vault, settings: Settings, options: argparse.Namespace, clock: Clock | None = None
) -> tuple[str, bool]:
    """As `run_here`, with the database. Raises LaunchnightError."""
    clock = clock or WallClock()
    folder = DrawFolder(options.folder)
    try:
        if options.what == "freeze":
            beacon = _beacon(folder, options, clock.now())
            if options.seats is not None or options.quota:
                raise DrawRefused("seats and quotas are those of the wave: set them with `launchnight wave set`")
            told = await draw_database.freeze(begin, clock, options.who, folder, options.wave, beacon, settings.age_on)
        elif options.what == "run":
            withdrawn = _withdrawn(options)
            await draw_database.run(begin, clock, options.who, folder, options.beacon, options.dice, withdrawn)
            told = _ran(folder)
        elif options.what == "publish":
            told = await draw_database.publish(begin, clock, options.who, folder, options.about)
        else:
            tickets = [each.encode() for each in options.tickets]
            told = await draw_database.withdraw(begin, clock, options.who, folder, tickets)
    except (DrawRefused, OSError) as fault:
        return _refused(fault), False
    return _told(told, options.json)


def _told(told: Mapping[str, object], as_json: bool) -> tuple[str, bool]:
    text = json.dumps(told) if as_json else "\n".join(f"{name}: {value}" for name, value in told.items())
    return text, not told.get("faults")


def _refused(fault: DrawRefused | OSError) -> str:
    if isinstance(fault, OSError):
        return f"refused: cannot use {fault.filename}: {fault.strerror}"
    return f"refused: {fault}"


def _beacon(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> Beacon:
    """Whoever goes on with a freeze that was interrupted has less than the hour left."""
    if options.speaks_at < now + LEAST_NOTICE and not folder.is_frozen:
        raise DrawRefused("the beacon must speak an hour from now or later, so that everybody can see the list before")
    return Beacon(options.beacon, options.round, options.speaks_at.isoformat(), options.dice)


def _freeze(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    beacon = _beacon(folder, options, now)
    if options.seats is None:
        raise DrawRefused("say with --seats how many grants there are: a list of a file has no wave to take them from")
    quotas = Quotas(options.seats, dict(options.quota))
    if len(quotas.provinces) < len(options.quota):
        raise DrawRefused("a province has two quotas")
    commitment = folder.freeze(options.wave, _lines(options.list), quotas, beacon, now)
    return {
        "tickets": folder.frozen["tickets"],
        "root": folder.frozen["root"],
        "commitment": commitment,
        "next": f"publish {folder.path} and the commitment now; draw after {beacon.not_before}",
    }


def _lines(path: Path) -> Iterator[bytes]:
    """Without their ends. Raises DrawRefused with the number of the first that is none: sorting loses it."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            yield (stripped := line.rstrip(b"\r\n"))
            if not LINE.fullmatch(stripped):
                raise DrawRefused(f"{path}, line {number} is not TICKET PROVINCE PRIORITY")


def _run(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    folder.run(options.beacon, options.dice, now, _withdrawn(options))
    return _ran(folder)


def _withdrawn(options: argparse.Namespace) -> list[bytes]:
    return options.withdrawn.read_bytes().split() if options.withdrawn else []


def _ran(folder: DrawFolder) -> dict[str, object]:
    result = folder.result
    return {"seed": result["seed"], "chosen": result["winners"], "waiting": result["waiting"]}


def _verify(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    if faults := folder.faults():
        return {"faults": faults}
    result = folder.result
    agreed = {name: value for name, value in asdict(draw_database.drawn_of(folder)).items() if name != "wave"}
    return {"holds": True, **agreed, **{name: result[name] for name in COUNTED}}


def _proof(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    proof = folder.proof(options.ticket)
    siblings = [bytes.fromhex(one) for one in proof["siblings"]]
    root = bytes.fromhex(folder.frozen["root"])
    if not merkle.is_proved(proof["line"].encode(), proof["index"], proof["tickets"], siblings, root):
        raise DrawRefused("tickets.txt is not what was frozen")
    return proof


def _test(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    """What each test says."""
    found = draw_attributes.tested(folder, options.about)
    told: dict[str, object] = {one.about: f"p = {one.p:.3g} over {one.groups} groups; {one.oddest}" for one in found}
    if is_odd(found):
        told["faults"] = [one.about for one in found if one.p < ALARM / len(found)]
    return told


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def quota(text: str) -> tuple[int, int]:
    """Province and the most grants that go there."""
    province, _, most = text.partition("=")
    if len(province) > 2:
        raise ValueError
    return _count(province), _count(most)


def instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("say the zone too: 2020-04-17T10:00:00+07:00")
    return moment


VERBS = {"freeze": _freeze, "run": _run, "test": _test, "verify": _verify, "proof": _proof}
