"""G13: 100,000 tickets and passes that somebody changed, borrowed or kept too long, and what a check costs.

The checks are the service's own, with no database to ask: there is none here.
"""

import random
import string
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from service.actions import tickets as actions
from service.domain import gate, tickets
from service.domain.errors import PassInvalid, TicketInvalid
from service.domain.tickets import Shown
from service.ports import Ports
from service.room_ports import Room
from service.storage.vault import KeyVault
from tests.acceptance.long.room_goals import Figures, Finding, Invalid, Run
from tests.patience import least

GOALS = ("G13",)
SEEDS = QUICK = 1

TRIED, QUICK_TRIED = 100_000, 10_000
MOST_US = 100.0
EPOCH, KEY_ID, OLDEST = 3, 5, 4
NOW = datetime(2020, 4, 11, 13, tzinfo=UTC)
REVOKED = 77

ROOM = cast(Room, SimpleNamespace(epoch=EPOCH, key_id=KEY_ID, oldest_key_id=OLDEST, revoked=frozenset({REVOKED})))
VAULT = KeyVault(bytes(range(32)))
PORTS = cast(Ports, SimpleNamespace(vault=VAULT, clock=SimpleNamespace(now=lambda: NOW)))


def room(**changed: Any) -> Room:
    given = {"epoch": EPOCH, "key_id": KEY_ID, "oldest_key_id": OLDEST, "revoked": frozenset[int]()}
    return cast(Room, SimpleNamespace(**{**given, **changed}))


def ticket_of(number: int, of: Room = ROOM, vault: KeyVault = VAULT) -> Shown:
    secret = tickets.secret_of(vault.key("ticket secrets"), b"%d" % number)
    return Shown(actions.sign_ticket(vault, of, number, tickets.binding_of(secret)), secret)


def pass_of(number: int, expires_at: float, of: Room = ROOM, vault: KeyVault = VAULT) -> str:
    return actions.sign_pass(vault, of, number, int(expires_at))


def takes_ticket(shown: Shown) -> bool:
    try:
        actions.read_ticket(VAULT, shown, ROOM)
    except TicketInvalid:
        return False
    return True


def takes_pass(value: str) -> bool:
    try:
        actions.read_pass(PORTS, ROOM, value)
    except PassInvalid:
        return False
    return True


def scratched(value: str, draw: random.Random) -> str:
    """The same value with something changed."""
    new = value
    while new == value:
        new = draw.choice(scratches(value, draw))
    return new


def scratches(value: str, draw: random.Random) -> tuple[str, ...]:
    letters = string.ascii_letters + string.digits + "-_.=+/ \u0661\u00e9\x00"
    at, letter = draw.randrange(len(value)), draw.choice(letters)
    fields = value.split(".")
    which = draw.randrange(len(fields))
    before, after = fields[:which], fields[which + 1 :]
    return (
        value[:at] + letter + value[at + 1 :],
        value[:at] + value[at + 1 :],
        value[:at] + letter + value[at:],
        value[: at + 1],
        value + letter,
        value.swapcase(),
        ".".join([*before, str(draw.randrange(10**6)), *after]),
        ".".join([*before, "0" + fields[which], *after]),
        ".".join([*before, *after]),
        ".".join([*fields, fields[-1]]),
        value * 2,
    )


def borrowed(number: int, draw: random.Random) -> Shown:
    """A genuine ticket, shown by somebody who should not, or too late."""
    other = KeyVault(bytes(32))
    mine, theirs = ticket_of(number), ticket_of(number + 1 + draw.randrange(1000))
    return draw.choice(
        (
            lambda: Shown(mine.ticket, theirs.secret),
            lambda: Shown(mine.ticket, ""),
            lambda: Shown(mine.ticket, mine.ticket),
            lambda: Shown(mine.ticket, scratched(mine.secret, draw)),
            lambda: ticket_of(number, room(epoch=EPOCH - 1)),
            lambda: ticket_of(number, room(epoch=EPOCH + 1)),
            lambda: ticket_of(number, room(key_id=OLDEST - 1)),
            lambda: ticket_of(number, room(key_id=KEY_ID + 2)),
            lambda: ticket_of(REVOKED),
            lambda: ticket_of(number, vault=other),
            lambda: Shown(pass_of(number, 4e9), mine.secret),
        )
    )()


def wrong_pass(number: int, draw: random.Random) -> str:
    end = NOW.timestamp()
    good = pass_of(number, end + 600)
    return draw.choice(
        (
            lambda: scratched(good, draw),
            lambda: pass_of(number, end - draw.random() * 1e6),
            lambda: pass_of(number, end),
            lambda: pass_of(REVOKED, end + 600),
            lambda: pass_of(number, end + 600, room(epoch=EPOCH - 1)),
            lambda: pass_of(number, end + 600, room(key_id=OLDEST - 1)),
            lambda: pass_of(number, end + 600, vault=KeyVault(bytes(32))),
            lambda: ticket_of(number).ticket,
        )
    )()


def p99_us(check: Callable[[], object]) -> float:
    def measured() -> float:
        took = []
        for _ in range(3000):
            began = time.perf_counter_ns()
            check()
            took.append(time.perf_counter_ns() - began)
        return float(np.quantile(took, 0.99)) / 1000.0

    return least(measured, MOST_US)


def measure(seed: int, run: Run) -> Figures:
    draw = random.Random(seed)
    count = QUICK_TRIED if run.quick else TRIED
    accepted = []
    for number in range(1000, 1000 + count):
        kind = draw.randrange(3)
        if kind == 0:
            good = ticket_of(number)
            bad = Shown(scratched(good.ticket, draw), good.secret)
            taken = takes_ticket(bad)
        elif kind == 1:
            bad = borrowed(number, draw)
            taken = takes_ticket(bad)
        else:
            value = wrong_pass(number, draw)
            bad, taken = Shown(value, ""), takes_pass(value)
        if taken:
            accepted.append(list(bad))
    honest = [ticket_of(1), ticket_of(2, room(key_id=OLDEST)), ticket_of(3, room(key_id=KEY_ID + 1))]
    if not all(map(takes_ticket, honest)) or not takes_pass(pass_of(1, NOW.timestamp() + 60)):
        raise Invalid("genuine tickets and passes are refused as well")
    good, valid = ticket_of(5), pass_of(5, NOW.timestamp() + 600)
    return {
        "tried": count,
        "accepted": accepted,
        "ticket_us": p99_us(lambda: actions.read_ticket(VAULT, good, ROOM)),
        "pass_us": p99_us(lambda: actions.read_pass(PORTS, ROOM, valid)),
        "lease_s": gate.LEASE,
        "life_s": gate.PASS_LIFE,
    }


def judge(figures: list[Figures]) -> list[Finding]:
    (one,) = figures
    text = f"{len(one['accepted'])} of {one['tried']:,} changed, borrowed or outdated tickets and passes accepted (0)"
    found = [Finding("G13", not one["accepted"], text)]
    slow = max(one["ticket_us"], one["pass_us"])
    found.append(
        Finding("G13", slow <= MOST_US, f"a check takes {slow:.0f} us at p99 ({MOST_US:.0f}), no store is asked")
    )
    text = f"a lease lasts {one['lease_s'] - one['life_s']:.0f} s longer than its pass"
    return [*found, Finding("G13", one["lease_s"] > one["life_s"], text)]
