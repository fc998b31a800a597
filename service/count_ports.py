"""What the actions ask of counts and complaints (beside `service/ports.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID


class Cell(NamedTuple):
    """People of one place in one stage (`service.domain.counts`); of a difference: so many more, or fewer."""

    regency: int
    stage: int
    people: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Whatever was done before `as_of` is counted in `cells`, `age` seconds ago by the database's clock."""

    as_of: datetime
    age: float
    cells: Sequence[Cell]


class CountStore(Protocol):
    async def hold(self, *, wait: bool) -> datetime | None:
        """Nobody else counts until the transaction ends. The time by the database's clock; None: another one counts."""

    async def take(self, most: int) -> Sequence[UUID]:
        """Notes of changed people, `most` of them at most, removed: a person may be among them twice."""

    async def recount(self, people: Sequence[UUID], *, settled: bool) -> Sequence[Cell]:
        """Count each of these people as they stand now; by how much the sums changed. The caller holds the count.

        settled: whoever has changed and waits for being counted is left out, so that only mistakes show.
        """

    async def mark(self, at: datetime) -> None:
        """Whatever was done before `at` is counted."""

    async def read(self) -> Counts | None:
        """None: nobody was counted yet."""

    async def accounts(self, after: UUID, most: int) -> Sequence[UUID]:
        """The next accounts in the order of their ids."""

    async def resum(self) -> Sequence[Cell]:
        """Forget as what people were counted who have no account any more, and add the sums up anew from what each
        other one is counted as; by how much they changed. The caller holds the count. Takes seconds for millions."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What one person complains about, opened."""

    number: int
    secret_hash: bytes
    category: int
    regency: int
    state: int
    text: str
    filed_at: datetime
    forwarded_at: datetime | None
    letter: int | None
    """The how-manieth that was forwarded to the office of this regency."""
    answer: str | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenComplaints:
    """How many wait for an answer: in the first half of the promised time, in the second, after it."""

    fresh: int
    due: int
    late: int
    oldest_s: float
    """Age of the oldest; 0: none waits."""


class ComplaintStore(Protocol):
    """Seals and opens through the vault: rows never hold in clear what a person wrote."""

    async def take_budget(self, caller: bytes, hour: datetime, most: int) -> int:
        """The how-manieth complaint of a caller this is in the hour that began at `hour`; 0: one more than `most`."""

    async def forget_budgets(self, before: datetime) -> None:
        """Nobody asks for those of earlier hours."""

    async def add(self, secret_hash: bytes, category: int, regency: int, text: str, now: datetime) -> int:
        """Its number."""

    async def follow(self, number: int, secret_hash: bytes) -> Complaint | None:
        """The complaint of this number and secret."""

    async def hold(self, number: int) -> Complaint | None:
        """The complaint, its row locked until the transaction ends."""

    async def unanswered(self, now: datetime, promise: float) -> OpenComplaints:
        """promise: seconds within which each is to be answered."""

    async def lines(self, state: int | None, regency: int | None, after: int, most: int) -> Sequence[Complaint]:
        """The next complaints after number `after`. None: in any state, of any regency."""

    async def forward(self, number: int, regency: int, now: datetime) -> int:
        """Its letter's number at the office of the regency. The caller holds it, and may forward it."""

    async def answer(self, complaint: Complaint, text: str, now: datetime) -> None:
        """The caller holds it, and may answer it."""
