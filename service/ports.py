"""What the actions ask of the world: small Protocols; `service/app.py` builds what fulfils them.

One transaction, one port: an action opens `async with ports.begin() as tx`; the stores of `tx` share its connection, so
an effect, its queue row and its idempotent answer are stored together or not at all. No connection is held while a
partner is called or body bytes are awaited. The queue's part stands in `service/queue_ports.py`,
that of the photos in `service/photo_ports.py`, that of the waiting room in `service/room_ports.py`.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from service.count_ports import ComplaintStore, CountStore
from service.domain.lookout import Lookout
from service.domain.policy import Policy
from service.domain.repeats import Repeats
from service.money_ports import AnnouncementStore, BookStore, PayoutGateway, PayoutStore, TrainingStore
from service.office_ports import OfficeStore
from service.operation_ports import OperationStore
from service.paper_ports import PaperStore
from service.photo_ports import (
    Beginnings,
    Finishes,
    HeldPhoto,
    PhotoInspector,
    PhotoStore,
    UploadLeftovers,
    UploadStore,
)
from service.queue_ports import Finish, QueueStore
from service.room_ports import Claims, GateStore, Joins, LotteryStore, PresenceStore, WaitingRoomStore
from service.staff_ports import StaffStore
from service.wave_ports import DrawStore, LatestJoin, PriorityStore, WavePlanStore


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The final answer to a request that created an effect."""

    fingerprint: bytes
    status: int
    body: bytes


class AnswerStore(Protocol):
    async def find(self, scope: bytes) -> StoredAnswer | None: ...

    async def add(self, scope: bytes, answer: StoredAnswer) -> None:
        """Raises DuplicateAnswer when another request stored one first: roll back, then read that one."""

    async def is_settled(self, scope: bytes) -> bool:
        """Waits for a transaction that is storing an answer. True: now there is certainly one, or certainly none."""


@dataclass(frozen=True, slots=True)
class StageFigure:
    """What one replica does at one stage: a queue it works, its database connections, steps of people."""

    stage: str
    used: float
    """Of its own `most`: jobs in hand, connections. 0 of 0 where a replica has no bound of its own."""
    most: float
    done_per_s: float
    refused_per_s: float


@dataclass(frozen=True, slots=True)
class StageTotal:
    """One stage over all replicas that are heard of."""

    stage: str
    replicas: int
    used: float
    most: float
    done_per_s: float
    refused_per_s: float


class FigureStore(Protocol):
    async def write(self, replica: UUID, figures: Sequence[StageFigure]) -> None:
        """In place of what the replica wrote last."""

    async def totals(self, *, within: float) -> Sequence[StageTotal]:
        """Over the replicas that wrote in the last `within` seconds."""


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


class Transaction(Protocol):
    """The stores of one database transaction."""

    @property
    def answers(self) -> AnswerStore: ...
    @property
    def queue(self) -> QueueStore: ...
    @property
    def figures(self) -> FigureStore: ...
    @property
    def room(self) -> WaitingRoomStore: ...
    @property
    def gate(self) -> GateStore: ...
    @property
    def lottery(self) -> LotteryStore: ...
    @property
    def presence(self) -> PresenceStore: ...
    @property
    def accounts(self) -> AccountStore: ...
    @property
    def codes(self) -> CodeStore: ...
    @property
    def sessions(self) -> SessionStore: ...
    @property
    def identities(self) -> IdentityStore: ...
    @property
    def profiles(self) -> ProfileStore: ...
    @property
    def uploads(self) -> UploadStore: ...
    @property
    def leftovers(self) -> UploadLeftovers: ...
    @property
    def assessments(self) -> AssessmentStore: ...
    @property
    def waves(self) -> WaveStore: ...
    @property
    def wave_plans(self) -> WavePlanStore: ...
    @property
    def draws(self) -> DrawStore: ...
    @property
    def priority(self) -> PriorityStore: ...
    @property
    def offices(self) -> OfficeStore: ...
    @property
    def paper(self) -> PaperStore: ...
    @property
    def announcements(self) -> AnnouncementStore: ...
    @property
    def training(self) -> TrainingStore: ...
    @property
    def books(self) -> BookStore: ...
    @property
    def payouts(self) -> PayoutStore: ...
    @property
    def operations(self) -> OperationStore: ...
    @property
    def staff(self) -> StaffStore: ...
    @property
    def counts(self) -> CountStore: ...
    @property
    def complaints(self) -> ComplaintStore: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, with zone."""


class VaultError(Exception):
    """The sealed value was changed, belongs to another row, or was sealed under another key."""


class Vault(Protocol):
    """Keys outside the database."""

    def index(self, value: str) -> bytes:
        """HMAC-SHA-256: equal values have equal indexes, nobody without the key can tell which value."""

    def seal(self, value: bytes, bound_to: bytes) -> bytes:
        """AES-256-GCM; `bound_to` must be given again to open."""

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Raises VaultError."""

    def key(self, purpose: str) -> bytes:
        """32 bytes for signing tickets, passes and codes, one key for each purpose."""


class Partner(Protocol):
    def free(self, busy: int) -> int:
        """Calls that it makes sense to prepare now, beyond the `busy` ones that are prepared or under way.

        0 while the partner is left alone, and when it bears no more at once.
        """


class CivilRegistry(Partner, Protocol):
    async def check(self, nik: str, family_card_number: str, birth_date: date, *, idempotency_key: str) -> bool:
        """True: the registry knows this person. Raises PartnerError (temporary or permanent)."""


class MessageGateway(Partner, Protocol):
    async def send(self, to: str, text: str, *, idempotency_key: str) -> None:
        """Accepted by the provider on return. Raises PartnerError (temporary or permanent)."""


class Begin(Protocol):
    def __call__(self, *, single: bool = False) -> AbstractAsyncContextManager[Transaction]:
        """Commit on leaving, roll back on an error.

        `single` promises that at most one statement writes: it commits by itself and saves two round trips.
        Raises DatabaseBusy when no connection comes free in time or another transaction is in the way,
        DatabaseUnavailable when the database is in trouble, EffectUnknown when nobody said what became of the commit.
        """


class BeginApart(Protocol):
    def __call__(self) -> AbstractAsyncContextManager[Begin]:
        """A `Begin` on a connection of its own, for another event loop than the one the others belong to.

        Raises DatabaseUnavailable when the server does not answer.
        """


@dataclass(frozen=True, slots=True)
class Ports:
    """What the composition root hands to actions."""

    begin: Begin
    begin_apart: BeginApart
    finish: Finish
    claims: Claims
    joins: Joins
    beginnings: Beginnings
    finishes: Finishes
    clock: Clock
    vault: Vault
    photos: PhotoStore
    inspector: PhotoInspector
    civil_registry: CivilRegistry
    email: MessageGateway
    sms: MessageGateway
    announcer: MessageGateway
    """For messages that are sent once for ever: one provider, which knows the calls that it has had."""
    payouts: PayoutGateway
    policy: Policy = field(default_factory=Policy)
    chance: Callable[[], float] = field(default_factory=lambda: random.Random().random)
    """Uniform in [0, 1), for jitter only."""
    lookout: Lookout = field(default_factory=Lookout)
    """What this process knows of the line, for what people are told."""
    promised: Callable[[str], None] = field(default=lambda outcome: None)
    """Counts how a promised wait held: early, inside or late."""
    reached: Callable[[str], None] = field(default=lambda stage: None)
    """Counts a person who completed a stage; called when the transaction has been committed."""
    repeats: Repeats = field(default_factory=Repeats)
    repeated: Callable[[str, bool], None] = field(default=lambda why, allowed: None)
    """Counts a transaction that the database undid: why, and whether the budget let it be begun again."""
    settled: Callable[[bool], None] = field(default=lambda done: None)
    """Counts a commit of unknown fate of which was found out whether it was done."""
