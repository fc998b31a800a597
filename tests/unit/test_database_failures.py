"""What asyncpg raises, and what it means to an applicant, at each moment of a transaction."""

import asyncpg
import pytest
from asyncpg.exceptions import _base

from service.domain.errors import REPEAT_REASONS, DatabaseBusy, DatabaseUnavailable, EffectUnknown
from service.storage.failures import Moment, failure_of

CONFLICT = {
    asyncpg.DeadlockDetectedError("deadlock detected"): "deadlock",
    asyncpg.SerializationError("could not serialize access"): "serialization",
    asyncpg.LockNotAvailableError("canceling statement due to lock timeout"): "",
}
CUT = [
    asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
    asyncpg.ConnectionFailureError("no more"),
    asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    asyncpg.CrashShutdownError("terminating connection because of crash of another server process"),
    asyncpg.IdleInTransactionSessionTimeoutError("terminating connection due to idle-in-transaction timeout"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress"),
    ConnectionRefusedError(111, "Connection refused"),
    ConnectionResetError(104, "Connection reset by peer"),
    OSError(101, "Network is unreachable"),
]
REFUSED = [
    asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.QueryCanceledError("canceling statement due to statement timeout"),
    asyncpg.DiskFullError("could not extend file"),
    asyncpg.OutOfMemoryError("out of memory"),
    asyncpg.TooManyConnectionsError("sorry, too many clients already"),
    asyncpg.PostgresIOError("could not read block"),
]
SILENCE = [TimeoutError()]
NOT_ABOUT_THE_DATABASE = [
    asyncpg.UniqueViolationError("duplicate key"),
    asyncpg.UndefinedTableError("no such table"),
    asyncpg.CharacterNotInRepertoireError("invalid byte sequence"),
    _base.DataError("invalid input for query argument $1"),  # refused by asyncpg itself
    ValueError("not ours"),
    KeyError("not ours"),
]
TABLE = {
    (Moment.CONNECTING, "cut"): (DatabaseUnavailable, ""),
    (Moment.CONNECTING, "refused"): (DatabaseUnavailable, ""),
    (Moment.CONNECTING, "silence"): (DatabaseUnavailable, ""),
    (Moment.WORKING, "cut"): (DatabaseUnavailable, "connection_lost"),
    (Moment.WORKING, "refused"): (DatabaseUnavailable, ""),
    (Moment.WORKING, "silence"): (DatabaseUnavailable, ""),
    (Moment.ALONE, "cut"): (EffectUnknown, "connection_lost"),
    (Moment.ALONE, "refused"): (DatabaseUnavailable, ""),
    (Moment.ALONE, "silence"): (EffectUnknown, ""),
    (Moment.COMMITTING, "cut"): (EffectUnknown, "connection_lost"),
    (Moment.COMMITTING, "refused"): (EffectUnknown, ""),
    (Moment.COMMITTING, "silence"): (EffectUnknown, ""),
}
"""What is told, and why it may be begun again."""
KINDS = {"cut": CUT, "refused": REFUSED, "silence": SILENCE}


@pytest.mark.parametrize(("moment", "kind"), TABLE)
def test_trouble_of_the_database_is_told_by_its_moment(moment, kind):
    """All five families: 503 with a time to come back; before COMMIT certainly undone, after it nobody knows."""
    for error in KINDS[kind]:
        failure = failure_of(error, moment)
        assert failure is not None
        assert (type(failure), failure.again) == TABLE[moment, kind], error
        assert failure.temporary and failure.retry_after_s


@pytest.mark.parametrize("moment", Moment)
def test_conflicts_are_undone_by_the_server_at_any_moment(moment):
    """Also at COMMIT: the server says itself that it rolled back."""
    for error, why in CONFLICT.items():
        failure = failure_of(error, moment)
        assert failure is not None
        assert (type(failure), failure.again) == (DatabaseBusy, why)
        assert why in ("", *REPEAT_REASONS)


@pytest.mark.parametrize("error", NOT_ABOUT_THE_DATABASE, ids=lambda error: type(error).__name__)
def test_other_errors_are_not_hidden(error):
    """A constraint is its store's business, a wrong statement is a fault of ours: neither may look like weather."""
    assert all(failure_of(error, moment) is None for moment in Moment)


def test_a_constraint_that_fails_at_commit_is_certain():
    """Deferred constraints: the server refused the commit and says why."""
    assert failure_of(asyncpg.ForeignKeyViolationError("deferred"), Moment.COMMITTING) is None
