"""People put into rows by SQL, and what the counts must come to: added up from the rows without the service's view."""

from collections.abc import Mapping

import asyncpg

from service.count_ports import Counts

STEPS = ("personal", "work", "program")

_PEOPLE = """
    with drawn as (insert into ticket (number) select n from generate_series($1::int, $2::int) as n returning number)
    insert into account (id, ticket_number, name, phone)
    select gen_random_uuid(), number, 'Siti Rahma', '+62810' || lpad(number::text, 9, '0') from drawn
    returning id
"""
_LIVE = """
    insert into profile (account_id, step, data)
    select unnest($1::uuid[]), 'personal', jsonb_build_object('province', $2::int / 100, 'regency', $2::int)
    on conflict (account_id, step) do update set data = excluded.data
"""
_REST = """
    insert into profile (account_id, step, data)
    select id, step, '{}' from unnest($1::uuid[]) as id, unnest(array['work', 'program']) as step
"""
_IDENTITY = """
    insert into identity (account_id, nik_index, nik_sealed, family_card_sealed, birth_date_sealed, status)
    select id, sha256(id::text::bytea), '', '', '', $2 from unnest($1::uuid[]) as id
    on conflict (account_id) do update set status = excluded.status
"""
_ASSESSED = """
    insert into assessment (account_id, deadline, answers) select unnest($1::uuid[]), now(), array[]::smallint[]
"""
_JOIN = "insert into wave_join (id, wave_id, account_id) select gen_random_uuid(), $2, unnest($1::uuid[])"
_GRANT = """
    insert into wave_grant (nik_index, account_id, wave_id, join_id)
    select sha256(account_id::text::bytea), account_id, wave_id, id from wave_join
    where account_id = any ($1::uuid[]) and wave_id = $2
"""

_TRUE = """
    with reached as (
        select id as account_id, 1 as stage from account
        union all select id, 2 from account where email_verified_at is not null
        union all select id, 3 from account where phone_verified_at is not null
        union all select account_id, 4 from identity
        union all select account_id, 5 from identity where status = 1
        union all select account_id, 6 from profile group by account_id having count(*) = 3
        union all select account_id, 7 from upload
            where finished_at is not null and replaced_at is null and (verdict is null or verdict = 0)
            group by account_id having count(*) = 2
        union all select account_id, 8 from assessment where submitted_at is not null
        union all select account_id, wave_id * 100 + 1 from wave_join
        union all select account_id, wave_id * 100 + 2 from wave_grant where withdrawn_at is null
    ), lives as (
        select account_id, (data ->> 'regency')::int as regency from profile where step = 'personal'
    )
    select coalesce(regency, 0), stage, count(*) from reached left join lives using (account_id) group by 1, 2
"""


class People:
    """Some hundred people who go the same steps, each step in a transaction of its own."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.ids: list[object] = []

    async def register(self, first: int, last: int) -> None:
        self.ids = [row[0] for row in await self._connection.fetch(_PEOPLE, first, last)]

    async def live_in(self, regency: int) -> None:
        await self._connection.execute(_LIVE, self.ids, regency)

    async def complete_profile(self) -> None:
        await self._connection.execute(_REST, self.ids)

    async def verify_phone(self) -> None:
        await self._connection.execute("update account set phone_verified_at = now() where id = any ($1)", self.ids)

    async def identify(self, status: int) -> None:
        await self._connection.execute(_IDENTITY, self.ids, status)

    async def do_test(self) -> None:
        await self._connection.execute(_ASSESSED, self.ids)
        await self._connection.execute(
            "update assessment set submitted_at = now() where account_id = any ($1)", self.ids
        )

    async def join(self, wave_id: int) -> None:
        await self._connection.execute(_JOIN, self.ids, wave_id)

    async def be_selected(self, wave_id: int) -> None:
        await self._connection.execute(_GRANT, self.ids, wave_id)

    async def withdraw(self) -> None:
        await self._connection.execute(
            "update wave_grant set withdrawn_at = now() where account_id = any ($1)", self.ids
        )


async def true_counts(connection: asyncpg.Connection) -> dict[tuple[int, int], int]:
    """(regency, stage) -> people."""
    return {(regency, stage): people for regency, stage, people in await connection.fetch(_TRUE)}


def by_place(counts: Counts) -> Mapping[tuple[int, int], int]:
    return {(each.regency, each.stage): each.people for each in counts.cells}
