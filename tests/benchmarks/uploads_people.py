"""Signed-in applicants in bulk, and a table of photos that others have sent before them."""

from itertools import count

import asyncpg

from tests.benchmarks.growth import SEED
from tests.benchmarks.uploads_client import SLOTS, Photo

OTHERS = """
    insert into upload (id, account_id, slot, length, committed, metadata, finished_at, inspected_at)
    select replace(gen_random_uuid()::text, '-', ''), id, slot, 300000, 300000, 'slot c2VsZmll', now(), now()
    from account, unnest(array[1, 2]) slot
"""
SESSIONS = """
    insert into session (token_hash, account_id, expires_at)
    select sha256(phone::bytea), id, now() + interval '1 day' from account where phone > $1
"""


async def fill(database: str, *, uploads: int, applicants: int) -> None:
    """`uploads` finished photos of other people, then `applicants` with a session, in an empty, migrated database."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("set statement_timeout = 0")  # so many rows take longer than any statement of ours may
        others = uploads // len(SLOTS)
        if others:
            await connection.execute(SEED, others)
            await connection.execute(OTHERS)
        await connection.execute(
            SEED.replace("generate_series(1,", f"generate_series({others + 1},"), others + applicants
        )
        await connection.execute(SESSIONS, _phone(others))
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    finally:
        await connection.close()


class Applicants:
    """Photos of people who have sent none yet: two of each."""

    def __init__(self, pictures: tuple[bytes, bytes], *, others: int) -> None:
        """others: accounts of a database before the first applicant's."""
        self._pictures = pictures
        self._numbers = count(2 * others)

    def photos(self, number: int) -> list[Photo]:
        """The next ones."""
        return [self._next() for _ in range(number)]

    def _next(self) -> Photo:
        person, slot = divmod(next(self._numbers), len(SLOTS))
        return Photo(self._pictures[slot], SLOTS[slot], _phone(person + 1))


def _phone(number: int) -> str:
    """Of the account with this number, 1 and up; it is the token of its session here."""
    return f"+62810{number:09}"
