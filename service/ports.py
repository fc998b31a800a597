"""What the actions ask of the world: small Protocols; `service/app.py` builds what fulfils them.

One transaction, one port: an action opens `async with ports.begin() as tx`; the stores of `tx` share its connection, so
an effect, its queue row and its idempotent answer are stored together or not at all. No connection is held while a
partner is called or body bytes are awaited. The stores stand by noun beside this module: applicants in
`service/applicant_ports.py`, the queue in `service/queue_ports.py`, photos in `service/photo_ports.py` and so on.
"""

import random
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from service.applicant_ports import (
    AccountStore,
    AssessmentStore,
    CodeStore,
    IdentityStore,
    ProfileStore,
    SessionStore,
)
from service.count_ports import ComplaintStore, CountStore
from service.domain.lookout import Lookout
from service.domain.policy import Policy
from service.domain.repeats import Repeats
from service.domain.stage_figures import StageFigure, StageTotal
from service.money_ports import AnnouncementStore, BookStore, PayoutGateway, PayoutStore, TrainingStore
from service.office_ports import OfficeStore
from service.operation_ports import OperationStore
from service.paper_ports import PaperStore
from service.photo_ports import (
    Beginnings,
    Finishes,
    PhotoInspector,
    PhotoStore,
    UploadLeftovers,
    UploadStore,
)
from service.queue_ports import Finish, QueueStore
from service.room_ports import Claims, GateStore, Joins, LotteryStore, PresenceStore, WaitingRoomStore
from service.staff_ports import StaffStore
from service.wave_ports import DrawStore, PriorityStore, WavePlanStore, WaveStore


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


class FigureStore(Protocol):
    async def write(self, replica: UUID, figures: Sequence[StageFigure]) -> None:
        """In place of what the replica wrote last."""

    async def totals(self, *, within: float) -> Sequence[StageTotal]:
        """Over the replicas that wrote in the last `within` seconds."""


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
