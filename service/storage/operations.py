"""The rows of what operators want, and of what they did."""

from collections.abc import Mapping, Sequence

import asyncpg

from service.operation_ports import RoomEvent, Wanted
from service.storage.sql import queries

_SQL = queries("operations")


class OperationRows:
    """Fulfils `operation_ports.OperationStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def put(self, wanted: Wanted) -> None:
        await self._connection.execute(
            _SQL["put"],
            wanted.wanted,
            wanted.queue_all,
            wanted.fixed_rate_per_s,
            wanted.hard_rate_per_s,
            wanted.message,
            wanted.opens_at,
            wanted.key_id,
            wanted.oldest_key_id,
            wanted.inside_limit,
        )

    async def start_anew(self) -> None:
        await self._connection.execute(_SQL["start_anew"])
        await self._connection.execute(_SQL["forget_waiting"])

    async def end_session(self, number: int) -> bool:
        ended = await self._connection.fetchval(_SQL["revoke"], number) is not None
        await self._connection.execute(_SQL["leave"], number)
        await self._connection.execute(_SQL["sign_out"], number)
        return ended

    async def bind(self, stage: str) -> None:
        await self._connection.execute(_SQL["bind"], stage)

    async def binding(self) -> str:
        stage: str = await self._connection.fetchval(_SQL["binding"])
        return stage

    async def add_event(self, who: str, verb: str, detail: Mapping[str, object], request: str | None) -> RoomEvent:
        return RoomEvent(**await self._connection.fetchrow(_SQL["add_event"], who, verb, detail, request))

    async def find_event(self, request: str) -> RoomEvent | None:
        row = await self._connection.fetchrow(_SQL["find_event"], request)
        return None if row is None else RoomEvent(**row)

    async def events(self, *, most: int) -> Sequence[RoomEvent]:
        return [RoomEvent(**row) for row in await self._connection.fetch(_SQL["events"], most)]
