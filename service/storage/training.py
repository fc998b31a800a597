"""Rows of participants, of their courses, and of their answers to the surveys."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from service.domain.money_errors import CertificateTaken
from service.money_ports import Choice, Grant, Participant, SurveyAnswer
from service.storage.sql import queries

_SQL = queries("training")


class TrainingRows:
    """Fulfils `money_ports.TrainingStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def grant(self, account_id: UUID, now: datetime) -> Grant | None:
        row = await self._connection.fetchrow(_SQL["grant"], account_id, now)
        return None if row is None else Grant(**row)

    async def begin(self, account_id: UUID, at: datetime) -> bool:
        return await self._connection.fetchval(_SQL["begin"], account_id, at) is not None

    async def hold(self, account_id: UUID) -> Participant | None:
        row = await self._connection.fetchrow(_SQL["hold"], account_id)
        return None if row is None else Participant(**row)

    async def find(self, account_id: UUID) -> Participant | None:
        row = await self._connection.fetchrow(_SQL["find"], account_id)
        return None if row is None else Participant(**row)

    async def choices(self, account_id: UUID) -> Sequence[Choice]:
        return [Choice(**row) for row in await self._connection.fetch(_SQL["choices"], account_id)]

    async def choose(self, account_id: UUID, choice: Choice) -> bool:
        made = await self._connection.fetchval(
            _SQL["choose"], account_id, choice.course, choice.price, choice.chosen_at
        )
        return made is not None

    async def complete(self, account_id: UUID, course: str, certificate: str, at: datetime) -> None:
        try:
            await self._connection.execute(_SQL["complete"], account_id, course, certificate, at)
        except asyncpg.UniqueViolationError:
            raise CertificateTaken from None

    async def schedule(
        self, account_id: UUID, completed_at: datetime, instalments: int, due_at: datetime | None
    ) -> None:
        await self._connection.execute(_SQL["schedule"], account_id, completed_at, instalments, due_at)

    async def due(self, now: datetime, *, most: int) -> Sequence[Participant]:
        return [Participant(**row) for row in await self._connection.fetch(_SQL["due"], now, most)]

    async def answers(self, account_id: UUID) -> Sequence[SurveyAnswer]:
        return [SurveyAnswer(**row) for row in await self._connection.fetch(_SQL["answers"], account_id)]

    async def answer(self, account_id: UUID, answer: SurveyAnswer) -> bool:
        stored = await self._connection.fetchval(
            _SQL["answer"], account_id, answer.number, dict(answer.answers), answer.answered_at
        )
        return stored is not None
