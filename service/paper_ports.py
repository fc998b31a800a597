"""What the actions ask of the rows of paper applications (beside `service/ports.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.domain.paper import Person
from service.domain.paper_states import PaperState


@dataclass(frozen=True, slots=True)
class TypedRow:
    """A row without a fault, with the keyed indexes by which it is found and compared."""

    number: int
    person: Person
    nik_index: bytes
    phone_index: bytes
    content_index: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an identity number, in one office and anywhere."""

    content_index: bytes | None
    """Of the office's person; None: it has none of this number."""
    phone_index: bytes | None
    step: int
    """0: none."""
    has_account: bool

    @property
    def is_kept(self) -> bool:
        return self.content_index is not None


@dataclass(frozen=True, slots=True)
class SamePhone:
    """A person of the office without an account, found by the phone."""

    nik_index: bytes
    phone_index: bytes
    person: Person
    step: int


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody whose invitation a job names."""

    phone: str
    generation: int
    is_asked: bool
    """Not when another phone was typed meanwhile."""
    claim_until: datetime
    has_account: bool


@dataclass(frozen=True, slots=True)
class HeldClaim:
    """The person of a claim code, the row locked."""

    id: int
    person: Person
    claim_until: datetime
    failures: int
    account_id: UUID | None


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One person, as the list of its office shows it. file: the table in which it stands so, by name."""

    id: int
    file: str
    row_number: int
    person: Person
    state: PaperState


@dataclass(frozen=True, slots=True)
class PaperFileLine:
    """A table that was taken."""

    name: str
    taken_at: datetime
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PaperCount:
    """How many people of an office stand so. `is_claimed`: the account was made with the claim code; `is_invited`: an
    invitation was asked for."""

    state: PaperState
    is_claimed: bool
    is_invited: bool
    people: int


@dataclass(frozen=True, slots=True)
class PaperOffice:
    id: UUID
    name: str


class PaperStore(Protocol):
    """Seals and opens through the vault; rows never hold a number in clear."""

    async def hold_office(self, name: str) -> PaperOffice | None:
        """One transaction at a time may hold it; None: there is no such office. One that was ended counts."""

    async def find_office(self, name: str) -> PaperOffice | None:
        """As `hold_office`, for who only looks."""

    async def offices(self) -> Sequence[PaperOffice]:
        """Those that sent a table or helped somebody, by name."""

    async def begin_file(self, office_id: UUID, digest: bytes, name: str) -> int | None:
        """The id of a new table; None: the same one was taken before."""

    async def end_file(self, file_id: int, outcomes: Mapping[str, int]) -> None: ...
    async def known(self, office_id: UUID, nik_indexes: Sequence[bytes]) -> Sequence[Known]:
        """For each number, in their order."""

    async def of_phones(
        self, office_id: UUID, phone_indexes: Sequence[bytes], but: Sequence[bytes]
    ) -> Sequence[SamePhone]:
        """The office's people with these phones and without an account, but those of the numbers `but`."""

    async def put(self, office_id: UUID, file_id: int, rows: Sequence[TypedRow]) -> None:
        """New people, and what differs about known ones; with another phone their invitation is void."""

    async def renumber(self, office_id: UUID, file_id: int, before: bytes, row: TypedRow) -> None:
        """The person of the number `before` has another one."""

    async def move(self, office_id: UUID, before: int, after: int, *, most: int) -> int:
        """Take up to `most` people a step further; how many."""

    async def invitable(
        self, office_id: UUID, step: int, after: int, now: datetime, *, most: int, failures: int
    ) -> Sequence[tuple[int, int]]:
        """Id and generation of people at this step to invite, by id from the one after `after` on, their rows locked:
        without an account, and not invited; or the code is over, or had so many `failures`. Nobody whom another office
        has invited."""

    async def ask(self, ids: Sequence[int], now: datetime, until: datetime) -> None:
        """The next generation of their invitations is in the queue, good until then."""

    async def invitee(self, person: int) -> Invitee | None: ...
    async def hand_over(self, person: int, generation: int, claim_index: bytes) -> None:
        """From now on the code opens."""

    async def invited(self, person: int, generation: int, at: datetime) -> bool:
        """The gateway took the code. False: another generation was asked for meanwhile."""

    async def hold_claim(self, claim_index: bytes) -> HeldClaim | None:
        """None: nobody's code."""

    async def count_failure(self, person: int) -> None: ...
    async def claim(self, person: int, account_id: UUID, at: datetime) -> None: ...
    async def counts(self, office_id: UUID) -> Sequence[PaperCount]: ...
    async def files(self, office_id: UUID) -> Sequence[PaperFileLine]:
        """The newest first."""

    async def helped(self, office_id: UUID) -> int:
        """Accounts that were made at its desk."""

    async def lines(self, office_id: UUID, *, after: int, most: int) -> Sequence[PaperLine]:
        """Its people by id, from the one after `after` on."""
