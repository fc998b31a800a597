"""The rows of the staff, of their sessions, and of what they propose and did."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from service.staff_ports import AuditEntry, AuditLine, Proposal, StaffLine, StaffMember, StaffSession
from service.storage.sql import queries

_SQL = queries("staff")
_NEWEST = 2**63 - 1


class StaffRows:
    """Fulfils `staff_ports.StaffStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, member: StaffMember) -> bool:
        values = (member.id, member.name, member.role, member.password, member.secret_sealed)
        return await self._connection.fetchval(_SQL["add"], *values) is not None

    async def renew(self, name: str, password: str, secret_sealed: bytes) -> UUID | None:
        found: UUID | None = await self._connection.fetchval(_SQL["renew"], name, password, secret_sealed)
        return found

    async def end(self, name: str, at: datetime) -> UUID | None:
        found: UUID | None = await self._connection.fetchval(_SQL["end"], name, at)
        return found

    async def lines(self, now: datetime) -> Sequence[StaffLine]:
        return [StaffLine(**row) for row in await self._connection.fetch(_SQL["lines"], now)]

    async def find(self, name: str) -> StaffMember | None:
        row = await self._connection.fetchrow(_SQL["find"], name)
        return None if row is None else StaffMember(**row)

    async def hold(self, name: str) -> StaffMember | None:
        row = await self._connection.fetchrow(_SQL["hold"], name)
        return None if row is None else StaffMember(**row)

    async def hold_administrators(self) -> Sequence[str]:
        return [row["name"] for row in await self._connection.fetch(_SQL["hold_administrators"])]

    async def accept(self, staff_id: UUID, step: int) -> None:
        await self._connection.execute(_SQL["accept"], staff_id, step)

    async def count_failure(self, staff_id: UUID, now: datetime, *, window: float) -> None:
        await self._connection.execute(_SQL["count_failure"], staff_id, now, window)

    async def open_session(self, token_hash: bytes, session: StaffSession) -> None:
        await self._connection.execute(
            _SQL["open_session"], session.id, token_hash, session.staff_id, session.created_at, session.expires_at
        )

    async def session(self, token_hash: bytes, now: datetime) -> StaffSession | None:
        row = await self._connection.fetchrow(_SQL["session"], token_hash, now)
        return None if row is None else StaffSession(**row)

    async def sessions(self, now: datetime) -> Sequence[StaffSession]:
        return [StaffSession(**row) for row in await self._connection.fetch(_SQL["sessions"], now)]

    async def end_session(self, session_id: UUID, now: datetime) -> str | None:
        name: str | None = await self._connection.fetchval(_SQL["end_session"], session_id, now)
        return name

    async def end_sessions(self, staff_id: UUID, now: datetime) -> None:
        await self._connection.execute(_SQL["end_sessions"], staff_id, now)

    async def hold_request(self, request: str) -> None:
        await self._connection.execute(_SQL["hold_request"], request)

    async def find_request(self, request: str, via: str, who: str) -> AuditLine | None:
        whose = who if via == "session" else ""
        row = await self._connection.fetchrow(_SQL["find_request"], request, via, whose)
        return None if row is None else AuditLine(**row)

    async def note(self, entry: AuditEntry) -> None:
        await self._connection.execute(
            _SQL["note"], entry.who, entry.role, entry.via, entry.verb, entry.outcome, entry.request, entry.detail
        )

    async def audit(self, *, before: int | None, most: int) -> Sequence[AuditLine]:
        rows = await self._connection.fetch(_SQL["audit"], _NEWEST if before is None else before, most)
        return [AuditLine(**row) for row in rows]

    async def propose(self, proposal: Proposal) -> None:
        await self._connection.execute(
            _SQL["propose"],
            proposal.id,
            proposal.verb,
            proposal.arguments,
            proposal.staff_id,
            proposal.proposed_at,
            proposal.until,
        )

    async def hold_proposal(self, proposal_id: UUID) -> Proposal | None:
        row = await self._connection.fetchrow(_SQL["hold_proposal"], proposal_id)
        return None if row is None else Proposal(**row)

    async def confirm(self, proposal_id: UUID, staff_id: UUID, at: datetime) -> None:
        await self._connection.execute(_SQL["confirm"], proposal_id, staff_id, at)

    async def proposals(self, now: datetime) -> Sequence[Proposal]:
        return [Proposal(**row) for row in await self._connection.fetch(_SQL["proposals"], now)]

    async def use(self, verb: str, arguments: Mapping[str, object], at: datetime) -> Proposal | None:
        row = await self._connection.fetchrow(_SQL["use"], verb, arguments, at)
        return None if row is None else Proposal(**row)

    async def hold_quota(self, queue: str) -> tuple[bool, float | None]:
        row = await self._connection.fetchrow(_SQL["hold_quota"], queue)
        return (False, None) if row is None else (True, row["rate_per_s"])
