"""B4 and B9 on real processes: what bad lines and an overload leave of photos, with resuming and without.

`make acceptance NAME=upload-networks` has the phones of the worst network send their photos while every line breaks
once a minute; then, for three minutes of the night, three times as many people come as the intake of photos can take,
with the settings of tus-js-client, of Uppy and with ours. Each once more without resuming. Ends with 3 when a bar is
missed, with 5 when the crowd was late or nothing was refused.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from loadtests.harness.errors import Exit, HarnessError
from loadtests.harness.processes import ROOT, Child, once, python
from loadtests.photos import corpus
from scenarios import catalogue
from scenarios.uploaders import Uploader
from tests.acceptance.long.upload_phones import Party, Phones, Seen
from tests.acceptance.long.upload_picture import draw
from tests.benchmarks.stack import READY_WITHIN, Stack, say, stack
from tests.benchmarks.uploads_people import fill

WORST = "poor_east"
BAD_SPEED, BAD_PEOPLE, BAD_SPAN = 8.0, 100, 60.0
"""A hundred people within a minute of theirs."""
SPEED = 10.0
"""Half an hour takes three minutes. At twenty times the door, whose shares grow by the clock, could not follow."""
OVERLOAD, PEAK = 3.0, 180.0
"""Times what the intake can take, for so many seconds: nine minutes of work."""
WITHIN = 1800.0
CONNECTIONS, DELAY = 6, 0.035
"""Of the service to its database, and seconds on each answer of that: what limits the intake. At 25 ms the crowd that
sends whole photos again and again was more than two cores could play in time."""
AT_ONCE, MEASURED, MOST_MEASURED = 16, 8.0, 1000
"""People at once, seconds, and people in all, to find out what the intake can take."""
PEOPLE = 10_000
"""In the database: more than all parties together need."""
LATEST = 0.1
"""Real seconds, at p99."""
SENT, STOCK, OURS = 1.15, 0.99, 0.999
CLEARLY = 0.1
"""Share of the people by which the control must be worse."""
LEAST_CUTS, LEAST_REFUSED = 20, 0.2
NO_PARTNERS = "http://127.0.0.1:9"


@dataclass(frozen=True)
class House:
    """Processes on one database: `on` and `off` by whether uploads can be resumed, with a slow way to it or not."""

    quick: dict[str, Child]
    slow: dict[str, Child]
    limitless: Child
    """Slow, and its door stands open: shows what there is to be had."""
    tokens: Iterator[str]


def main() -> int:
    options = arguments().parse_args()
    folder = ROOT / ".launchnight" / "runs" / f"upload-networks-{time.strftime('%Y%m%d-%H%M%S')}"
    folder.mkdir(parents=True)
    try:
        bad, crowded, capacity = measured(options.seed)
    except HarnessError as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return error.exit_code
    everything = [*bad.values(), *crowded.values()]
    (folder / "seen.json").write_text(json.dumps([plain(seen) for seen in everything], indent=1) + "\n")
    draw(bad, crowded, WITHIN, folder / "networks.svg")
    print(f"the intake takes {capacity:.1f} photos a second")
    print(table(everything))
    print(f"picture: {folder / 'networks.svg'}")
    missed = judged(bad, crowded)
    for fault in missed:
        print(f"missed: {fault}")
    if why := invalid(bad, crowded):
        print(f"INVALID: {why}")
        return Exit.INVALID
    return Exit.MISSED if missed else Exit.OK


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make acceptance NAME=upload-networks",
        description="Send photos over bad lines and to a crowded service, with resuming and without.",
        epilog="Ends with 0 when all bars are met, 3 when one is missed, 5 when the run proves nothing.",
    )
    parser.add_argument("--seed", type=int, default=1, help="of people, lines and arrivals (%(default)s)")
    return parser


Parties = dict[str, Seen]
"""By the name of the uploader."""


def measured(seed: int) -> tuple[Parties, Parties, float]:
    """The worst network, the overload, and photos a second that the intake takes. Raises HarnessError."""
    night = catalogue.load("prakerja-wave-1").with_visitors(without_javascript=0.0)  # uploaders need a script
    photos = corpus(night.population.photos, ROOT / ".launchnight" / "photos")
    with stack() as rooms:
        house = opened(rooms)
        bad = {}
        for uploader, door in ((Uploader.PATIENT, "on"), (Uploader.ONE_SHOT, "off")):
            party = Party(f"bad-{name_of(uploader)}", night, uploader, BAD_SPEED, seed, WITHIN / 2, WORST)
            due = [BAD_SPAN * place / BAD_PEOPLE for place in range(BAD_PEOPLE)]
            bad[name_of(uploader)] = sent(house.quick[door].url, party, photos, house, due)
        capacity = capacity_of(house, Party("capacity", night, Uploader.PATIENT, 1.0, seed, WITHIN, "", False), photos)
        people = OVERLOAD * capacity / 2 / SPEED
        crowded = {}
        for uploader in Uploader:
            door = "off" if uploader is Uploader.ONE_SHOT else "on"
            party = Party(f"crowded-{name_of(uploader)}", night, uploader, SPEED, seed, WITHIN)
            due = arrivals(people, PEAK, Random(seed))
            crowded[name_of(uploader)] = sent(house.slow[door].url, party, photos, house, due)
        return bad, crowded, capacity


def opened(rooms: Stack) -> House:
    """A service with a database full of people who are signed in. Raises HarnessError."""
    say("starting the service")
    database = rooms.database("networks")
    settings = rooms.settings("networks", database, NO_PARTNERS) | {
        "REGISTRATION_PHOTO_QUEUE_LIMIT": "1000000",
        "REGISTRATION_OVERLOAD_LIMIT": "on",
    }
    once("migrate", python("-m", "service", "migrate"), settings=settings, logs=rooms.folder, within=READY_WITHIN)
    asyncio.run(fill(database, uploads=0, applicants=PEOPLE))
    slow = settings | {
        "DATABASE_URL": rooms.slowed(database, DELAY),
        "REGISTRATION_DATABASE_CONNECTIONS": str(CONNECTIONS),
    }

    def web(name: str, given: dict[str, str], **more: str) -> Child:
        return rooms.start(f"web-{name}", python("-m", "service", "web", "--lifeline"), given | more)

    return House(
        {name: web(f"quick-{name}", settings, REGISTRATION_RESUMABLE_UPLOADS=name) for name in ("on", "off")},
        {name: web(f"slow-{name}", slow, REGISTRATION_RESUMABLE_UPLOADS=name) for name in ("on", "off")},
        web("limitless", slow, REGISTRATION_OVERLOAD_LIMIT="off"),
        (f"+62810{number:09}" for number in range(1, PEOPLE + 1)),
    )


def sent(url: str, party: Party, photos: tuple[bytes, ...], house: House, due: list[float]) -> Seen:
    """What a party of people, each due at a moment of theirs, sees of the service at `url`."""
    tokens = [next(house.tokens) for _ in due]
    seen = Phones(url, party, photos, tokens).play(due)
    say(f"{party.name}: {seen.share():.2%} of {len(due)} in time")
    return seen


def capacity_of(house: House, party: Party, photos: tuple[bytes, ...]) -> float:
    """Photos a second that the slow way takes from people who wait for each other."""
    tokens = [next(house.tokens) for _ in range(MOST_MEASURED)]
    seen = Phones(house.limitless.url, party, photos, tokens).play_closed(AT_ONCE, MEASURED)
    capacity = sum(one.photos for one in seen.people) / seen.lasted
    say(f"the intake takes {capacity:.1f} photos a second; {dict(seen.answers)}")
    return capacity


def arrivals(rate: float, seconds: float, random: Random) -> list[float]:
    """Poisson arrivals, `rate` a second."""
    moments: list[float] = []
    moment = random.expovariate(rate)
    while moment < seconds:
        moments.append(moment)
        moment += random.expovariate(rate)
    return moments


def judged(bad: Parties, crowded: Parties) -> list[str]:
    """What B4 and B9 ask for and did not get; and without resuming it must be worse."""
    ratio, without = bad["patient"].sent_for_each, bad["one_shot"].sent_for_each
    asked = [
        (ratio <= SENT, f"on the worst network {ratio:.3f} bytes were sent for each, not {SENT}"),
        (bad["patient"].share() == 1.0, f"on the worst network {bad['patient'].share():.1%} got through, not all"),
        (without > SENT, f"the negative control held: without resuming {without:.3f} bytes were sent for each"),
    ]
    for name, least in (("tus_js", STOCK), ("uppy", STOCK), ("patient", OURS)):
        share = crowded[name].share()
        asked.append((share >= least, f"{name}: {share:.2%} had both photos in time, not {least:.1%}"))
    ours, without = (crowded[name].share(patient=True) for name in ("patient", "one_shot"))
    words = f"the negative control held: without resuming {without:.0%} in time and patience, ours {ours:.0%}"
    asked.append((without < ours - CLEARLY, words))
    return [fault for held, fault in asked if not held]


def invalid(bad: Parties, crowded: Parties) -> str:
    """Why the run shows nothing; empty when it does."""
    cuts = sum(one.cuts for one in bad["patient"].people)
    if cuts < LEAST_CUTS:
        return f"only {cuts} lines broke on the worst network"
    for name, seen in crowded.items():
        if name != "one_shot" and seen.refused < LEAST_REFUSED:
            return f"{name}: {seen.refused:.0%} were told to come back later: that was no overload"
    late = max(quantile(seen.lateness, 0.99) for seen in [*bad.values(), *crowded.values()])
    return f"the crowd was {late * 1e3:.0f} ms late" if late > LATEST else ""


HEADS = (
    "party", "people", "in time", "and patience", "sent/stored", "cuts", "resumed", "refused", "POST ok", "PATCH ok",
    "p50 min", "p99 min", "presses p50", "p99", "late p99 ms",
)  # fmt: skip


def table(everything: list[Seen]) -> str:
    """Bytes are told of the worst network alone: in the crowd's hurry a refusal comes after ten times as many."""
    rows = [HEADS, *(row_of(seen) for seen in everything)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def row_of(seen: Seen) -> tuple[str, ...]:
    took = [one.took for one in seen.people if one.took == one.took]
    presses = [float(one.presses) for one in seen.people]
    return (
        seen.party.name,
        str(len(seen.people)),
        f"{seen.share():.2%}",
        f"{seen.share(patient=True):.2%}",
        f"{seen.sent_for_each:.3f}" if seen.party.network else "-",
        str(sum(one.cuts for one in seen.people)),
        str(sum(one.resumes for one in seen.people)),
        f"{seen.refused:.0%}",
        f"{seen.answered('POST'):.0%}",
        f"{seen.answered('PATCH'):.0%}",
        f"{quantile(took, 0.5) / 60:.1f}",
        f"{quantile(took, 0.99) / 60:.1f}",
        f"{quantile(presses, 0.5):.0f}",
        f"{quantile(presses, 0.99):.0f}",
        f"{quantile(seen.lateness, 0.99) * 1e3:.0f}",
    )


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[int(len(values) * share)] if values else 0.0


def name_of(uploader: Uploader) -> str:
    return uploader.name.lower()


def plain(seen: Seen) -> dict[str, Any]:
    return {
        "party": seen.party.name,
        "speed": seen.party.speed,
        "answers": dict(seen.answers),
        "lateness_p99": quantile(seen.lateness, 0.99),
        "people": [asdict(one) for one in seen.people],
    }


if __name__ == "__main__":
    sys.exit(main())
