"""What a look costs the service, however many stand in line: the board, one place, and a look that is too early (G7).

All of it is the service's own: the copy of the board that a replica keeps, the action that tells a place, the count of
who is live. Only the store is a row in memory, and the clock is moved by hand.
"""

import asyncio
import pickle
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from types import SimpleNamespace
from typing import cast

import pytest

from service.actions import tickets as actions
from service.actions.place import Place
from service.domain import promises, tickets
from service.domain.errors import TooEarly
from service.domain.lookout import Lookout
from service.domain.presence import Bitmap, Live
from service.domain.tickets import Shown
from service.ports import Ports
from service.room_ports import Room
from service.storage.vault import KeyVault
from service.web.board import REFRESH, BoardCopy
from tests.acceptance.long.room_goals import Figures, Invalid
from tests.virtual_time import virtual_time

SECONDS = 60
"""For which the board is asked, by everybody in line once."""
STEPS = 10
"""Moments of a second in which it is asked."""
OPENED = datetime(2020, 4, 11, 12, tzinfo=UTC)
EARLY = 0.7
LOOKERS = 500
BOARDS, COUNTS = 300, 3
ROUNDS = 7
"""Of each time the median of so many."""


@dataclass
class Clock:
    at: datetime

    def now(self) -> datetime:
        return self.at


def room(people: int) -> Room:
    """An hour's line, an hour after the opening, of which nobody is in yet."""
    cohort = int(people * EARLY)
    return Room(
        1, 0.0, people / 3600.0, "open", "", people, OPENED, 0.0,
        cohort=cohort, shuffle_high=123_456_789, shuffle_low=987_654_321, opens_at=OPENED, opened_at=OPENED,
    )  # fmt: skip


def measure(people: int) -> Figures:
    """In microseconds, but for the count. Raises Invalid when the service did not do what was measured."""
    one = room(people)
    clock, lookout = Clock(OPENED + timedelta(hours=1)), Lookout()
    ports = ports_of(one, clock, lookout)
    everybody = Bitmap(0, b"\xff" * (people // 8 + 1))
    made, answers = boards(ports, people)
    if made < SECONDS - 2:
        raise Invalid(f"the board was made {made} times in {SECONDS} s: it stood still")
    lookout.note(1, 0, True)  # from then on it counts places, not numbers
    lookout.count(everybody, True, people)
    copy = BoardCopy()
    place_us, refused, changed = _places(ports, one, clock)
    return {
        "people": people,
        "asked": answers,
        "made_per_s": (made - 1) / (SECONDS * REFRESH),
        "board_us": _usual_us(lambda: copy.show(one, OPENED), BOARDS),
        "board_bytes": len(copy.answer.body),
        "place_us": place_us,
        "too_early": LOOKERS,
        "too_early_refused": refused,
        "too_early_changed": changed,
        "count_ms": _usual_us(lambda: Live(everybody), COUNTS) / 1e3,
    }


def ports_of(one: Room, clock: Clock, lookout: Lookout) -> Ports:
    async def read() -> Room:
        return one

    @asynccontextmanager
    async def begin(**_: bool) -> AsyncIterator[SimpleNamespace]:
        yield SimpleNamespace(room=SimpleNamespace(read=read))

    return cast(
        Ports,
        SimpleNamespace(
            begin=begin,
            clock=clock,
            lookout=lookout,
            vault=KeyVault(bytes(range(32))),
            policy=SimpleNamespace(gate_rate_per_s=one.rate_per_s),
        ),
    )


def boards(ports: Ports, people: int) -> tuple[int, int]:
    """How often a replica made the board while everybody in line looked at it once in a minute; and the looks."""

    async def asked() -> tuple[int, int]:
        copy, answers = BoardCopy(), 0
        await copy.refresh(ports)
        keeping = asyncio.create_task(copy.keep_fresh(ports))
        steps = SECONDS * STEPS
        for step in range(steps):
            for _ in range(people * step // steps, people * (step + 1) // steps):
                answers += copy.answer.status == 200
            await asyncio.sleep(1.0 / STEPS)
        keeping.cancel()
        await asyncio.wait([keeping])
        return copy.made, answers

    with pytest.MonkeyPatch.context() as patch, virtual_time(patch) as run:
        found: tuple[int, int] = run(asked())
    return found


def _places(ports: Ports, one: Room, clock: Clock) -> tuple[float, int, bool]:
    """What a look at one's place takes, in us; how many who look again at once are refused; whether that changes
    anything that the replica knows. Raises Invalid when a look in time changes nothing either, or nobody waits."""
    numbers = (1 + at * (one.last_ticket - 1) // LOOKERS for at in range(LOOKERS + 1))
    *held, other = (_ticket(ports, one, number) for number in numbers)
    tokens = [_look(ports, one, shown, "").place_token for shown in held]
    before = pickle.dumps(ports.lookout)
    refused = sum(_is_refused(ports, one, shown, token) for shown, token in zip(held, tokens, strict=True))
    changed = pickle.dumps(ports.lookout) != before
    _look(ports, one, other, "")
    if pickle.dumps(ports.lookout) == before:
        raise Invalid("a first look leaves no trace: nothing tells whether early ones do")
    taken = []
    for _ in range(ROUNDS):
        clock.at += timedelta(seconds=promises.SPREAD)
        began = time.perf_counter()
        places = [_look(ports, one, shown, token) for shown, token in zip(held, tokens, strict=True)]
        taken.append((time.perf_counter() - began) / LOOKERS * 1e6)
        tokens = [place.place_token for place in places]
        if any(place.state != "waiting" for place in places):
            raise Invalid("people in line are not told to wait")
    return median(taken), refused, changed


def _ticket(ports: Ports, one: Room, number: int) -> Shown:
    secret = tickets.secret_of(ports.vault.key("ticket secrets"), b"%d" % number)
    return Shown(actions.sign_ticket(ports.vault, one, number, tickets.binding_of(secret)), secret)


def _look(ports: Ports, one: Room, shown: Shown, token: str) -> Place:
    return actions.look_at_place(ports, one, shown, token)


def _is_refused(ports: Ports, one: Room, shown: Shown, token: str) -> bool:
    try:
        _look(ports, one, shown, token)
    except TooEarly:
        return True
    return False


def _usual_us(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(times):
            work()
        taken.append((time.perf_counter() - began) / times * 1e6)
    return median(taken)
