"""What asyncpg raises, and what it means to an applicant."""

import asyncpg
import pytest
from asyncpg.exceptions import _base

from service.domain.errors import DatabaseBusy, DatabaseUnavailable
from service.storage.pool import failure_of

UNAVAILABLE = [
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection due to idle-in-transaction timeout"),
    asyncpg.DiskFullError("could not extend file"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    ConnectionRefusedError(111, "Connection refused"),
    ConnectionResetError(104, "Connection reset by peer"),
    TimeoutError(),
    OSError(101, "Network is unreachable"),
]
BUSY = [
    asyncpg.DeadlockDetectedError("deadlock detected"),
    asyncpg.SerializationError("could not serialize access"),
    asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
]
NOT_ABOUT_THE_DATABASE = [
    asyncpg.UniqueViolationError("duplicate key"),
    asyncpg.UndefinedTableError("no such table"),
    asyncpg.CharacterNotInRepertoireError("invalid byte sequence"),
    _base.DataError("invalid input for query argument $1"),  # refused by asyncpg itself
    ValueError("not ours"),
    KeyError("not ours"),
]


@pytest.mark.parametrize("error", UNAVAILABLE, ids=lambda error: type(error).__name__)
def test_trouble_of_the_database_is_temporary(error):
    """All five families: a 503 with a time to come back."""
    failure = failure_of(error)
    assert type(failure) is DatabaseUnavailable
    assert failure.temporary
    assert failure.retry_after_s


@pytest.mark.parametrize("error", BUSY, ids=lambda error: type(error).__name__)
def test_trouble_between_transactions_is_busy(error):
    assert type(failure_of(error)) is DatabaseBusy


@pytest.mark.parametrize("error", NOT_ABOUT_THE_DATABASE, ids=lambda error: type(error).__name__)
def test_other_errors_are_not_hidden(error):
    """A constraint is its store's business, a wrong statement is a fault of ours: neither may look like weather."""
    assert failure_of(error) is None
