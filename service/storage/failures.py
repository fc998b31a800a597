"""What a failure of the database means: one table over everything that asyncpg raises.

A lost or overloaded database shows in five unrelated families of exceptions: PostgreSQL's own errors by their code;
InterfaceError; InternalClientError ("cannot switch to state ...", after a kill); OSError, a TimeoutError among them;
and ValueError for what was never sent. What each means depends on the moment: before COMMIT was sent nothing has
happened, after it nobody knows.
"""

from enum import Enum

import asyncpg

from service.domain.errors import DatabaseBusy, DatabaseFailure, DatabaseUnavailable, EffectUnknown

RETRY_AFTER = 2.0  # seconds; clients add their own jitter


class Moment(Enum):
    CONNECTING = "connecting"
    """Nothing was asked of the database."""
    WORKING = "working"
    """Inside a transaction: the server undoes what it does not commit."""
    ALONE = "alone"
    """A statement that is its own transaction: it commits in the moment in which it ends."""
    COMMITTING = "committing"


class Trouble(Enum):
    CONFLICT = "conflict"
    """With another transaction: the server undid this one and says so."""
    REFUSED = "refused"
    """The server says that it did not do it and cannot at the moment: disk, memory, places, its own time limit."""
    CUT = "cut"
    """The connection is gone."""
    SILENCE = "silence"
    """No answer in time."""


_CONFLICTS = {"40001": "serialization", "40P01": "deadlock", "55P03": ""}
"""And why to begin again: not after a lock time-out, which has cost 5 s already and would cost them twice."""
_REFUSED = ("25006", "53", "57014", "57P03", "58")
"""A server that takes no writes, as after a fail-over; too few resources; our own statement limit; a server that starts
or stops and lets nobody in; a sick system."""
_CUT = ("08", "57", "25P03", "25P04")
"""Connection; operator's intervention; idle or long in transaction: the server hangs up."""
_UNKNOWN = {
    Moment.ALONE: frozenset({Trouble.CUT, Trouble.SILENCE}),
    # A refusal too: FATAL can hit a backend between its commit and its answer, and a disk fills while it writes.
    Moment.COMMITTING: frozenset({Trouble.CUT, Trouble.SILENCE, Trouble.REFUSED}),
}


def trouble_of(error: BaseException) -> Trouble | None:
    """None: it says nothing about the database. A constraint is its store's business, a wrong statement our fault."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        if state in _CONFLICTS:
            return Trouble.CONFLICT
        if state.startswith(_REFUSED):
            return Trouble.REFUSED
        return Trouble.CUT if state.startswith(_CUT) else None
    if isinstance(error, ValueError):  # an argument that asyncpg itself refused to send; an InterfaceError as well
        return None
    if isinstance(error, TimeoutError):  # an OSError as well
        return Trouble.SILENCE
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError):
        return Trouble.CUT
    return None


def failure_of(error: BaseException, moment: Moment) -> DatabaseFailure | None:
    """What to tell the caller about `error`, raised at `moment`; None: it is no failure of the database.

    Only what is certainly undone and quickly told may be begun again: conflicts, and connections that were cut. A lock
    time-out, a refusal or a silence has cost seconds already, and more of the same would add to it.
    """
    trouble = trouble_of(error)
    if trouble is None:
        return None
    if trouble is Trouble.CONFLICT:
        return DatabaseBusy(retry_after_s=RETRY_AFTER, again=_CONFLICTS[getattr(error, "sqlstate", "")])
    again = "connection_lost" if trouble is Trouble.CUT and moment is not Moment.CONNECTING else ""
    if trouble in _UNKNOWN.get(moment, ()):
        return EffectUnknown("Send it again, unchanged: it takes effect once.", retry_after_s=RETRY_AFTER, again=again)
    return DatabaseUnavailable(retry_after_s=RETRY_AFTER, again=again)
