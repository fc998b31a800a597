"""One applicant in 80 bytes: the state of the machine (scenarios.journey_state) and what the service knows of her.

With her timer in the wheel and her place in the line that is a hundred bytes, so two million people fit in 200 MB.
Fields whose times cannot overlap share one: what is held until the account is made, and what comes after it. All are
signed: numba makes floats of sums of signed and unsigned 64-bit numbers.
"""

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scenarios.fates import Channel
from scenarios.journey_state import Action, Code, Nerves, Progress, State, Traits
from scenarios.simulation.compiled import inlined, shared
from scenarios.simulation.people import People
from scenarios.uploaders import Uploader

_BYTES = (
    "action", "phase", "fate", "reason", "furthest", "tries", "busy", "mishaps", "repeats", "channel", "sends",
    "silences", "signed_in", "photo", "answers", "mistyped", "browser", "takes", "hour_asks", "day_asks", "mails",
    "texts", "identity", "version",
)  # fmt: skip
ROW = np.dtype(
    [
        ("moment_s", np.float64),
        ("who", np.int32),
        ("place", np.int32),
        ("since_ms", np.int32),
        ("handed_ms", np.int32),
        ("delivery_ms", np.int32),
        ("sent_ms", np.int32),
        ("stored", np.int32),
        ("answer_us", np.int32),
        ("retries", np.int16),
        ("visits", np.int16),
        ("pages", np.int16),
        ("photo_sends", np.int16),
        ("asked", np.int16),
        ("marks", np.int16),
        ("hour_from", np.int16),
        ("day_from", np.int16),
        *((name, np.int8) for name in _BYTES),
    ],
    align=True,
)
"""moment_s: when she loses patience with the line, and once she has gone, when that was; seconds since the opening.
who: what is special about her (`_NETWORK` and the masks below), and her requests. place: in the line, from 1.
since_ms: until the account is made, when she was let in; from then on, when her test began. -1: not yet.
handed_ms: when her present code was handed to the gateway. delivery_ms: when the first message with it arrives.
sent_ms: when it was asked for last. stored: bytes that the service has of her photo.
answer_us: what the present request takes. asked: requests for a code; a message of an earlier one is of no use.
hour_from, day_from: minutes since the opening when the windows of the code budget began; hour_asks, day_asks: in them.
phase: Phase. photo_sends: requests with its bytes; where people leave before the photos, answers that worked.
takes: photos taken anew. mails, texts: messages sent to her. identity: IdentityStatus, -1: not given.
"""

HELD, INSIDE, AT_GATE, ACCOUNT, ACCOUNT_HERE, SESSION, VERIFIED = 1, 2, 4, 8, 16, 32, 64
ASSESSED, JOINED, KEPT, ANNOUNCED, FARTHER, CODE_USED = 128, 256, 512, 1024, 2048, 4096
"""Bits of `marks`. HELD: her browser has a ticket. INSIDE: was let in. AT_GATE: waits there to be let in.
ACCOUNT_HERE: the account was made from this browser. KEPT: the present request took effect, and she was not told.
ANNOUNCED: the service knows of her photo. FARTHER: it has more bytes of it than her client knows of."""

_wide: Any = np.int64
"""What is counted with, in Python and compiled alike."""
_NETWORK, _PATIENCE, _MANNERS, _UPLOADER, _PACE = 0, 4, 8, 10, 12
_BY_EMAIL, _LOW_MEMORY, _UNDER_AGE, _MISTYPED = 1 << 14, 1 << 15, 1 << 16, 1 << 17
_REQUESTS, MOST_REQUESTS = 18, (1 << 13) - 1
"""Of `who`: the upper bits count."""
MOST_CLASSES = 16
"""Networks and classes of patience: so many fit into the bits."""


class Phase(IntEnum):
    """What an applicant's timer stands for."""

    EXPECTED = 0
    """She comes."""
    THINKING = 1
    """She does what `action` says."""
    ASKING = 2
    """The answer is there."""
    GIVING_UP = 3
    """The client has waited long enough; the service goes on working."""
    SILENT = 4
    """No answer for so long that she may refresh the page."""
    SENDING = 5
    """The bytes of her photo have reached the service."""
    RESET = 6
    HALF_OPEN = 7
    KILLED = 8
    """The line has broken (scenarios.networks.Cut), and her phone has noticed."""
    LOOKING = 9
    """Looks out for a message: it is there, or she gets restless."""
    IN_LINE = 10
    """Her patience with the line is at its end. Whoever moves the frontier sets the timer to her next look."""
    GONE = 11


def made(count: int) -> NDArray[Any]:
    """Rows of `count` people of whom nothing is known yet."""
    rows = np.zeros(count, ROW)
    for name in ("since_ms", "handed_ms", "delivery_ms", "sent_ms", "identity"):
        rows[name] = -1
    return rows


def fill(rows: NDArray[Any], people: People, uploader: Uploader) -> None:
    """Write down who the people are, and let them stand before the first page. rows: those of `people` alone."""
    sends_whole = np.where(people.without_javascript, int(Uploader.ONE_SHOT), int(uploader))
    rows["who"] = (
        people.network.astype(np.int32)
        | people.patience.astype(np.int32) << _PATIENCE
        | people.manners.astype(np.int32) << _MANNERS
        | sends_whole.astype(np.int32) << _UPLOADER
        | people.pace.astype(np.int32) << _PACE
        | people.by_email * np.int32(_BY_EMAIL)
        | people.low_memory * np.int32(_LOW_MEMORY)
        | people.is_under_age * np.int32(_UNDER_AGE)
        | people.mistyped * np.int32(_MISTYPED)
    )
    rows["action"] = Action.TICKET
    rows["channel"] = np.where(people.by_email, int(Channel.EMAIL), int(Channel.SMS))
    rows["mistyped"] = people.mistyped
    rows["moment_s"] = -1.0


def networks(crowd: NDArray[Any]) -> NDArray[Any]:
    """Of everybody, for the record: position in the night's table of networks."""
    return np.asarray(crowd["who"] & 15)


def patience(crowd: NDArray[Any]) -> NDArray[Any]:
    """Position in its table of patience."""
    return np.asarray((crowd["who"] >> _PATIENCE) & 15)


def manners(crowd: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((crowd["who"] >> _MANNERS) & 3)


def by_email(crowd: NDArray[Any]) -> NDArray[Any]:
    """Who asked for the first code by e-mail."""
    return np.asarray(crowd["who"] & _BY_EMAIL != 0)


def requests(crowd: NDArray[Any]) -> NDArray[Any]:
    """Requests that each has made, MOST_REQUESTS at most; looks at one's place in line are not among them."""
    return np.asarray(crowd["who"] >> _REQUESTS)


@shared
def network_of(row: Any) -> int:
    """Her network: a position in the night's table."""
    return int(_wide(row.who) & 15)


@shared
def manners_of(row: Any) -> int:
    return int((_wide(row.who) >> _MANNERS) & 3)


@shared
def uploader_of(row: Any) -> int:
    return int((_wide(row.who) >> _UPLOADER) & 3)


@shared
def count_request(row: Any) -> None:
    """She has made one request more; beyond MOST_REQUESTS nobody counts."""
    if _wide(row.who) >> _REQUESTS < MOST_REQUESTS:
        row.who = _wide(row.who) + (1 << _REQUESTS)


@shared
def is_under_age(row: Any) -> bool:
    return bool((_wide(row.who) & _UNDER_AGE) != 0)


@shared
def is_mistyped(row: Any) -> bool:
    """Whether the first identity data that she gives have a wrong digit; a correction has none."""
    return bool((_wide(row.who) & _MISTYPED) != 0)


@shared
def has(row: Any, flag: int) -> bool:
    return bool((_wide(row.marks) & flag) != 0)


@shared
def set_flag(row: Any, flag: int) -> None:
    row.marks = _wide(row.marks) | flag


@shared
def clear(row: Any, flags: int) -> None:
    row.marks = _wide(row.marks) & ~flags


@inlined
def traits_of(row: Any, figures: Any) -> Traits:
    """What is special about her, from the night's tables."""
    who = _wide(row.who)
    patience = (who >> _PATIENCE) & 15
    channel = _wide(Channel.SMS)
    if who & _BY_EMAIL:
        channel = _wide(Channel.EMAIL)
    mistyped = _wide(1) if who & _MISTYPED else _wide(0)
    low_memory = _wide(1) if who & _LOW_MEMORY else _wide(0)
    return Traits(
        figures.tries[patience],
        figures.visits[patience],
        channel,
        mistyped,
        (who >> _MANNERS) & 3,
        (who >> _UPLOADER) & 3,
        low_memory,
        figures.think_factor[(who >> _PACE) & 3],
    )


@inlined
def state_of(row: Any, figures: Any) -> State:
    """Where the machine stands."""
    return State(
        _wide(row.action),
        traits_of(row, figures),
        Nerves(
            _wide(row.tries),
            _wide(row.busy),
            _wide(row.retries),
            _wide(row.visits),
            _wide(row.mishaps),
            _wide(row.repeats),
        ),
        Code(_wide(row.channel), _wide(row.sends), _wide(row.silences), _wide(row.signed_in)),
        Progress(_wide(row.furthest), _wide(row.photo), _wide(row.answers), _wide(row.mistyped)),
        float(row.moment_s),
        _wide(row.fate),
        _wide(row.reason),
        _wide(row.browser),
        _wide(row.pages),
    )


@inlined
def keep(row: Any, state: State) -> None:
    """Write the machine's state into the row; what a new browser or a lost page does not know is forgotten."""
    if state.browser != _wide(row.browser):
        _start_browser(row)
    elif state.pages != _wide(row.pages):
        _lose_page(row)
    nerves, code, progress = state.nerves, state.code, state.progress
    if progress.photo > _wide(row.photo):
        clear(row, ANNOUNCED | FARTHER)
    row.action = state.action
    row.tries, row.busy, row.retries = nerves.tries, nerves.busy, nerves.retries
    row.visits, row.mishaps, row.repeats = nerves.visits, nerves.mishaps, nerves.repeats
    row.channel, row.sends = code.channel, code.sends
    row.silences, row.signed_in = code.silences, code.signed_in
    row.furthest, row.photo = progress.furthest, progress.photo
    row.answers, row.mistyped = progress.answers, progress.mistyped
    row.moment_s = state.leaves_line_at
    row.fate, row.reason = state.fate, state.reason
    row.browser, row.pages = state.browser, state.pages


@shared
def _start_browser(row: Any) -> None:
    """A browser that was never here: nothing is stored in it. What the service knows of her stays."""
    clear(row, HELD | INSIDE | AT_GATE | ACCOUNT_HERE | SESSION)
    if not has(row, ACCOUNT):
        row.since_ms = -1
    _begin_anew(row)


@shared
def _lose_page(row: Any) -> None:
    """Ticket, pass and session stay; the photo that was taken is taken anew."""
    row.takes = _wide(row.takes) + 1
    _begin_anew(row)


@shared
def _begin_anew(row: Any) -> None:
    """What stood on the page is gone; requests from now on are others than those before."""
    row.asked = _wide(row.asked) + 1
    row.handed_ms = -1
    row.delivery_ms = -1
    clear(row, KEPT | ANNOUNCED | FARTHER | CODE_USED)
