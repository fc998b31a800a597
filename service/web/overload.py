"""The doorkeeper: lets requests in as the door says, has them wait for a moment, or turns them away at once.

It stands inside the boundary, which measures and answers, and before everything that costs work.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.domain import overload as rules
from service.domain.deadline import ASKER_WAITS_UNTIL
from service.domain.door import Door, Entry, Turn
from service.domain.errors import Overloaded
from service.domain.overload import Progress
from service.metrics import Metrics
from service.web.http import Headers, send_early
from service.web.problems import render, retry_headers
from service.web.progress import KINDS, Asked, asked, person_of

SWEEP = 0.005
"""Seconds between two looks at the line, while somebody waits: what a late line is judged by."""
BEAT = 0.05
"""Seconds between two beats of the watchdog."""
TIMEOUT_HEADER = b"request-timeout"
LONGEST_TIMEOUT = 60.0

_TUS = (b"tus-resumable", b"1.0.0")
_CLOSE = (b"connection", b"close")

FullHouse = Callable[[str], tuple[Headers, bytes]]
"""Headers and body of the page that says so, by path."""


class _Incoming:
    """The request's bytes. While they are awaited, its places may be lent: the time is the client's."""

    __slots__ = ("_away", "_door", "_receive", "ahead", "kind", "lent", "spent")

    def __init__(self, receive: Receive, kind: str, door: Door, away: "set[_Incoming]") -> None:
        self._receive = receive
        self._door = door
        self._away = away
        self.kind = kind
        self.ahead: Message | None = None
        self.lent = False
        self.spent = 0.0

    async def __call__(self) -> Message:
        if self.ahead is not None:
            message, self.ahead = self.ahead, None
            return message
        began = time.monotonic()
        self._away.add(self)
        try:
            return await self._receive()
        finally:
            self.come_back()
            self.spent += time.monotonic() - began

    def come_back(self) -> None:
        self._away.discard(self)
        if self.lent:
            self.lent = False
            self._door.take_back(self.kind)


class Doorkeeper:
    """full_house: None where there are no pages. visitor: tells the browsers that visit them apart, by the headers.

    chance: uniform in [0, 1). sort: what is asked, by method and path.
    """

    def __init__(
        self,
        app: ASGIApp,
        door: Door,
        metrics: Metrics,
        full_house: FullHouse | None,
        visitor: Callable[[Mapping[bytes, bytes]], bytes],
        chance: Callable[[], float],
        sort: Callable[[str, str], Asked | None] = asked,
    ) -> None:
        self.app = app
        self._sort = sort
        self._door = door
        self._full_house = full_house
        self._visitor = visitor
        self._chance = chance
        self._away: set[_Incoming] = set()
        self._sweeping = False
        self._shed = {
            (turn, rank): metrics.door_shed.labels(turn.value, rank.name.lower()) for turn in Turn for rank in Progress
            if turn is not Turn.ENTER
        }  # fmt: skip
        self._gone = metrics.door_gone

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        what = self._sort(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if what is None:
            await self.app(scope, receive, send)
            return
        limit = dict(scope["headers"]).get(TIMEOUT_HEADER)
        until = inf if limit is None else _until(limit)
        ASKER_WAITS_UNTIL.set(until)
        incoming = _Incoming(receive, what.kind, self._door, self._away)
        if not self._enter_nowait(what) and not await self._gets_in(what, until, incoming, scope, receive, send):
            return
        quiet = self._door.is_quiet()
        began = time.monotonic() - incoming.spent
        try:
            await self.app(scope, incoming, send)
        finally:
            now = time.monotonic()
            self._leave(incoming, now)
            if 200 <= scope.get("answered", 0) < 400:  # a refusal is quick for reasons of its own
                took = now - began - incoming.spent
                endpoint = (scope.get("endpoint"), scope["method"])
                self._door.note(incoming.kind, endpoint, now, took, quiet=quiet)

    async def _gets_in(
        self, what: Asked, until: float, incoming: _Incoming, scope: Scope, receive: Receive, send: Send
    ) -> bool:
        """Whether a request that had to wait may enter after all; if not, it is answered, or its client gone."""
        turn = await self._wait(what, scope, until)
        if turn is not Turn.ENTER:
            self._shed[turn, what.progress].inc()
            await self._turn_away(what, scope, receive, send)
            return False
        try:
            gone = await _is_gone(incoming, scope)
        except BaseException:
            self._leave(incoming, time.monotonic())
            raise
        if gone:
            self._leave(incoming, time.monotonic())
            self._gone.inc()
        return not gone

    def _enter_nowait(self, what: Asked) -> bool:
        if self._door.enter_nowait(*what):
            return True
        if not self._away:
            return False
        self._lend()
        return self._door.enter_nowait(*what)

    def _lend(self) -> None:
        """The places of those whose clients keep us waiting."""
        for incoming in self._away:
            if not incoming.lent:
                incoming.lent = True
                self._door.lend(incoming.kind)

    def _leave(self, incoming: _Incoming, now: float) -> None:
        incoming.come_back()
        self._door.leave(incoming.kind, now)

    async def _wait(self, what: Asked, scope: Scope, until: float) -> Turn:
        """Stand in line until told something."""
        told: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()

        def settle(turn: Turn) -> None:
            if not told.done():  # cancelled a moment ago
                told.set_result(turn)

        entry = Entry(what.kind, what.progress, self._place(scope), time.monotonic(), until, settle)
        self._door.wait(entry)
        if told.done():
            return told.result()
        self._sweep_soon()
        try:
            return await told
        except asyncio.CancelledError:
            if entry.told is Turn.ENTER:
                self._door.leave(what.kind, time.monotonic())
            self._door.give_up(entry)
            raise

    def _place(self, scope: Scope) -> float:
        headers = dict(scope["headers"])
        person = person_of(headers)
        if not person and b"cookie" in headers:
            person = self._visitor(headers)
        return rules.place_of(person, time.time()) if person else self._chance()

    def _sweep_soon(self) -> None:
        if not self._sweeping:
            self._sweeping = True
            asyncio.get_running_loop().call_later(SWEEP, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = False
        self._lend()
        self._door.expire(time.monotonic())
        if self._door.waiting:
            self._sweep_soon()

    async def _turn_away(self, what: Asked, scope: Scope, receive: Receive, send: Send) -> None:
        retry_after = rules.retry_after_s(self._door.share_of(what.progress), self._chance())
        error = Overloaded(retry_after_s=retry_after)
        path = scope["path"]
        if self._full_house is not None and path.startswith("/daftar"):
            headers, body = self._full_house(path)
            headers = [*headers, *retry_headers(error), (b"content-length", b"%d" % len(body))]
            status = 503
        elif what.kind == "upload":
            status, headers, body = render(error)
            headers.append(_TUS)
        else:
            raise error
        if what.kind == "upload" and scope["method"] != "GET":
            await send_early(receive, send, status, [*headers, _CLOSE], body)
            return
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Watchdog:
    """Sees how late the event loop is, and tells the door. `lag`: the worst of the last five to ten seconds."""

    KEEPS = 5.0

    def __init__(self, door: Door) -> None:
        self._door = door
        self._worst = self._before = 0.0
        self._kept_at = self._due = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lag(self) -> float:
        """Also while the loop stands still: whoever asks does so from another thread."""
        return max(self._worst, self._before, time.monotonic() - self._due if self._timer else 0.0)

    def start(self) -> None:
        self._due = time.monotonic() + BEAT
        self._timer = asyncio.get_running_loop().call_later(BEAT, self._beat)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _beat(self) -> None:
        now = time.monotonic()
        lag = max(0.0, now - self._due)
        if now - self._kept_at >= self.KEEPS:
            self._before, self._worst, self._kept_at = self._worst, 0.0, now
        self._worst = max(self._worst, lag)
        self._door.stall(now, lag)
        self.start()


def new_door(metrics: Metrics) -> Door:
    """A door whose figures are shown."""
    door = Door(KINDS, time.monotonic())
    for name, limit in (("all", door.house), *door.limits.items()):
        metrics.door_limit.labels(name).set_function(partial(getattr, limit, "value"))
        metrics.door_in_flight.labels(name).set_function(partial(getattr, limit, "in_flight"))
    metrics.door_waiting.set_function(lambda: door.waiting)
    return door


def new_watchdog(door: Door, metrics: Metrics) -> Watchdog:
    watchdog = Watchdog(door)
    metrics.loop_lag.set_function(lambda: watchdog.lag)
    return watchdog


def _until(header: bytes) -> float:
    """The moment after which the asker is gone: `Request-Timeout: 2.5` are seconds, so no clocks are compared."""
    try:
        seconds = float(header)
    except ValueError:
        return inf
    return time.monotonic() + min(seconds, LONGEST_TIMEOUT) if seconds >= 0.0 else inf


async def _is_gone(incoming: _Incoming, scope: Mapping[str, Any]) -> bool:
    """Whether the client left while it stood in line; what it sent first is kept for the handler."""
    if any(name == b"expect" for name, _ in scope["headers"]):
        return False  # the first look would ask it for its body
    try:
        async with asyncio.timeout(0):
            incoming.ahead = await incoming()
    except TimeoutError:  # it is there, and slow: the handler says for how long
        return False
    return bool(incoming.ahead["type"] == "http.disconnect")
