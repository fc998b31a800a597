"""What one replica knows of the line beside the room's row: who is there, how fast they come in, how promises held.

Nothing in it must be right for the order of the line or the limit at the gate: it only makes what people are told true.
A replica that begins knows nothing, and is as good as the others when it has seen a few minutes.
"""

from typing import NamedTuple

from service.domain import promises
from service.domain.presence import MOST_SPAN, SLOT, Bitmap, Live, Noted

WITHOUT_TOKEN = 10.0
"""Seconds in which a place is told once to who does not show the answer before: a page that was closed is back in the
line's sight, and leaving the token away is no way to ask more often."""

MOST_UNWRITTEN = 5
"""Slots kept while the database does not take them: older ones would tell of nobody live."""


class Slot(NamedTuple):
    """drawn: whether the bitmap is of places; before the draw it is of numbers."""

    number: int
    drawn: bool
    seen: Bitmap


class Lookout:
    """All times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._noted = Noted(0)
        self._drawn = False
        self._slot = 0
        self._slot_began = 0.0
        self._changed = False
        self._unwritten: list[Slot] = []
        self._without = Noted(0)
        self._without_began = 0.0
        self._live: Live | None = None
        self._live_share = 1.0
        self._watched: tuple[int, int] | None = None
        self._ends = list(zip(promises.FIRST_LOW, promises.FIRST_HIGH, strict=True))
        self._learned_at: list[float | None] = [None] * promises.CLASSES
        self.used_share = 1.0
        """Of the chosen rate: at what people really come in."""

    # ------------------------------------------------------------ presence

    def note(self, place: int, frontier: int, drawn: bool) -> None:
        """Its holder asked, or came. Not `drawn`: it is a number, whose place is not known yet."""
        if drawn != self._drawn:
            self._begin_slot(frontier, drawn)
        if self._noted.note(place):
            self._changed = True

    def to_write(self, now: float, frontier: int, drawn: bool) -> list[Slot]:
        """Who was seen and is not written down yet, the newest slot last.

        A new bitmap begins when the old one is `SLOT` old, or when the lots were drawn: places are new then.
        """
        self._keep_noted()
        if drawn != self._drawn or now - self._slot_began >= SLOT:
            self._begin_slot(frontier, drawn)
            self._slot_began = now
        return list(self._unwritten)

    def _keep_noted(self) -> None:
        if self._changed:
            self._unwritten = [each for each in self._unwritten[-MOST_UNWRITTEN:] if each.number != self._slot]
            self._unwritten.append(Slot(self._slot, self._drawn, self._noted.bitmap()))
            self._changed = False

    def _begin_slot(self, frontier: int, drawn: bool) -> None:
        self._keep_noted()
        if drawn != self._drawn:
            self._live = None
        self._noted, self._drawn, self._slot = Noted(frontier), drawn, self._slot + 1

    def written(self, slots: list[Slot]) -> None:
        self._unwritten = [each for each in self._unwritten if each not in slots]

    def count(self, live: Bitmap, drawn: bool, came: int) -> None:
        """Take over what all replicas saw together. came: tickets given out."""
        counted = Live(live)
        if not drawn:
            self._live_share = min(counted.count / came, 1.0) if came >= 100 else 1.0
        elif self._drawn:
            self._live = counted

    @property
    def live_people(self) -> int:
        """As far as they were counted."""
        return 0 if self._live is None else self._live.count

    def ahead(self, place: int, frontier: int, warm: bool) -> int:
        """Live people who stand between the frontier and `place`.

        Not `warm`: not everybody has asked since the lots were drawn, so the share that was live before stands for it.
        """
        behind = max(place - frontier - 1, 0)
        if self._live is None or not warm:
            return int(behind * self._live_share)
        return self._live.between(frontier + 1, place)

    def wait_without_token(self, number: int, now: float) -> float:
        """Seconds until ticket `number` may ask without the token of the answer before; 0: now, and it was noted."""
        if now - self._without_began >= WITHOUT_TOKEN:
            self._without, self._without_began = Noted(0), now
        fresh = self._without.note(number % MOST_SPAN)  # numbers go on from one start of the room to the next
        return 0.0 if fresh else self._without_began + WITHOUT_TOKEN - now

    # ------------------------------------------------------------ pace and promises

    def watch(self, gate_ms: int, admitted: int, rate_per_s: float, *, in_line: bool) -> None:
        """The gate as the room's copy shows it now: its clock, and how many came in. in_line: somebody waits."""
        before, self._watched = self._watched, (gate_ms, admitted)
        if before is not None and in_line and gate_ms > before[0]:
            entered, elapsed = admitted - before[1], (gate_ms - before[0]) / 1000.0
            self.used_share = promises.yield_after(self.used_share, float(entered), rate_per_s, elapsed)

    def range_of(self, expected_s: float) -> tuple[float, float]:
        """The range that is shown for an expected wait."""
        low, high = self._ends[promises.wait_class(expected_s)]
        return promises.range_end_s(expected_s, low), promises.range_end_s(expected_s, high)

    def learn(self, now: float, waited_s: float, expected_s: float) -> None:
        """A wait ended that was expected to take `expected_s`."""
        kind = promises.wait_class(expected_s)
        before, self._learned_at[kind] = self._learned_at[kind], now
        elapsed = 0.0 if before is None else now - before
        ratio, memory = waited_s / expected_s, promises.MEMORY[kind]
        low, high = self._ends[kind]
        self._ends[kind] = (
            promises.learned(low, ratio, promises.LOW, elapsed, memory),
            promises.learned(high, ratio, promises.HIGH, elapsed, memory),
        )
