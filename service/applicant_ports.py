"""What the actions ask of the rows of applicants: account, codes, session, identity, profile, assessment, and how far
each has come (beside `service/ports.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from service.photo_ports import HeldPhoto
from service.wave_ports import LatestJoin, Wave


@dataclass(frozen=True, slots=True)
class Account:
    id: UUID
    name: str
    phone: str
    email: str | None
    phone_verified_at: datetime | None
    email_verified_at: datetime | None


class AccountStore(Protocol):
    async def add(self, account: Account, *, ticket_number: int) -> None:
        """Raises AddressTaken (phone or e-mail), or PassUsed when the ticket already has an account."""

    async def find(self, account_id: UUID) -> Account | None: ...
    async def of_ticket(self, number: int) -> Account | None: ...
    async def correct(self, account: Account) -> bool:
        """Store name, phone and e-mail anew. Raises AddressTaken.

        False: an address is verified, and nothing changed.
        """

    async def hold_address(self, address: str) -> Account | None:
        """Who has the phone number or e-mail address; one transaction at a time may hold it, known or unknown."""

    async def correct_phone(self, account_id: UUID, phone: str) -> None:
        """Nothing when the phone is verified. Raises AddressTaken."""

    async def mark_verified(self, account_id: UUID, channel: int, at: datetime) -> bool:
        """True: the address of the channel was not verified before."""

    async def standing(self, account_id: UUID, wave_id: int | None, now: datetime) -> "Standing | None":
        """How far the applicant has come, in one look. None: no such account.

        wave_id: None is the wave that is open, or else the next one, or else the last.
        """


@dataclass(frozen=True, slots=True)
class CodeRequest:
    id: UUID
    account_id: UUID | None
    channel: int
    generation: int
    sends: int
    sent_at: datetime
    """When the last send was asked for."""
    handed_at: datetime | None
    failures: int
    used_at: datetime | None
    created_at: datetime
    address_index: bytes
    """Keyed index of the address: budgets count by it, known and unknown addresses alike."""


class CodeStore(Protocol):
    async def add(self, request: CodeRequest) -> None: ...
    async def find(self, request_id: UUID) -> CodeRequest | None:
        """The request, its row locked until the transaction ends: one winner for one code."""

    async def recent(self, address_index: bytes, *, since: datetime, most: int) -> Sequence[datetime]:
        """When codes were asked for this address since then, newest first, at most `most` of them."""

    async def count_send(self, request_id: UUID, at: datetime) -> None: ...

    async def hand_over(self, request_id: UUID, *, generation: int, handed_at: datetime) -> None:
        """A code's life starts here. The same generation sent again keeps its first hand-over and its failures."""

    async def count_failure(self, request_id: UUID) -> None: ...
    async def use(self, request_id: UUID, used_at: datetime) -> None: ...
    async def void(self, account_id: UUID, address_indexes: Sequence[bytes], at: datetime) -> None:
        """Open requests of the account for these addresses count as used. Call it before the account is changed: who
        signs in takes the locks in this order."""


class SessionStore(Protocol):
    async def add(self, token_hash: bytes, account_id: UUID, expires_at: datetime) -> None: ...
    async def account_of(self, token_hash: bytes) -> UUID | None:
        """None: unknown or expired."""

    async def end(self, token_hash: bytes) -> None:
        """A session that is over already stays over."""


@dataclass(frozen=True, slots=True)
class Identity:
    account_id: UUID
    nik: str
    family_card_number: str
    birth_date: date
    status: int
    version: int
    check_id: UUID


class IdentityStore(Protocol):
    """Seals and opens through the vault; rows never hold a number in clear."""

    async def find(self, account_id: UUID) -> Identity | None: ...
    async def put(self, identity: Identity) -> None:
        """Store version 1, or the version after the stored one, together with its check.

        Raises IdentityNumberTaken when another account holds the number, ChangedMeanwhile when the stored version is
        not the one before.
        """

    async def answer_check(self, account_id: UUID, version: int, outcome: int) -> bool:
        """Store the registry's answer. False: a newer version was put meanwhile; the status stays."""

    async def reopen(self, account_id: UUID) -> bool:
        """Who was too young is to be checked now: the status is pending again. False: it was another status."""


class ProfileStore(Protocol):
    async def put(self, account_id: UUID, step: str, data: Mapping[str, object]) -> bool:
        """Keep the draft of one step. True: no step is missing any more, and one was before."""

    async def steps(self, account_id: UUID) -> frozenset[str]: ...
    async def read(self, account_id: UUID, step: str) -> Mapping[str, object] | None:
        """The draft of one step. None: nothing was kept."""


@dataclass(frozen=True, slots=True)
class Assessment:
    account_id: UUID
    started_at: datetime
    deadline: datetime
    answers: tuple[int, ...]
    submitted_at: datetime | None
    score: int | None


class AssessmentStore(Protocol):
    async def start(self, account_id: UUID, *, now: datetime, deadline: datetime, items: int) -> Assessment:
        """Start it, or return the one that was started: an assessment starts once."""

    async def find(self, account_id: UUID) -> Assessment | None: ...
    async def hold(self, account_id: UUID) -> Assessment | None:
        """As `find`, its answers fixed until the transaction ends."""

    async def answer(self, token_hash: bytes, number: int, choice: int, *, now: datetime) -> bool:
        """Save one answer of whose session it is: the commonest request of all takes one statement.

        False: no such session, or not running (not started, over or submitted).
        """

    async def submit(self, account_id: UUID, *, score: int, submitted_at: datetime) -> bool:
        """End it. False: it was submitted before."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One applicant's way so far, as the status page shows it and as joining a wave asks for it."""

    account: Account
    nik: str | None
    identity_status: int
    """-1: none given yet."""
    identity_version: int
    profile_steps: tuple[str, ...]
    photos: tuple[HeldPhoto, ...]
    assessment: Assessment | None
    wave: Wave | None
    join_id: UUID | None
    joined_at: datetime | None
    birth_date: date | None
    employment: str | None
    granted: bool
    """The account has a grant, of whatever wave."""
    latest: LatestJoin | None
