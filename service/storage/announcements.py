"""Rows of announcements, and of the messages that they lead to."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from service.domain.announcement import Place
from service.money_ports import Announcement, Message, MessageCounts, Told, WaveStanding
from service.storage.sql import queries

_SQL = queries("announcements")
COUNT_LIMIT = 120.0
"""Seconds for adding up a wave: two million places and as many messages take 2 s on two free cores, and many times that
on a cold disk beside a busy night."""
_OF_WAVE = ("id", "opens_at", "closes_at", "seats", "announce_at", "sms_from", "sms_until", "published_at")


def _wave(row: Mapping[str, Any]) -> WaveStanding:
    return WaveStanding(*(row[name] for name in _OF_WAVE))


def _announcement(row: Mapping[str, Any]) -> Announcement:
    return Announcement(
        wave=_wave(row),
        outcomes=tuple(map(Place, row["outcomes"])),
        told_to=row["told_to"],
        paused=row["paused"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
    )


class AnnouncementRows:
    """Fulfils `money_ports.AnnouncementStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def wave(self, wave_id: int) -> WaveStanding | None:
        row = await self._connection.fetchrow(_SQL["wave"], wave_id)
        return None if row is None else _wave(row)

    async def published(self) -> Sequence[WaveStanding]:
        return [_wave(row) for row in await self._connection.fetch(_SQL["published"])]

    async def place(self, wave_id: int, join_id: UUID) -> tuple[Place, int] | None:
        row = await self._connection.fetchrow(_SQL["place"], wave_id, join_id)
        return None if row is None else (Place(row["outcome"]), row["rank"])

    async def start(self, wave_id: int, outcomes: Sequence[Place], now: datetime) -> None:
        await self._connection.execute(_SQL["start"], wave_id, list(map(int, outcomes)), now)

    async def pause(self, wave_id: int, *, paused: bool) -> bool:
        return await self._connection.fetchval(_SQL["pause"], wave_id, paused) is not None

    async def find(self, wave_id: int) -> Announcement | None:
        row = await self._connection.fetchrow(_SQL["find"], wave_id)
        return None if row is None else _announcement(row)

    async def open(self, now: datetime) -> Announcement | None:
        row = await self._connection.fetchrow(_SQL["open"], now)
        return None if row is None else _announcement(row)

    async def write_next(self, announcement: Announcement, *, most: int) -> Sequence[Told]:
        outcomes = list(map(int, announcement.outcomes))
        rows = await self._connection.fetch(
            _SQL["write_next"], announcement.wave.id, outcomes, announcement.told_to, most
        )
        return [Told(row["join_id"], Place(row["outcome"]), row["rank"], row["fresh"]) for row in rows]

    async def advance(self, wave_id: int, told_to: int, finished_at: datetime | None) -> None:
        await self._connection.execute(_SQL["advance"], wave_id, told_to, finished_at)

    async def message(self, join_id: UUID, outcome: Place) -> Message | None:
        row = await self._connection.fetchrow(_SQL["message"], join_id, int(outcome))
        if row is None:
            return None
        place = None if row["outcome"] is None else Place(row["outcome"])
        return Message(_wave(row), row["account_id"], row["phone"], row["sent_at"], place)

    async def sent(self, join_id: UUID, outcome: Place, at: datetime) -> None:
        await self._connection.execute(_SQL["sent"], join_id, int(outcome), at)

    async def counts(self, wave_id: int) -> Sequence[MessageCounts]:
        # For this transaction only; nobody who is served waits for it.
        await self._connection.execute(f"set local statement_timeout = '{COUNT_LIMIT:.0f}s'")
        rows = await self._connection.fetch(_SQL["counts"], wave_id, timeout=COUNT_LIMIT)
        return [MessageCounts(Place(row["outcome"]), row["places"], row["written"], row["sent"]) for row in rows]
