"""The door of one web process: adaptive limits and a short line, as a machine without I/O.

A request takes a place of the house and one of its class of route. Where both have room it enters at once; else it
waits in the line of its rank, or is turned away. Whoever drives the machine says what time it is, calls `expire` while
somebody waits, and carries out what entries are told. Times are seconds of one monotonic clock.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterable
from enum import Enum
from math import isnan, nan

from service.domain import overload as rules
from service.domain.overload import Progress


class Turn(Enum):
    """What a request that had to wait is told."""

    ENTER = "enter"
    """It has its places."""
    LATE = "late"
    """It waited too long for an answer to be of use, or longer than its asker would."""
    FULL = "full"
    """There are too many in line."""
    LAST = "last"
    """Others of its rank go first for the time being."""
    STALLED = "stalled"
    """The process stood still; whoever can come back later shall."""


class Entry:
    """A request in line. `settle` is called once, with what it is told."""

    __slots__ = ("kind", "place", "rank", "settle", "since", "told", "until")

    def __init__(
        self, kind: str, rank: Progress, place: float, since: float, until: float, settle: Callable[[Turn], None]
    ) -> None:
        self.kind = kind
        self.rank = rank
        self.place = place
        self.since = since
        self.until = until
        """When its asker gives up."""
        self.settle = settle
        self.told: Turn | None = None


class Limit:
    """How many may be at work, and what the window that is open now has seen."""

    __slots__ = ("allowed", "answers", "dropped", "in_flight", "peak", "took", "value")

    def __init__(self) -> None:
        self.value = rules.LEAST
        self.in_flight = 0
        self._open_window()

    def _open_window(self) -> None:
        self.answers = 0
        self.took = self.allowed = 0.0
        self.peak = self.in_flight
        self.dropped = False

    def adapt(self) -> None:
        if self.answers or self.dropped:
            self.value = rules.next_limit(self.value, self.took, self.allowed, self.peak, self.dropped)
        self._open_window()


class _Usual:
    """What an endpoint takes when there is room."""

    __slots__ = ("answers", "since", "took", "value")

    def __init__(self, now: float) -> None:
        self.value = nan
        self.answers = 0
        self.took = 0.0
        self.since = now

    def note(self, now: float, took: float, limit: float) -> None:
        self.answers += 1
        self.took += took
        elapsed = now - self.since
        if self.answers >= rules.ENOUGH_ANSWERS and elapsed >= rules.WINDOW_S:
            self.value = rules.usual_after(self.value, self.took / self.answers, elapsed, limit < rules.LEAST + 1.0)
            self.answers, self.took, self.since = 0, 0.0, now


class _Line:
    """Those of one rank who wait, in the order in which they came."""

    __slots__ = ("asked", "barred", "entries", "filled_at", "kept_out", "late", "share")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.filled_at = 0.0
        """Since when somebody has been waiting."""
        self.share = 1.0
        self.asked = self.late = self.kept_out = False
        """In this window: some came to wait, waited in vain, were not let wait."""
        self.barred = 0
        """Windows for which only the share of this rank enters, though there be room: a higher one needs it."""


class Door:
    """kinds: the classes of route that are limited."""

    def __init__(self, kinds: Iterable[str], now: float) -> None:
        self.house = Limit()
        self.limits = {kind: Limit() for kind in kinds}
        self.waiting = 0
        self._lines = tuple(_Line() for _ in Progress)
        self._usual: dict[Hashable, _Usual] = {}
        self._barred_from = len(Progress)
        self._left = 0
        self._stormy = False
        """Some of a rank are not let wait."""
        self._turn = 0.0
        """Seconds from one leave to the next, in the last window."""
        self._window_began = now
        self._stalled_until = now

    def enter_nowait(self, kind: str, rank: Progress) -> bool:
        """Take both places if they are free, unless those of this rank must show first where they stand."""
        if rank >= self._barred_from:
            return False
        return self._enter(kind, rank)

    def _enter(self, kind: str, rank: int) -> bool:
        limit = self.limits[kind]
        if not self._has_room(rank) or limit.in_flight >= limit.value:
            return False
        self._take(limit)
        return True

    def _has_room(self, rank: int) -> bool:
        kept_free = rules.KEPT_FREE if rank >= self._barred_from else 0
        return self.house.in_flight + kept_free < self.house.value

    def is_quiet(self) -> bool:
        """Whether a request that has just entered will show what its endpoint usually takes."""
        return rules.is_quiet(self.house.in_flight, self.house.value)

    def wait(self, entry: Entry) -> None:
        """Get in line; `settle` may be called at once."""
        line = self._lines[entry.rank]
        line.asked = True
        if entry.since < self._stalled_until and entry.rank >= Progress.ENTERING:
            self._tell(entry, Turn.STALLED)
        elif entry.place >= line.share:
            line.kept_out = True
            self._tell(entry, Turn.LAST)
        elif self._enter(entry.kind, entry.rank):
            self._tell(entry, Turn.ENTER)
        elif self.waiting >= rules.MOST_WAITING and not self._make_room(entry.rank):
            line.late = True
            self._tell(entry, Turn.FULL)
        else:
            if not line.entries:
                line.filled_at = entry.since
            line.entries.append(entry)
            self.waiting += 1

    def give_up(self, entry: Entry) -> None:
        """The asker left. An entry that has its places keeps them: `leave` gives them back."""
        if entry.told is None:
            self._take_out(entry, Turn.LATE)

    def lend(self, kind: str) -> None:
        """Others may use the places of a request that waits for its client's bytes."""
        self.house.in_flight -= 1
        self.limits[kind].in_flight -= 1

    def take_back(self, kind: str) -> None:
        """The bytes are there. More than the limit may be at work for a moment; nobody enters until it is over."""
        self._take(self.limits[kind])

    def leave(self, kind: str, now: float) -> None:
        """Give both places back, and let those in line have them."""
        self.lend(kind)
        self._left += 1
        if now - self._window_began >= rules.WINDOW_S:
            self._adapt(now)
        if self.waiting:
            self.let_in(now)

    def note(self, kind: str, endpoint: Hashable, now: float, took: float, *, quiet: bool) -> None:
        """Learn from a good answer. took: without the time in line and that of the client."""
        usual = self._usual.get(endpoint)
        if usual is None:
            usual = self._usual[endpoint] = _Usual(now)
        unknown = isnan(usual.value)
        allowed = took if unknown else rules.allowed_s(usual.value)
        if quiet or unknown:  # met for the first time in a storm: a first guess, corrected when it is over
            usual.note(now, took, self.house.value)
        for limit in (self.house, self.limits[kind]):
            limit.answers += 1
            limit.took += took
            limit.allowed += allowed
        if took >= rules.DROP_AFTER_S:
            self.drop(kind)

    def drop(self, kind: str) -> None:
        """An answer failed because there was too much at once."""
        self.house.dropped = self.limits[kind].dropped = True

    def stall(self, now: float, lag: float) -> None:
        """The process stood still for `lag` seconds: for as long again, those with little to lose do not wait."""
        if lag >= rules.LAG_LIMIT_S:
            self.house.dropped = True
            self._stalled_until = now + lag

    def expire(self, now: float) -> None:
        """Turn those away who have waited too long; whoever has room enters."""
        for line in self._lines:
            self._turn_away(line, now)
            for entry in [entry for entry in line.entries if entry.until <= now]:
                self._take_out(entry, Turn.LATE)
        if now - self._window_began >= rules.LONGEST_WINDOW_S:
            self._adapt(now)
        self.let_in(now)

    def let_in(self, now: float) -> None:
        """Those with most to lose first; newest first where a line is late, as the oldest have left by then."""
        for rank, line in enumerate(self._lines):
            while line.entries and self._has_room(rank):
                self._turn_away(line, now)
                entry = self._next_of(line, now)
                if entry is None:
                    break
                if entry.until > now:
                    self._take(self.limits[entry.kind])
                self._take_out(entry, Turn.ENTER if entry.until > now else Turn.LATE)

    def share_of(self, rank: Progress) -> float:
        return self._lines[rank].share

    def _take(self, limit: Limit) -> None:
        for each in (self.house, limit):
            each.in_flight += 1
            if each.in_flight > each.peak:
                each.peak = each.in_flight

    def _next_of(self, line: _Line, now: float) -> Entry | None:
        entries = reversed(line.entries) if self._is_late(line, now) else line.entries
        for entry in entries:
            limit = self.limits[entry.kind]
            if limit.in_flight < limit.value:
                return entry
        return None

    def _is_late(self, line: _Line, now: float) -> bool:
        return now - line.filled_at >= rules.PATIENCE_S

    def _turn_away(self, line: _Line, now: float) -> None:
        if not line.entries:
            return
        patience = rules.patience_s(self._is_late(line, now), self._stormy, self._turn)
        while line.entries and now - line.entries[0].since >= patience:
            self._refuse_oldest(line, Turn.LATE)

    def _make_room(self, rank: Progress) -> bool:
        """Turn away the oldest of the lowest rank below `rank`."""
        for line in reversed(self._lines[rank + 1 :]):
            if line.entries:
                self._refuse_oldest(line, Turn.FULL)
                return True
        return False

    def _refuse_oldest(self, line: _Line, turn: Turn) -> None:
        line.late = True
        self._take_out(line.entries[0], turn)

    def _take_out(self, entry: Entry, turn: Turn) -> None:
        self._lines[entry.rank].entries.remove(entry)
        self.waiting -= 1
        self._tell(entry, turn)

    def _tell(self, entry: Entry, turn: Turn) -> None:
        entry.told = turn
        entry.settle(turn)

    def _adapt(self, now: float) -> None:
        """Close the window, unless it has seen too little."""
        house = self.house
        if house.answers < rules.ENOUGH_ANSWERS and now - self._window_began < rules.LONGEST_WINDOW_S:
            return
        house.adapt()
        for limit in self.limits.values():
            limit.adapt()
        elapsed = now - self._window_began
        self._turn = elapsed / max(self._left, 1)
        self._left = 0
        self._share_out(elapsed)
        self._window_began = now

    def _share_out(self, elapsed: float) -> None:
        """Who is turned away costs the lower ranks a part of their shares, and the own rank where those are small."""
        pressed = False
        self._barred_from = len(self._lines)
        for rank, line in enumerate(self._lines):
            others_give = any(other.asked and other.share > rules.SMALL_SHARE for other in self._lines[rank + 1 :])
            line.share = rules.next_share(line.share, pressed or (line.late and not others_give), elapsed)
            line.barred = rules.BARRED_WINDOWS if pressed else max(0, line.barred - 1)
            if line.barred:
                self._barred_from = min(self._barred_from, rank)
            pressed = pressed or line.late or line.kept_out
            line.late = line.kept_out = line.asked = False
        self._stormy = any(line.share < 1.0 for line in self._lines)
