"""What the actions ask of the rows of waves, draws and the priority list (beside `service/ports.py`)."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from service.domain.eligibility import Facts
from service.domain.wave_plans import WavePlan


@dataclass(frozen=True, slots=True)
class Wave:
    id: int
    opens_at: datetime
    closes_at: datetime
    age_on: date | None = None
    """Who is 18 on this day is old enough; None: the day of the settings."""


class WaveStore(Protocol):
    async def find(self, wave_id: int) -> Wave | None: ...
    async def following(self, now: datetime) -> Wave | None:
        """The wave that is open, or else the next one. None: none is planned."""

    async def put(self, wave: Wave) -> None:
        """The wave of the settings; one that an operator has set stays as it is."""

    async def join(
        self, join_id: UUID, wave_id: int, account_id: UUID, at: datetime, device: str
    ) -> tuple[UUID, datetime] | None:
        """Join, or return the join there is: a person joins a wave once. None: its list is made."""

    async def joined(self, account_id: UUID, wave_id: int) -> tuple[UUID, datetime] | None: ...
    async def joined_age_on(self, account_id: UUID) -> date | None:
        """The latest day on which age counts, of the waves they joined whose lists are not made. None: that of the
        settings."""


class WavePlanStore(Protocol):
    async def find(self, wave_id: int) -> WavePlan | None: ...
    async def plans(self) -> Sequence[WavePlan]:
        """All of them in order of their opening."""

    async def hold(self) -> None:
        """Nobody else changes a wave until the transaction ends; joining goes on."""

    async def put(self, plan: WavePlan) -> None:
        """By an operator: from now on the settings move its hours no more. What draws write of it stays."""


@dataclass(frozen=True, slots=True)
class LatestJoin:
    """The join by which somebody got a grant, or else the last one."""

    id: UUID
    wave_id: int
    joined_at: datetime
    outcome: int | None
    """A draws.Outcome; None: the draw gave it no place, or has not yet."""
    rank: int | None
    published_at: datetime | None
    announce_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedJoin:
    """One join with what its wave's draw asks of it, as it stood when the wave froze."""

    id: UUID
    joined_at: datetime
    assessed_at: datetime | None
    device: str
    province: int
    """Of residence; 0: none was given."""
    priority: bool
    facts: Facts


@dataclass(frozen=True, slots=True)
class Place:
    join_id: UUID
    outcome: int
    rank: int
    """In the order of the draw, from 1 on."""


class DrawStore(Protocol):
    async def freeze(self, wave_id: int, at: datetime) -> bool:
        """Nobody joins from now on; whoever is about to is waited for. False: it is frozen already, or not closed."""

    async def commit_to(self, wave_id: int, commitment: bytes) -> bool:
        """False: there is another commitment."""

    async def hold(self, wave_id: int) -> bool:
        """Nobody else has hold of the draw until the transaction ends, however long. False: somebody has."""

    async def hold_drawn(self, wave_id: int) -> tuple[bytes | None, Sequence[bytes]]:
        """The seed by which the wave is published, None: that was not begun; and the digests that withdrawn.txt has
        had since, that of the confirmation first. Locked until the transaction ends."""

    async def keep_drawn(self, wave_id: int, seed: bytes, withdrawn: bytes) -> None:
        """Remember both."""

    def joins(self, wave_id: int) -> AsyncIterator[Sequence[ListedJoin]]:
        """Everybody who joined, some thousands at a time, as of one moment."""

    async def leave_out(self, rules: Mapping[UUID, Sequence[str]]) -> None:
        """Keep for each of these joins which rules keep it out of its list."""

    async def left_out(self, join_id: UUID) -> Sequence[str]:
        """The rules that were kept; none when the join is in the list, or nothing was kept of it."""

    async def place(self, wave_id: int, places: Sequence[Place]) -> None:
        """Again it changes what is different."""

    async def grant(self, join_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Give each a grant that is not given yet. Returns those that have none: another join of the person has it, it
        was withdrawn, or the identity is not confirmed."""

    async def strike(self, join_ids: Sequence[UUID], at: datetime) -> Sequence[UUID]:
        """Their places and grants are withdrawn. Those of them that had one until now."""

    async def raise_waiting(self, join_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Those of them that waited, and are chosen now."""

    async def publish(self, wave_id: int, at: datetime) -> None:
        """The first time counts."""


class PriorityStore(Protocol):
    async def add(self, indexes: Sequence[bytes]) -> int:
        """Keyed indexes of identity numbers, each once; how many were not there before."""

    async def count(self) -> int: ...
