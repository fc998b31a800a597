"""What operators ask about announcements: `launchnight announce [list|start|pause|resume] --wave N`.

The dates are the wave's (`launchnight wave set`); an announcement that was started goes out between them by itself.
"""

import argparse
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from service import shell_names
from service.actions.announcement import Progress, progress
from service.actions.staff import at_the_shell, entry
from service.domain.announcement import PLACE_WORDS, TOLD, Place
from service.ports import Begin, Transaction, Vault
from service.settings import Settings

AUDIENCES: Mapping[str, tuple[Place, ...]] = {"everybody": TOLD, "chosen": (Place.CHOSEN,)}


class _Clock:
    """Fulfils `ports.Clock`."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def add_arguments(verb: argparse.ArgumentParser) -> None:
    whats = verb.add_subparsers(dest="what", metavar="list|start|pause|resume", required=True)
    listing = whats.add_parser("list", help="how far the announcement of a wave has come")
    starting = whats.add_parser("start", help="tell people; again, it tells those who were not told, and nobody twice")
    pausing = whats.add_parser("pause", help="write no more messages; what waits in the queue leaves")
    resuming = whats.add_parser("resume", help="go on where it was paused")
    starting.add_argument(
        "--to", choices=AUDIENCES, default="everybody", help="who is told: everybody with a place, or the chosen alone"
    )
    for each in (starting, pausing, resuming):
        each.add_argument("--who", type=shell_names.name, default=shell_names.user(), help="your name on the record")
    for each in (listing, starting, pausing, resuming):
        each.add_argument("--wave", type=int, required=True, metavar="N", help="of which wave")
        each.add_argument("--json", action="store_true", help="as one JSON document")


async def run(begin: Begin, _: Vault, __: Settings, options: argparse.Namespace) -> tuple[str, bool]:
    """What to print, and whether it could be done. Raises LaunchnightError."""
    clock, wave_id = _Clock(), options.wave
    async with begin(single=True) as tx:
        wave = await tx.announcements.wave(wave_id)
    if wave is None:
        return f"there is no wave {wave_id}", False
    if options.what == "start":
        if wave.sms_from is None:
            return f"wave {wave_id} has no date from which messages may leave: set it first", False
        async with begin() as tx:
            await tx.announcements.start(wave_id, AUDIENCES[options.to], clock.now())
            await _note(tx, options, to=options.to)
    elif options.what in ("pause", "resume"):
        async with begin() as tx:
            if not await tx.announcements.pause(wave_id, paused=options.what == "pause"):
                return f"the announcement of wave {wave_id} was not started", False
            await _note(tx, options)
    found = await progress(begin, clock, wave_id)
    assert found is not None
    return (json.dumps(_document(found), indent=2) if options.json else _text(found)), True


async def _note(tx: Transaction, options: argparse.Namespace, **asked: str) -> None:
    by, verb = at_the_shell(options.who), f"announce-{options.what}"
    await tx.staff.note(entry(by, verb, "done", asked={"wave": options.wave, **asked}))


def _document(found: Progress) -> Mapping[str, object]:
    return {
        "wave": found.wave.id,
        "state": found.state,
        "sms_from": _instant(found.wave.sms_from),
        "sms_until": _instant(found.wave.sms_until),
        "told_to": found.told_to,
        "messages": {
            PLACE_WORDS[each.outcome]: {"places": each.places, "written": each.written, "sent": each.sent}
            for each in found.counts
        },
    }


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="minutes")


def _text(found: Progress) -> str:
    wave = found.wave
    lines = [
        f"wave {wave.id}: {found.state}, messages from {_instant(wave.sms_from) or '-'} "
        f"until {_instant(wave.sms_until) or '-'}, looked at places up to {found.told_to:,}"
    ]
    lines += [
        f"  {PLACE_WORDS[each.outcome]}: {each.places:,} places, {each.written:,} messages written, {each.sent:,} sent"
        for each in found.counts
    ]
    return "\n".join(lines)
