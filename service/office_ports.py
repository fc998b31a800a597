"""What the actions ask of the rows of labor offices (beside `service/ports.py`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Office:
    """A labor office that may take tickets for its applicants."""

    id: UUID
    name: str
    secret_index: bytes
    """Keyed index of the second half of its access code."""
    generation: int
    """Of that code: who signed in with an earlier one is out."""
    failures: int = 0
    failing_since: datetime | None = None
    """When the first of them was made."""


@dataclass(frozen=True, slots=True)
class OfficeLine:
    """One office, as operators see it."""

    name: str
    created_at: datetime
    ended_at: datetime | None
    held: int
    helped: int
    """Accounts that were made at its desk, with tickets that it held."""


@dataclass(frozen=True, slots=True)
class HeldTicket:
    """A ticket that an office took for an applicant."""

    number: int
    key_id: int
    """Of the key that signs it."""
    sealed: bytes
    """Label, ticket, secret and place token."""
    begun_at: datetime | None


class OfficeStore(Protocol):
    async def add(self, office: Office, handle: str) -> bool:
        """False: there is an office of this name."""

    async def renew(self, name: str, handle: str, secret_index: bytes) -> bool:
        """Another code instead of the old one, also for an office that was ended. False: no such office."""

    async def end(self, name: str) -> bool:
        """Nobody signs in with its code any more, and who did is out. False: no such office, or ended before."""

    async def lines(self) -> Sequence[OfficeLine]: ...
    async def find(self, office_id: UUID) -> Office | None:
        """None too when it was ended."""

    async def hold(self, handle: str) -> Office | None:
        """The office of the first half of a code, its row locked until the transaction ends; None as in `find`."""

    async def count_failure(self, office_id: UUID, now: datetime, *, window: float) -> None:
        """One wrong code more; the first one, when the first of the others is `window` seconds old."""

    async def forgive(self, office_id: UUID) -> None:
        """The right code came."""

    async def keep(self, office_id: UUID, ticket: HeldTicket, *, most: int) -> bool:
        """Hold a ticket, once however often it is asked. False: the office holds `most` already.

        Of many in the same moment a few more may find room.
        """

    async def held(self, office_id: UUID) -> Sequence[HeldTicket]:
        """Those without an account, by number."""

    async def outworn(self, office_id: UUID, key_id: int) -> Sequence[HeldTicket]:
        """Those of `held` that older keys than this one sign."""

    async def find_held(self, office_id: UUID, number: int) -> HeldTicket | None: ...
    async def begin(self, office_id: UUID, number: int, now: datetime) -> None:
        """Its applicant sits at the desk."""

    async def drop(self, office_id: UUID, number: int) -> None: ...
    async def forget_served(self, office_id: UUID) -> None:
        """Tickets with which an account was made."""
