"""What the actions ask of announcements, courses, books and payouts (beside `service/ports.py`).

Everything about one person's money happens under the lock of that person's row: `TrainingStore.hold`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from service.domain.announcement import Place
from service.domain.money import Entry
from service.domain.payouts import AccountStatus, Method, PayoutState


@dataclass(frozen=True, slots=True)
class WaveStanding:
    """What everybody may know of a wave, and when its messages leave."""

    id: int
    opens_at: datetime
    closes_at: datetime
    seats: int
    announce_at: datetime | None
    sms_from: datetime | None
    sms_until: datetime | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class Announcement:
    """An announcement that was started, and how far it has come."""

    wave: WaveStanding
    outcomes: tuple[Place, ...]
    told_to: int
    paused: bool
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Told:
    """One place that an announcement comes to. fresh: its message was written down now, and not before."""

    join_id: UUID
    outcome: Place
    rank: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Message:
    """One message that is to be sent, and what is so now."""

    wave: WaveStanding
    account_id: UUID
    phone: str
    sent_at: datetime | None
    outcome: Place | None
    """Of the place now: whoever has moved up or withdrawn gets other words. None: there is no place any more."""


@dataclass(frozen=True, slots=True)
class MessageCounts:
    """Messages of one announcement for one outcome: places that there are, messages written down, messages sent."""

    outcome: Place
    places: int
    written: int
    sent: int


class AnnouncementStore(Protocol):
    async def wave(self, wave_id: int) -> WaveStanding | None: ...
    async def published(self) -> Sequence[WaveStanding]:
        """The waves whose places all stand in the database, announced or not."""

    async def place(self, wave_id: int, join_id: UUID) -> tuple[Place, int] | None:
        """What the draw says about a join, and its rank; None: nothing."""

    async def start(self, wave_id: int, outcomes: Sequence[Place], now: datetime) -> None:
        """Begin, or begin again from the first place: whoever was told before is left out."""

    async def pause(self, wave_id: int, *, paused: bool) -> bool:
        """False: it was not started."""

    async def find(self, wave_id: int) -> Announcement | None: ...
    async def open(self, now: datetime) -> Announcement | None:
        """One that may go on now, held until the transaction ends; one that somebody else holds is passed over."""

    async def write_next(self, announcement: Announcement, *, most: int) -> Sequence[Told]:
        """The next places, in the order of the draw; their messages are written down."""

    async def advance(self, wave_id: int, told_to: int, finished_at: datetime | None) -> None: ...
    async def message(self, join_id: UUID, outcome: Place) -> Message | None: ...
    async def sent(self, join_id: UUID, outcome: Place, at: datetime) -> None: ...
    async def counts(self, wave_id: int) -> Sequence[MessageCounts]: ...


@dataclass(frozen=True, slots=True)
class Grant:
    account_id: UUID
    wave_id: int
    granted_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Participant:
    """Whoever has begun to use a grant."""

    account_id: UUID
    begun_at: datetime
    completed_at: datetime | None
    """Of the first course."""
    instalments: int
    """That fell due."""
    due_at: datetime | None
    """Of the next one."""


@dataclass(frozen=True, slots=True)
class Choice:
    course: str
    price: int
    chosen_at: datetime
    certificate: str | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    number: int
    answers: Mapping[str, object]
    answered_at: datetime


class TrainingStore(Protocol):
    async def grant(self, account_id: UUID, now: datetime) -> Grant | None:
        """None also while its wave is not announced."""

    async def begin(self, account_id: UUID, at: datetime) -> bool:
        """A new participant. False: there is one already."""

    async def hold(self, account_id: UUID) -> Participant | None:
        """The participant, its money locked until the transaction ends."""

    async def find(self, account_id: UUID) -> Participant | None: ...
    async def choices(self, account_id: UUID) -> Sequence[Choice]: ...
    async def choose(self, account_id: UUID, choice: Choice) -> bool:
        """False: it was chosen before."""

    async def complete(self, account_id: UUID, course: str, certificate: str, at: datetime) -> None:
        """Raises CertificateTaken."""

    async def schedule(
        self, account_id: UUID, completed_at: datetime, instalments: int, due_at: datetime | None
    ) -> None:
        """So many instalments fell due; the next one does at `due_at`."""

    async def due(self, now: datetime, *, most: int) -> Sequence[Participant]:
        """Participants with an instalment that is due, held until the transaction ends; those whose grant was withdrawn
        and those whom somebody else holds are passed over."""

    async def answers(self, account_id: UUID) -> Sequence[SurveyAnswer]: ...
    async def answer(self, account_id: UUID, answer: SurveyAnswer) -> bool:
        """False: it was answered before."""


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that is booked for one person, and the payouts that belong to it."""

    account_id: UUID
    completed: bool
    """A course, and with it every instalment, and every survey; by the rows of these."""
    entries: Sequence[Entry]
    unpaid: Mapping[str, int]
    """Amounts by reference."""
    paid: Mapping[str, tuple[int, str]]
    """Amount and method by reference."""


@dataclass(frozen=True, slots=True)
class Payment:
    """An attempt as a partner knows it. outcome: None while nobody knows it."""

    key: str
    method: str
    amount: int
    outcome: str | None


class BookStore(Protocol):
    async def add(self, account_id: UUID, entry: Entry, at: datetime) -> bool:
        """False: it was booked before. Raises whatever the database says of an entry that cannot be."""

    async def entries(self, account_id: UUID) -> Sequence[Entry]:
        """In the order in which they were booked."""

    async def page(self, after: UUID | None, *, most: int) -> Sequence[Book]:
        """The books of the next participants by account, all of one moment."""

    async def payments(self, keys: Sequence[tuple[UUID, int]]) -> Sequence[Payment]:
        """The attempts of these payouts and numbers that there are."""

    async def paid(
        self, after: UUID | None, *, most: int, until: datetime | None = None
    ) -> Sequence[tuple[UUID, Payment]]:
        """Attempts that were paid, by payout; until: only what was booked before."""


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    method: Method
    number: str
    version: int
    status: AccountStatus
    reason: str | None
    put_at: datetime


@dataclass(frozen=True, slots=True)
class Payout:
    id: UUID
    account_id: UUID
    reference: str
    amount: int
    state: PayoutState
    since: datetime
    paid_at: datetime | None
    queued: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to pay, and where to."""

    payout_id: UUID
    number: int
    method: Method
    account_version: int
    account_number: str


class PayoutStore(Protocol):
    """Seals account numbers and opens them through the vault."""

    async def accounts(self, account_id: UUID) -> Sequence[PayoutAccount]:
        """The one that was put last comes first."""

    async def put_account(self, account_id: UUID, account: PayoutAccount) -> None: ...
    async def judge_account(
        self, account_id: UUID, method: Method, version: int, status: AccountStatus, reason: str | None
    ) -> bool:
        """What the partner says about a number. False: another one was put meanwhile."""

    async def add(self, payout: Payout) -> None: ...
    async def of_person(self, account_id: UUID) -> Sequence[Payout]: ...
    async def wake(self, account_id: UUID) -> int:
        """Payouts that wait for an account are ready; how many."""

    async def ready(self, *, most: int) -> Sequence[Payout]:
        """The oldest that are to be queued, held until the transaction ends; those that somebody else holds are passed
        over."""

    async def queued(self, payout_id: UUID) -> None: ...
    async def find(self, payout_id: UUID) -> Payout | None: ...
    async def set_state(self, payout_id: UUID, state: PayoutState, paid_at: datetime | None = None) -> None: ...
    async def open_attempt(self, payout_id: UUID) -> Attempt | None:
        """The one of which nobody knows yet what became."""

    async def begin_attempt(self, payout_id: UUID, account: PayoutAccount, at: datetime) -> Attempt:
        """The next attempt, to this account."""

    async def end_attempt(self, attempt: Attempt, outcome: str, at: datetime) -> bool:
        """False: it had ended before."""


class PayoutGateway(Protocol):
    def free(self, busy: int) -> int:
        """As `ports.Partner`."""

    async def check(self, method: str, number: str, name: str, *, idempotency_key: str) -> str:
        """ "ok", or the partner's word for what is wrong with the account. Raises PartnerError."""

    async def pay(self, method: str, number: str, amount: int, *, idempotency_key: str) -> None:
        """Paid on return. Raises PartnerError; a permanent one has the partner's word for it as its reason."""
