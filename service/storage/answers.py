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
