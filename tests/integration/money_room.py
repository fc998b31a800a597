"""A wave that was drawn, and the people of its draw, put there by SQL: what comes before has tests of its own."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import asyncpg

from service.domain.announcement import Place

WAVE = 1
CLOSED_AT = datetime(2020, 4, 16, 9, tzinfo=UTC)
_WAVE = """
insert into wave (id, opens_at, closes_at, seats, announce_at, sms_from, sms_until, frozen_at, published_at)
values ($1, $2::timestamptz - interval '5 days', $2, 10, $3, $3, $4, $2, $3)
on conflict (id) do update set
    opens_at = excluded.opens_at, closes_at = excluded.closes_at, seats = excluded.seats,
    announce_at = excluded.announce_at, sms_from = excluded.sms_from, sms_until = excluded.sms_until,
    frozen_at = excluded.frozen_at, published_at = excluded.published_at
"""
_PERSON = """
with ticket as (
    insert into ticket default values returning number
), account as (
    insert into account (id, ticket_number, name, phone, phone_verified_at) select $1, number, 'Siti Rahma', $2, now()
    from ticket
    returning id
), session as (
    insert into session (token_hash, account_id, expires_at) select $3, id, 'infinity' from account
)
insert into wave_join (id, wave_id, account_id) select $4, $5, id from account
"""


@dataclass(frozen=True)
class Drawn:
    """Somebody with a place in the draw."""

    account_id: UUID
    join_id: UUID
    phone: str
    token: str

    @property
    def session(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def token_hash(self) -> bytes:
        return sha256(self.token.encode()).digest()


async def drawn_wave(
    connection: asyncpg.Connection,
    places: Sequence[Place],
    *,
    first: int = 1,
    now: datetime | None = None,
    lasts: timedelta = timedelta(days=3),
) -> list[Drawn]:
    """A published wave with these places in order, people from number `first` on; the chosen have grants.

    Its messages leave from an hour before `now` on, for `lasts`.
    """
    sms_from = (now or datetime.now(UTC)) - timedelta(hours=1)
    await connection.execute(_WAVE, WAVE, CLOSED_AT, sms_from, sms_from + lasts)
    people = []
    for rank, place in enumerate(places, start=1):
        number, token = first + rank - 1, secrets.token_urlsafe(32)
        each = Drawn(uuid4(), UUID(bytes=secrets.token_bytes(16)), f"+6280{number:09d}", token)
        people.append(each)
        await connection.execute(_PERSON, each.account_id, each.phone, each.token_hash, each.join_id, WAVE)
        await connection.execute(
            "insert into draw_place (join_id, wave_id, outcome, rank) values ($1, $2, $3, $4)",
            each.join_id, WAVE, int(place), first + rank - 1,
        )  # fmt: skip
        if place is Place.CHOSEN:
            await give_grant(connection, each)
    return people


async def give_grant(connection: asyncpg.Connection, person: Drawn) -> None:
    await connection.execute(
        "insert into wave_grant (nik_index, account_id, wave_id, join_id) values ($1, $2, $3, $4)",
        person.account_id.bytes * 2, person.account_id, WAVE, person.join_id,
    )  # fmt: skip
