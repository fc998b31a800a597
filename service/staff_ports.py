"""What the actions ask of the rows of the staff: people, sessions, proposals, record (beside `service/ports.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class StaffMember:
    """Somebody who may sign in."""

    id: UUID
    name: str
    role: str
    password: str
    """Its hash."""
    secret_sealed: bytes
    """That of the codes."""
    last_step: int
    """Of the last code that was used."""
    failures: int
    failing_since: datetime | None
    """When the first of them was made."""


@dataclass(frozen=True, slots=True)
class StaffLine:
    """One person, as the others see them."""

    name: str
    role: str
    created_at: datetime
    ended_at: datetime | None
    signed_in: int
    """Sessions that are open."""


@dataclass(frozen=True, slots=True)
class StaffSession:
    """A session that is open; the token is nowhere."""

    id: UUID
    staff_id: UUID
    name: str
    role: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What somebody did, or was refused."""

    who: str
    """Empty: nobody of ours."""
    role: str
    via: str
    """session, program or shell"""
    verb: str
    outcome: str
    """done, begun, unchanged, repeated, proposed or refused"""
    request: str | None
    detail: Mapping[str, object]
    """What was asked, before and after, or why it was refused."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    id: int
    at: datetime
    who: str
    role: str
    via: str
    verb: str
    outcome: str
    request: str | None
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Proposal:
    """What one person wants done that needs two."""

    id: UUID
    verb: str
    arguments: Mapping[str, object]
    staff_id: UUID
    proposed_by: str
    proposed_at: datetime
    until: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    used_at: datetime | None
    """When a program did what was confirmed, where one does."""
    stays: bool = True
    """Whoever proposed it is still of the staff."""


class StaffStore(Protocol):
    async def add(self, member: StaffMember) -> bool:
        """Also somebody who was ended, with everything new. False: there is one of this name."""

    async def renew(self, name: str, password: str, secret_sealed: bytes) -> UUID | None:
        """Another password and secret. None: nobody of this name."""

    async def end(self, name: str, at: datetime) -> UUID | None:
        """They sign in no more. None: nobody of this name."""

    async def lines(self, now: datetime) -> Sequence[StaffLine]: ...
    async def find(self, name: str) -> StaffMember | None:
        """None too when they were ended."""

    async def hold(self, name: str) -> StaffMember | None:
        """As `find`, the row locked until the transaction ends: one try of a code after the other."""

    async def hold_administrators(self) -> Sequence[str]:
        """Their names; until the transaction ends nobody else ends one of them."""

    async def accept(self, staff_id: UUID, step: int) -> None:
        """The right code came: it is used, and the failures are forgotten."""

    async def count_failure(self, staff_id: UUID, now: datetime, *, window: float) -> None:
        """One wrong code more; the first one, when the first of the others is `window` seconds old."""

    async def open_session(self, token_hash: bytes, session: StaffSession) -> None: ...
    async def session(self, token_hash: bytes, now: datetime) -> StaffSession | None:
        """None: unknown, ended or expired, or the person was ended."""

    async def sessions(self, now: datetime) -> Sequence[StaffSession]:
        """Those that are open, the newest first."""

    async def end_session(self, session_id: UUID, now: datetime) -> str | None:
        """Whose it was. None: no such session is open."""

    async def end_sessions(self, staff_id: UUID, now: datetime) -> None: ...

    async def hold_request(self, request: str) -> None:
        """One transaction at a time for one request."""

    async def find_request(self, request: str, via: str, who: str) -> AuditLine | None:
        """What was done or proposed under it, or found to be so already: by this person, or by any program."""

    async def note(self, entry: AuditEntry) -> None:
        """Nothing that stands there is ever changed."""

    async def audit(self, *, before: int | None, most: int) -> Sequence[AuditLine]:
        """The newest first; before: only older ones than this id."""

    async def propose(self, proposal: Proposal) -> None: ...
    async def hold_proposal(self, proposal_id: UUID) -> Proposal | None:
        """Its row locked until the transaction ends."""

    async def confirm(self, proposal_id: UUID, staff_id: UUID, at: datetime) -> None:
        """The database refuses the person who proposed it."""

    async def proposals(self, now: datetime) -> Sequence[Proposal]:
        """Those that may be confirmed now, the oldest first."""

    async def use(self, verb: str, arguments: Mapping[str, object], at: datetime) -> Proposal | None:
        """A program does what was confirmed; again, while it stands, it is the same. None: nothing was."""

    async def hold_quota(self, queue: str) -> tuple[bool, float | None]:
        """Whether there is such a queue, and the rate set by hand; locked until the transaction ends."""
