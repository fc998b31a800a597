"""The draw of the grants: `launchnight draw freeze|run|test|verify|proof FOLDER` (docs/draw.md).

Exit code 0 when it is done or the draw holds, 2 when it is refused, with the reasons.
"""

import argparse
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service import draw_attributes
from service.domain import merkle
from service.domain.grants import LINE, PRIORITY, PROVINCE, TICKET, DrawRefused, Quotas
from service.domain.independence import ALARM, independence, is_odd
from service.draw_folder import Beacon, DrawFolder

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
    freeze.add_argument("--list", type=Path, required=True, help="lines of TICKET PROVINCE PRIORITY, in any order")
    freeze.add_argument("--wave", type=int, required=True, help="its number")
    freeze.add_argument("--seats", type=_count, required=True, help="grants in all")
    freeze.add_argument(
        "--quota", type=_quota, action="append", default=[], metavar="PROVINCE=N", help="the most of a province"
    )
    freeze.add_argument("--beacon", required=True, metavar="TEXT", help='who will speak: "drand quicknet"')
    freeze.add_argument("--round", required=True, metavar="TEXT", help="which of its words will be taken")
    freeze.add_argument(
        "--dice",
        default="",
        metavar="TEXT",
        help="what will be thrown beside it, if anything: how many, where, by whom",
    )
    freeze.add_argument(
        "--speaks-at", type=_instant, required=True, metavar="INSTANT", help="an hour from now or later"
    )
    run = add("run", "draw, and write who is chosen and who waits")
    run.add_argument("--beacon", required=True, metavar="VALUE", help="what it said")
    run.add_argument("--dice", default="", metavar="TEXT", help="what was thrown, if it was announced")
    run.add_argument("--withdrawn", type=Path, help="tickets to strike out, one a line; the next in line move up")
    test = add("test", "before it is announced: whether being chosen depends on anything it must not depend on")
    test.add_argument("--about", type=Path, required=True, metavar="CSV", help="a row a ticket: ticket,joined_at,...")
    add("verify", "recompute everything from list and seed; anybody may")
    proof = add("proof", "show the holder of a ticket that it was in the list")
    proof.add_argument("ticket", metavar="TICKET", help="as on the receipt")


def run_here(options: argparse.Namespace, now: datetime | None = None) -> tuple[str, bool]:
    """What to print, and whether it is done."""
    now = now or datetime.now(UTC)
    folder = DrawFolder(options.folder)
    try:
        told = VERBS[options.what](folder, options, now)
    except DrawRefused as fault:
        return f"refused: {fault}", False
    except OSError as fault:
        return f"refused: cannot use {fault.filename}: {fault.strerror}", False
    if options.json:
        return json.dumps(told), not told.get("faults")
    return "\n".join(f"{name}: {value}" for name, value in told.items()), not told.get("faults")


def _freeze(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    if options.speaks_at < now + LEAST_NOTICE:
        raise DrawRefused("the beacon must speak an hour from now or later, so that everybody can see the list before")
    quotas = Quotas(options.seats, dict(options.quota))
    if len(quotas.provinces) < len(options.quota):
        raise DrawRefused("a province has two quotas")
    beacon = Beacon(options.beacon, options.round, options.speaks_at.isoformat(), options.dice)
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
    withdrawn = options.withdrawn.read_bytes().split() if options.withdrawn else []
    chosen = folder.run(options.beacon, options.dice, now, withdrawn)
    return {"seed": folder.result["seed"], "chosen": len(chosen.winners), "waiting": len(chosen.waiting)}


def _verify(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    if faults := folder.faults():
        return {"faults": faults}
    result = folder.result
    return {"holds": True, "commitment": folder.commitment.hex(), **{name: result[name] for name in COUNTED}}


def _proof(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    proof = folder.proof(options.ticket)
    siblings = [bytes.fromhex(one) for one in proof["siblings"]]
    root = bytes.fromhex(folder.frozen["root"])
    if not merkle.is_proved(proof["line"].encode(), proof["index"], proof["tickets"], siblings, root):
        raise DrawRefused("tickets.txt is not what was frozen")
    return proof


def _test(folder: DrawFolder, options: argparse.Namespace, now: datetime) -> dict[str, object]:
    """One test a column of the file, and one for the provinces without a quota."""
    chosen = set(folder.winners)
    standing = {line[TICKET].decode(): (line[PRIORITY], line[PROVINCE], line in chosen) for line in folder.tickets}
    columns = draw_attributes.read(options.about, standing)
    limited = folder.limited_provinces
    free = [one for one in standing.values() if int(one[1]) not in limited]
    found = [independence("province", [(priority, province.decode(), won) for priority, province, won in free])]
    for name, groups in columns.items():
        people = zip(standing.values(), groups, strict=True)
        found.append(independence(name, [((one[0], one[1]), group, one[2]) for one, group in people]))
    told: dict[str, object] = {one.about: f"p = {one.p:.3g} over {one.groups} groups; {one.oddest}" for one in found}
    if is_odd(found):
        told["faults"] = [one.about for one in found if one.p < ALARM / len(found)]
    return told


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def _quota(text: str) -> tuple[int, int]:
    province, _, most = text.partition("=")
    if len(province) > 2:
        raise ValueError
    return _count(province), _count(most)


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("say the zone too: 2020-04-17T10:00:00+07:00")
    return instant


VERBS = {"freeze": _freeze, "run": _run, "test": _test, "verify": _verify, "proof": _proof}
