"""What repeated requests have left behind, counted in the database."""

import asyncpg

EFFECTS = {
    "tickets": "select count(*) from ticket",
    "claims": "select count(*) from claim where collected",
    "accounts": "select count(*) from account",
    "code requests": "select count(*) from code_request",
    "sessions": "select count(*) from session",
    "identities": "select count(*) from identity",
    "identity checks": "select count(*) from identity_check",
    "uploads": "select count(*) from upload",
    "photos": "select count(*) from upload where finished_at is not null",
    "assessments": "select count(*) from assessment where submitted_at is not null",
    "joins": "select count(*) from wave_join",
}
"""One each for a person, but for two uploads and photos."""
NATURAL = ("claims", "accounts", "sessions", "identities", "identity checks", "assessments", "joins")
"""What a unique key of its own keeps from being doubled, whatever becomes of the Idempotency-Key."""


async def effects(connection: asyncpg.Connection) -> dict[str, int]:
    return {name: await connection.fetchval(statement) for name, statement in EFFECTS.items()}


def expected(people: int) -> dict[str, int]:
    return {name: people * (2 if name in ("uploads", "photos") else 1) for name in EFFECTS}


def doubled(found: dict[str, int], people: int) -> dict[str, int]:
    """How many too many, of what there is too much."""
    return {name: found[name] - most for name, most in expected(people).items() if found[name] > most}


def missing(found: dict[str, int], people: int) -> dict[str, int]:
    return {name: least - found[name] for name, least in expected(people).items() if found[name] < least}
