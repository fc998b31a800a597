"""`ports.begin()`: the stores of one database transaction, all on its connection."""

from contextlib import AbstractAsyncContextManager

import asyncpg

from service.ports import AnswerStore, Begin, Vault
from service.storage.accounts import AccountRows
from service.storage.announcements import AnnouncementRows
from service.storage.answers import AnswerRows, NoAnswers
from service.storage.assessments import AssessmentRows
from service.storage.books import BookRows
from service.storage.codes import CodeRows
from service.storage.complaints import ComplaintRows
from service.storage.counts import CountRows
from service.storage.draws import DrawRows
from service.storage.figures import FigureRows
from service.storage.gate import GateRows
from service.storage.identities import IdentityRows
from service.storage.lottery import LotteryRows
from service.storage.offices import OfficeRows
from service.storage.operations import OperationRows
from service.storage.paper import PaperRows
from service.storage.payouts import PayoutRows
from service.storage.pool import Database, Visit
from service.storage.presence import PresenceRows
from service.storage.priority import PriorityRows
from service.storage.profiles import ProfileRows
from service.storage.queue import PostgresQueue
from service.storage.sessions import SessionRows
from service.storage.staff import StaffRows
from service.storage.training import TrainingRows
from service.storage.upload_leftovers import PostgresUploadLeftovers
from service.storage.uploads import PostgresUploadStore
from service.storage.waiting_room import WaitingRoomRows
from service.storage.wave_plans import WavePlanRows
from service.storage.waves import WaveRows


class PostgresTransaction:
    """Fulfils `ports.Transaction`. A store is made when it is asked for: most requests need two of eleven."""

    __slots__ = ("_connection", "_keeps_answers", "_vault")

    def __init__(self, connection: asyncpg.Connection, vault: Vault, keeps_answers: bool) -> None:
        self._connection = connection
        self._vault = vault
        self._keeps_answers = keeps_answers

    @property
    def answers(self) -> AnswerStore:
        return AnswerRows(self._connection, self._vault) if self._keeps_answers else NoAnswers()

    @property
    def queue(self) -> PostgresQueue:
        return PostgresQueue(self._connection)

    @property
    def figures(self) -> FigureRows:
        return FigureRows(self._connection)

    @property
    def room(self) -> WaitingRoomRows:
        return WaitingRoomRows(self._connection)

    @property
    def lottery(self) -> LotteryRows:
        return LotteryRows(self._connection)

    @property
    def gate(self) -> GateRows:
        return GateRows(self._connection)

    @property
    def presence(self) -> PresenceRows:
        return PresenceRows(self._connection)

    @property
    def accounts(self) -> AccountRows:
        return AccountRows(self._connection, self._vault)

    @property
    def codes(self) -> CodeRows:
        return CodeRows(self._connection)

    @property
    def sessions(self) -> SessionRows:
        return SessionRows(self._connection)

    @property
    def identities(self) -> IdentityRows:
        return IdentityRows(self._connection, self._vault)

    @property
    def profiles(self) -> ProfileRows:
        return ProfileRows(self._connection)

    @property
    def uploads(self) -> PostgresUploadStore:
        return PostgresUploadStore(self._connection)

    @property
    def leftovers(self) -> PostgresUploadLeftovers:
        return PostgresUploadLeftovers(self._connection)

    @property
    def assessments(self) -> AssessmentRows:
        return AssessmentRows(self._connection)

    @property
    def waves(self) -> WaveRows:
        return WaveRows(self._connection)

    @property
    def wave_plans(self) -> WavePlanRows:
        return WavePlanRows(self._connection)

    @property
    def draws(self) -> DrawRows:
        return DrawRows(self._connection, self._vault)

    @property
    def priority(self) -> PriorityRows:
        return PriorityRows(self._connection)

    @property
    def operations(self) -> OperationRows:
        return OperationRows(self._connection)

    @property
    def staff(self) -> StaffRows:
        return StaffRows(self._connection)

    @property
    def offices(self) -> OfficeRows:
        return OfficeRows(self._connection)

    @property
    def paper(self) -> PaperRows:
        return PaperRows(self._connection, self._vault)

    @property
    def announcements(self) -> AnnouncementRows:
        return AnnouncementRows(self._connection)

    @property
    def training(self) -> TrainingRows:
        return TrainingRows(self._connection)

    @property
    def books(self) -> BookRows:
        return BookRows(self._connection)

    @property
    def payouts(self) -> PayoutRows:
        return PayoutRows(self._connection, self._vault)

    @property
    def counts(self) -> CountRows:
        return CountRows(self._connection)

    @property
    def complaints(self) -> ComplaintRows:
        return ComplaintRows(self._connection, self._vault)


def begin_on(database: Database, vault: Vault, *, keeps_answers: bool = True) -> Begin:
    """`ports.begin` over the connections of `database`. Not `keeps_answers`: idempotency is switched off."""

    def use(connection: asyncpg.Connection) -> PostgresTransaction:
        return PostgresTransaction(connection, vault, keeps_answers)

    def begin(*, single: bool = False) -> AbstractAsyncContextManager[PostgresTransaction]:
        return Visit(database, use) if single else database.transaction_for(use)

    return begin
