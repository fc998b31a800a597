"""What the actions ask of the waiting room's rows (beside `service/ports.py`)."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.domain import lottery
from service.domain.lookout import Slot
from service.domain.lottery import ShuffleKey
from service.domain.presence import Bitmap


@dataclass(frozen=True, slots=True)
class Room:
    """The waiting room's one row as every replica reads it once a second."""

    epoch: int
    frontier: float
    """Places up to its floor are invited."""
    rate_per_s: float
    state: str
    reason: str
    last_ticket: int
    moved_at: datetime
    still_s: float
    """Seconds since the frontier moved, on the database's clock."""
    base: int = 0
    """The last number of the starts (epochs) before this one."""
    cohort: int = 0
    shuffle_high: int = 0
    shuffle_low: int = 0
    opens_at: datetime | None = None
    opens_in_s: float = 0.0
    """On the database's clock; negative when it is past, 0 without an hour of opening."""
    opened_at: datetime | None = None
    commitment: bytes | None = None
    committed_at: datetime | None = None
    cohort_digest: bytes | None = None
    key_id: int = 1
    oldest_key_id: int = 1
    wanted: str = "open"
    queue_all: bool = False
    fixed_rate_per_s: float | None = None
    hard_rate_per_s: float | None = None
    inside_limit: int | None = None
    """People inside at most, 0 any; None: that of the settings."""
    message: str = ""
    version: int = 0
    revoked: Collection[int] = frozenset()
    """Numbers of tickets that an operator has ended."""

    gate_ms: int = 0
    """The gate's clock, and what it had seen by then: how many came in, and how many wait to."""
    admitted: int = 0
    pending: int = 0

    live_count: int = 0
    """People in line who asked lately, counted some seconds ago."""

    @property
    def is_drawn(self) -> bool:
        """Whether places are known: nobody could come early, or the lots are drawn."""
        return self.opens_at is None or self.opened_at is not None

    def place_of(self, number: int) -> int:
        """Where ticket `number` stands; nothing to go by while the lots of early comers are not drawn (`is_drawn`)."""
        return self.base + lottery.place_of(number - self.base, self.cohort, self.shuffle_high, self.shuffle_low)


@dataclass(frozen=True, slots=True)
class Join:
    """Somebody who joins the line. request: names what was asked, sent again it is the same; None: it has no name."""

    request: bytes | None
    binding: bytes
    """Of the ticket's secret."""


@dataclass(frozen=True, slots=True)
class Joined:
    number: int
    first: bool
    """The request took this number now."""


class Joins(Protocol):
    async def __call__(self, join: Join, /) -> Joined:
        """The number of one ticket, drawn together with others that are asked for at the same time.

        Doing it again is doing it once. Raises as `Begin`.
        """


class WaitingRoomStore(Protocol):
    async def read(self) -> Room: ...
    async def hold(self) -> Room:
        """As `read`, the row locked until the transaction ends."""

    async def join(self, joins: Sequence[Join]) -> Sequence[Joined]:
        """The next numbers in line, in the order of `joins`; for a request that joined before, the number it took."""

    async def revoke(self, number: int) -> bool:
        """End a ticket, and the pass that it got. False: it was ended before."""

    async def move(self, *, frontier: float, rate_per_s: float, state: str, reason: str) -> None:
        """What the gatekeeper decided."""


class LotteryStore(Protocol):
    async def commit(self, epoch: int, commitment: bytes) -> None:
        """Put the commitment on the record; the first one of a start of the room stays."""

    async def freeze(self) -> int:
        """The last number that was taken. Until the transaction ends nobody takes another."""

    def members(self, after: int, until: int) -> AsyncIterator[Sequence[tuple[int, bytes]]]:
        """Numbers and bindings of the tickets after `after` up to `until`, page by page, in order of number."""

    async def open(self, epoch: int, cohort: int, digest: bytes, key: ShuffleKey) -> bool:
        """Open the room: one row, whatever the crowd. False: it is open, or its hour is not now."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Who leads, and what its clock said last."""

    holder: UUID | None
    at_ms: int
    granted: int
    admitted: int
    version: int = 0
    """Of what operators want, where a tick tells it."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """Where a new leader begins: the gate's clock, the count, and the counts that were reached before (time, count)."""

    at_ms: int
    admitted: int
    reached: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class HeldGate:
    """The gate, its lock held: nobody comes in meanwhile. Frontier and rate are those of the room's row."""

    at_ms: int
    granted: int
    admitted: int
    pending: int
    pending_from: int
    pending_to: int
    epoch: int
    frontier: float
    rate_per_s: float

    @property
    def free(self) -> int:
        return max(self.granted - self.admitted, 0)


@dataclass(frozen=True, slots=True)
class Pending:
    """Who waits at the gate, and how many tickets ever came to claim."""

    pending: int
    claimed: int
    admitted: int


@dataclass(frozen=True, slots=True)
class FoundPass:
    number: int
    admission: int
    pass_until: datetime
    first: bool
    """Its holder was not told before."""


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who comes to claim: the ticket, and its place."""

    number: int
    place: int
    epoch: int


@dataclass(frozen=True, slots=True)
class ClaimAnswer:
    """A pass, or when to claim again."""

    found: FoundPass | None
    retry_s: float = -1.0
    """-1: the ticket is not invited yet."""
    stale: bool = False
    """The room was started anew since the ticket was drawn."""


class Claims(Protocol):
    async def __call__(self, claimant: Claimant, /) -> ClaimAnswer:
        """The answer to one claim, together with others that come at the same time. Raises as `Begin`."""


class GateStore(Protocol):
    """Each method after `hold` or `tick` is called in its transaction, under the gate's lock."""

    async def look(self) -> Gate: ...
    async def lead(self, holder: UUID, seen: Gate) -> Takeover | None:
        """Lead from now on. None: the one who was `seen` to lead has ticked since, or another one was quicker.

        What the last leader granted and nobody used is gone.
        """

    async def resign(self, holder: UUID) -> None:
        """Lead no more, if `holder` does: another one need not wait."""

    async def tick(
        self, holder: UUID, *, at_ms: int, ceiling: int, reached: tuple[int, int] | None, keep_from_ms: int
    ) -> Gate | None:
        """Set the gate's clock, and grant until `ceiling` people have come in. None: `holder` does not lead.

        reached: a count and by when it was reached, to be remembered; what is older than `keep_from_ms` is forgotten.
        What the transaction does is not durable before a later one that is: nobody was told of it yet.
        """

    async def hold(self) -> HeldGate: ...
    async def put(self, numbers: Sequence[int], places: Sequence[int], until_ms: Sequence[int]) -> None:
        """These wait at the gate, each until its time, unless they have a pass that lives. Each number once."""

    async def admit(self, *, at_ms: int, admitted: int, free: int, life_s: float, lease_ms: int) -> int:
        """Let the first `free` in, by place, of those who wait and whose time is not over; how many came in ever."""

    async def collect(self, numbers: Sequence[int]) -> Sequence[FoundPass]:
        """The passes of these; they are told now."""

    async def stand(self, holder: UUID) -> Pending | None:
        """Forget who waited in vain to be asked again, and count the others. None: `holder` does not lead."""


@dataclass(frozen=True, slots=True)
class Census:
    """Whether it is time to count who is live, from which place on, and whether the lots are drawn."""

    due: bool
    frontier: int
    drawn: bool


class PresenceStore(Protocol):
    """Times are of the gate's clock."""

    async def note(self, replica: UUID, slot: Slot) -> None:
        """In place of what the replica wrote of this slot before."""

    async def due(self, *, every_ms: int) -> Census:
        """Due: nobody published in the last `every_ms`."""

    async def seen(self, *, within_ms: int, drawn: bool) -> Sequence[Bitmap]: ...
    async def forget(self, *, older_ms: int) -> None: ...
    async def publish(self, live: Bitmap, drawn: bool, count: int) -> None: ...
    async def live(self) -> tuple[Bitmap, bool] | None:
        """What was published last, and whether it is of drawn places."""
