"""`ports.begin()`: the stores of one database transaction, all on its connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from service.ports import Begin, Vault
from service.storage.accounts import AccountRows
from service.storage.answers import AnswerRows
from service.storage.assessments import AssessmentRows
from service.storage.codes import CodeRows
from service.storage.figures import FigureRows
from service.storage.identities import IdentityRows
from service.storage.pool import Database
from service.storage.profiles import ProfileRows
from service.storage.queue import PostgresQueue
from service.storage.sessions import SessionRows
from service.storage.uploads import PostgresUploadStore
from service.storage.waiting_room import WaitingRoomRows
from service.storage.waves import WaveRows


class PostgresTransaction:
    """Fulfils `ports.Transaction`. A store is made when it is asked for: most requests need two of eleven."""

    __slots__ = ("_connection", "_vault")

    def __init__(self, connection: asyncpg.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    @property
    def answers(self) -> AnswerRows:
        return AnswerRows(self._connection, self._vault)

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
    def assessments(self) -> AssessmentRows:
        return AssessmentRows(self._connection)

    @property
    def waves(self) -> WaveRows:
        return WaveRows(self._connection)


def begin_on(database: Database, vault: Vault) -> Begin:
    """`ports.begin` over the connections of `database`."""

    @asynccontextmanager
    async def begin(*, single: bool = False) -> AsyncIterator[PostgresTransaction]:
        async with database.connection() if single else database.transaction() as connection:
            yield PostgresTransaction(connection, vault)

    return begin
