"""The rows of final answers, sealed: an answer may carry a token."""

import asyncpg

from service.domain.errors import DuplicateAnswer
from service.ports import StoredAnswer, Vault
from service.storage.sql import queries

_SQL = queries("answers")


class AnswerRows:
    """Fulfils `ports.AnswerStore` on one connection."""

    def __init__(self, connection: asyncpg.Connection, vault: Vault) -> None:
        self._connection = connection
        self._vault = vault

    async def find(self, scope: bytes) -> StoredAnswer | None:
        row = await self._connection.fetchrow(_SQL["find"], scope)
        if row is None:
            return None
        return StoredAnswer(row["fingerprint"], row["status"], self._vault.open(row["body"], scope))

    async def add(self, scope: bytes, answer: StoredAnswer) -> None:
        sealed = self._vault.seal(answer.body, scope)
        added = await self._connection.fetchval(_SQL["add"], scope, answer.fingerprint, answer.status, sealed)
        if added is None:
            raise DuplicateAnswer

    async def is_settled(self, scope: bytes) -> bool:
        # Whoever is storing an answer holds its place in the index: to ask for the place is to wait for their end.
        if await self._connection.fetchval(_SQL["add"], scope, b"", 0, b"") is not None:
            await self._connection.execute(_SQL["remove"], scope)
        return True


class NoAnswers:
    """Fulfils `ports.AnswerStore` and remembers nothing: the service without idempotency."""

    async def find(self, scope: bytes) -> StoredAnswer | None:
        return None

    async def add(self, scope: bytes, answer: StoredAnswer) -> None:
        pass

    async def is_settled(self, scope: bytes) -> bool:
        return False
