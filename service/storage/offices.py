"""Rows of labor offices and of the tickets that they hold."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from service.office_ports import HeldTicket, Office, OfficeLine
from service.storage.sql import queries

_SQL = queries("offices")


class OfficeRows:
    """Fulfils `office_ports.OfficeStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def add(self, office: Office, handle: str) -> bool:
        return await self._done("add", office.id, office.name, handle, office.secret_index)

    async def renew(self, name: str, handle: str, secret_index: bytes) -> bool:
        return await self._done("renew", name, handle, secret_index)

    async def end(self, name: str) -> bool:
        return await self._done("end", name)

    async def lines(self) -> Sequence[OfficeLine]:
        return [OfficeLine(**row) for row in await self._connection.fetch(_SQL["lines"])]

    async def find(self, office_id: UUID) -> Office | None:
        row = await self._connection.fetchrow(_SQL["find"], office_id)
        return None if row is None else Office(**row)

    async def hold(self, handle: str) -> Office | None:
        row = await self._connection.fetchrow(_SQL["hold"], handle)
        return None if row is None else Office(**row)

    async def count_failure(self, office_id: UUID, now: datetime, *, window: float) -> None:
        await self._connection.execute(_SQL["count_failure"], office_id, now, window)

    async def forgive(self, office_id: UUID) -> None:
        await self._connection.execute(_SQL["forgive"], office_id)

    async def keep(self, office_id: UUID, ticket: HeldTicket, *, most: int) -> bool:
        return await self._done("keep", office_id, ticket.number, ticket.key_id, ticket.sealed, most)

    async def held(self, office_id: UUID) -> Sequence[HeldTicket]:
        return [HeldTicket(**row) for row in await self._connection.fetch(_SQL["held"], office_id)]

    async def outworn(self, office_id: UUID, key_id: int) -> Sequence[HeldTicket]:
        return [HeldTicket(**row) for row in await self._connection.fetch(_SQL["outworn"], office_id, key_id)]

    async def find_held(self, office_id: UUID, number: int) -> HeldTicket | None:
        row = await self._connection.fetchrow(_SQL["find_held"], office_id, number)
        return None if row is None else HeldTicket(**row)

    async def begin(self, office_id: UUID, number: int, now: datetime) -> None:
        await self._connection.execute(_SQL["begin"], office_id, number, now)

    async def drop(self, office_id: UUID, number: int) -> None:
        await self._connection.execute(_SQL["drop"], office_id, number)

    async def forget_served(self, office_id: UUID) -> None:
        await self._connection.execute(_SQL["forget_served"], office_id)

    async def _done(self, query: str, *values: object) -> bool:
        return await self._connection.fetchval(_SQL[query], *values) is not None
