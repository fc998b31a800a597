"""G7, G8 and G10 with two million people in one line, the looks of each played by the rules of the service (room_line).

It is the line of room_polls, twenty times as long: an hour, undisturbed, and once more with a restart of all replicas
and a network that is cut for a minute. The latter twice with one seed, each in a process of its own, and once with
another; and a line in which all two million stand at the opening. Controls, with a tenth of the people: clients that
come back after the plain interval and together once the network is there, and clients that ask every 20 s. Beside it:
what the board and a look cost the service, however many stand in line (room_crowd_board), and the closed form in which
the simulation reckons the looks of a line.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from scenarios.simulation.gate_tick import looks_per_s
from service.domain import promises
from tests.acceptance.long import room_crowd_board
from tests.acceptance.long.room_goals import Figures, Finding, Invalid
from tests.acceptance.long.room_line import Line, Night, Told
from tests.acceptance.long.room_polls import (
    CUT,
    LONG,
    MOST_LOOKS,
    MOST_NOTICE,
    MOST_PEAK,
    RESTART,
    SELDOM,
    night,
    peaks,
)

GOALS = ("G7", "G8", "G10")
CALM, DISTURBED, ALL, TOGETHER, SELDOM_ASKED, SHORT = "calm", "disturbed", "all", "together", "seldom", "short"
NIGHTS: dict[str, dict[str, Any]] = {
    CALM: {},
    DISTURBED: {"cuts": (RESTART, CUT)},
    ALL: {"early": 1.0},
    TOGETHER: {"cuts": (RESTART, CUT), "is_plain": True, "rushes": True},
    SELDOM_ASKED: {"every_s": SELDOM},
    SHORT: {"early": 0.02},
}
"""ALL: everybody stands in line at the opening. SHORT: nearly everybody comes later, and waits for minutes."""
SHORT_S = 2650.0
"""In so many seconds everybody would be in: 1.1 times as long as those who are there take to come."""
CONTROLS = 10
"""They are played with so many times fewer people: a herd is a share of the crowd."""

BOARDS = (10_000, 100_000, 1_000_000, 2_000_000)
MOST_BYTES, MOST_WALL = 64.0, 600.0
MOST_GROWTH = 2.0
"""From the shortest line to the longest, of what a board or a look takes: with 200 times as many people, on a machine
that others use too."""
MOST_OFF = 0.05
"""Of the closed form."""
PART = 600
"""Seconds over each of which the closed form is compared, too."""


def line_of(name: str, people: int) -> Night:
    one = night(people, noted=0, **NIGHTS[name])
    return replace(one, rate=lambda _: people / SHORT_S) if name == SHORT else one


def played(name: str, people: int, seed: int) -> Figures:
    """One night in this process, as JSON values. wall_s: from the drawing of the people to the last look."""
    began, used = time.perf_counter(), time.process_time()
    told = Line(line_of(name, people), seed).play()
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - used
    return {
        "people": people,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        "bytes_each": told.bytes_each,
        "digest": told.digest,
        "looks": int(told.asks.sum()),
        "let_in": int(np.isfinite(told.told).sum()),
        "most_in_line": int((told.line[:, 0] - told.line[:, 1]).max()),
        "looks_per_hour": told.looks_per_hour(0.0),
        "looks_of_long_waits": told.looks_per_hour(LONG),
        "notice_p95": float(np.percentile(told.notice(), 95)),
        "peaks": peaks(told),
        "closed_form": closed_form(told),
    }


def closed_form(told: Told) -> Figures:
    """Looks as the simulation reckons them of the same line, against those that were played: of all, and of each PART
    seconds. From SPREAD on, when everybody in line has looked once, until the line is a minute long.

    First looks are left out (in the simulation the ticket's answer is the first), and so are those that say "come in"
    (there, too, they are played one by one).
    """
    tickets, frontier, share, pending, rate = told.line.T
    waiting = (tickets - frontier) * share
    chosen = (np.arange(len(rate)) >= promises.SPREAD) & (waiting >= 60.0 * rate)
    if not chosen.any():
        raise Invalid("nobody stood in line for a minute")
    reckoned = np.array([looks_per_s(*each) for each in zip(waiting, pending.astype(int), rate, strict=True)])
    found = told.waits[-told.began :]
    parts = [
        part for first in range(0, len(rate), PART) if (part := _chosen(chosen, first)).sum() >= PART // 4
    ]  # a shorter piece tells of chance
    return {
        "reckoned": float(reckoned[chosen].sum()),
        "played": int(found[chosen].sum()),
        "off": float(reckoned[chosen].sum() / found[chosen].sum() - 1.0),
        "part_off": max((float(reckoned[part].sum() / found[part].sum() - 1.0) for part in parts), key=abs),
    }


def _chosen(chosen: np.ndarray, first: int) -> np.ndarray:
    part = np.zeros_like(chosen)
    part[first : first + PART] = chosen[first : first + PART]
    return part


def measure(people: int, seed: int = 1) -> Figures:
    """Figures of all nights and boards. Raises Invalid."""
    few = people // CONTROLS
    asked = {
        "calm": (CALM, people, seed), "all": (ALL, people, seed), "disturbed": (DISTURBED, people, seed),
        "again": (DISTURBED, people, seed), "other": (DISTURBED, people, seed + 1), "together": (TOGETHER, few, seed),
        "seldom": (SELDOM_ASKED, few, seed), "short": (SHORT, few, seed),
    }  # fmt: skip
    nights = {name: in_process(name, *each) for name, each in asked.items()}
    return {"nights": nights, "boards": [room_crowd_board.measure(size) for size in BOARDS]}


def in_process(word: str, name: str, people: int, seed: int) -> Figures:
    command = [sys.executable, "-m", __name__, name, str(people), str(seed)]
    told: Figures = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)
    print(f"        {word}: {people:,} people, {told['looks']:,} looks, {told['cpu_s']:.1f} s of CPU, "
          f"{told['peak_rss_mb']:.0f} MB, {told['digest'][:12]}", file=sys.stderr, flush=True)  # fmt: skip
    return told


def findings(figures: Figures) -> list[Finding]:
    """Raises Invalid when a control shows nothing."""
    nights = figures["nights"]
    must_show(nights)
    return [*_polling(nights["calm"], figures["boards"]), _closed(nights), _herds(nights), _size(nights)]


def must_show(nights: dict[str, Figures]) -> None:
    if min(nights["together"]["peaks"][name] for name in ("restart", "cut")) <= MOST_PEAK:
        raise Invalid("people who all ask once the network is back make no herd: the line shows none")
    if nights["seldom"]["notice_p95"] <= MOST_NOTICE:
        raise Invalid("people who ask every 20 s notice their turn within 3 s: the line cannot tell")
    if nights["other"]["digest"] == nights["disturbed"]["digest"]:
        raise Invalid("another seed gives the same looks: the digest tells nothing")
    if nights["all"]["most_in_line"] < 0.99 * nights["all"]["people"]:
        raise Invalid("not everybody stood in line together")


def _polling(calm: Figures, boards: Sequence[Figures]) -> list[Finding]:
    looks = max(calm["looks_per_hour"], calm["looks_of_long_waits"])
    least, most = boards[0], boards[-1]
    grown = {name: most[name] / least[name] for name in ("board_us", "place_us")}
    made = max(each["made_per_s"] for each in boards)
    refused = sum(each["too_early_refused"] for each in boards)
    early = sum(each["too_early"] for each in boards)
    changed = sum(each["too_early_changed"] for each in boards)
    return [
        Finding(
            "G7",
            looks <= MOST_LOOKS and calm["notice_p95"] <= MOST_NOTICE,
            f"{calm['people']:,} people: {calm['looks_per_hour']:.0f} looks an hour over all waits of a line of an "
            f"hour, {calm['looks_of_long_waits']:.0f} in waits from {LONG / 60:.0f} min on (bar {MOST_LOOKS:.0f}); "
            f"turn noticed within {calm['notice_p95']:.1f} s at p95 (bar {MOST_NOTICE:.0f} s)",
        ),
        Finding(
            "G7",
            made <= 1.0 and max(grown.values()) <= MOST_GROWTH,
            f"the board is made {made:.2f} times a second (bar 1), with {least['people']:,} and with "
            f"{most['people']:,} tickets; making it takes {least['board_us']:.0f} and {most['board_us']:.0f} us, a "
            f"look at a place {least['place_us']:.0f} and {most['place_us']:.0f} us (bar {MOST_GROWTH:.0f} times as "
            f"long); a count of the live each five seconds {most['count_ms']:.1f} ms",
        ),
        Finding(
            "G7",
            refused == early and not changed,
            f"{refused:,} of {early:,} early looks refused (429), {changed} changed anything the replica knows (0); "
            "over HTTP: tests/integration/test_waiting_room_flow.py, test_place.py",
        ),
    ]


def _closed(nights: dict[str, Figures]) -> Finding:
    told = {name: nights[name]["closed_form"] for name in ("calm", "short")}
    worst = max((each[name] for each in told.values() for name in ("off", "part_off")), key=abs)
    return Finding(
        "G7",
        abs(worst) <= MOST_OFF,
        f"looks of a line as the simulation reckons them: {told['calm']['off']:+.1%} of the "
        f"{told['calm']['played']:,} that were played in the line of an hour, {told['short']['off']:+.1%} in one of "
        f"minutes, {worst:+.1%} at worst in any {PART // 60} minutes (bar {MOST_OFF:.0%})",
    )


def _herds(nights: dict[str, Figures]) -> Finding:
    worst = {
        name: max(nights[each]["peaks"][name] for each in ("disturbed", "other", "all"))
        for name in ("opening", "restart", "cut")
    }
    plain = nights["together"]["peaks"]
    return Finding(
        "G8",
        max(worst.values()) <= MOST_PEAK,
        "busiest second to mean of a minute: "
        + ", ".join(f"{name} {peak:.2f} (plain clients {plain[name]:.1f})" for name, peak in worst.items())
        + f" (bar {MOST_PEAK})",
    )


def _size(nights: dict[str, Figures]) -> Finding:
    whole = [nights[name] for name in ("calm", "disturbed", "again", "other", "all")]
    each, wall_s = max(one["bytes_each"] for one in whole), max(one["wall_s"] for one in whole)
    same = nights["again"]["digest"] == nights["disturbed"]["digest"]
    return Finding(
        "G10",
        each <= MOST_BYTES and wall_s <= MOST_WALL and same,
        f"{nights['all']['most_in_line']:,} places in line at once, {each:.1f} bytes each (bar {MOST_BYTES:.0f}); the "
        f"whole event in {wall_s:.0f} s (bar {MOST_WALL:.0f}), {max(one['looks'] for one in whole):,} looks; the same "
        f"seed gives {'the same' if same else 'ANOTHER'} SHA-256 of all looks in another process, another seed another",
    )


def page(figures: Figures) -> str:
    """What stands in docs/waiting-room.md."""
    words = {
        "calm": "undisturbed", "all": "all at the opening", "disturbed": "restart and cut", "again": "the same again",
        "other": "another seed", "together": "control: back after the plain interval, together",
        "seldom": "control: asks every 20 s",
    }  # fmt: skip
    lines = [
        "| night | people | looks | looks an hour | turn noticed (p95) | opening, restart, cut | bytes each "
        "| whole event | digest |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, text in words.items():
        one = figures["nights"][name]
        herds = (
            ", ".join(f"{peak:.2f}" for peak in one["peaks"].values())
            if name in ("disturbed", "again", "other", "together")
            else ""
        )
        lines.append(
            f"| {text} | {one['people']:,} | {one['looks']:,} | {one['looks_per_hour']:.0f} "
            f"| {one['notice_p95']:.1f} s | {herds} | {one['bytes_each']:.1f} | {one['wall_s']:.0f} s "
            f"| `{one['digest'][:12]}` |"
        )
    lines += [
        "",
        "Where a network was cut, turns that came while nobody could ask count as late, too.",
        "",
        "| tickets | board made a second | making it | a look at a place | count of the live |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {each['people']:,} | {each['made_per_s']:.2f} | {each['board_us']:.0f} us | {each['place_us']:.0f} us "
        f"| {each['count_ms']:.1f} ms |"
        for each in figures["boards"]
    ]
    return "\n".join([*lines, "", *(f"- {each.goal}: {each.text}." for each in findings(figures))])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="One night of the proof, as JSON.")
    parser.add_argument("night", choices=NIGHTS)
    parser.add_argument("people", type=int)
    parser.add_argument("seed", type=int)
    options = parser.parse_args(arguments)
    print(json.dumps(played(options.night, options.people, options.seed)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
