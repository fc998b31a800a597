"""Accounts in bulk, as whole registrations leave them, so that a benchmark can see what a full database costs."""

import asyncpg

ACCOUNTS = 5_000

# Numbers from 2 billion on are nobody's: applicants of a night have nine digits.
SEED = """
    with people as (
        select n, gen_random_uuid() as id from generate_series(1, $1::int) n
    ), tickets as (
        insert into ticket (issued_at) select now() from people returning number
    ), numbered as (
        select id, n, (row_number() over ()) as place from people
    ), drawn as (
        select number, (row_number() over ()) as place from tickets
    )
    insert into account (id, ticket_number, name, phone, email, phone_verified_at, email_verified_at)
    select id, number, 'Siti Aminah', '+62810' || lpad(n::text, 9, '0'), 'seed' || n || '@people.example', now(), now()
    from numbered join drawn using (place)
"""
FILL = (
    "insert into code_request"
    " (id, account_id, address_index, channel, generation, sends, sent_at, handed_at, used_at)"
    " select gen_random_uuid(), id, sha256((id::text || channel)::bytea), channel, 1, 1, now(), now(), now()"
    " from account, unnest(array[1, 2]) channel",
    "insert into session (token_hash, account_id, expires_at)"
    " select sha256(id::text::bytea), id, now() + interval '5 days' from account",
    "insert into identity (account_id, nik_index, nik_sealed, family_card_sealed, birth_date_sealed, status)"
    " select id, sha256(id::text::bytea), decode(repeat('00', 44), 'hex'), decode(repeat('00', 44), 'hex'),"
    " decode(repeat('00', 38), 'hex'), 1 from account",
    "insert into identity_check (id, account_id, version, outcome, answered_at)"
    " select gen_random_uuid(), id, 1, 1, now() from account",
    "insert into profile (account_id, step, data)"
    " select id, step, jsonb_build_object('text', repeat('x', 120)) from account,"
    " unnest(array['personal', 'work', 'program']) step",
    "insert into upload (id, account_id, slot, length, committed, metadata, finished_at)"
    " select gen_random_uuid()::text, id, slot, 300000, 300000, 'slot c2VsZmll', now()"
    " from account, unnest(array[1, 2]) slot",
    "insert into assessment (account_id, deadline, answers, submitted_at, score)"
    " select id, now(), array_fill(1::smallint, array[18]), now(), 9 from account",
    "insert into wave_join (id, wave_id, account_id)"
    " select gen_random_uuid(), (select min(id) from wave), id from account",
    "insert into idempotent_answer (scope, fingerprint, status, body)"
    " select sha256((id::text || n)::bytea), sha256(id::text::bytea), 201, decode(repeat('00', 120), 'hex')"
    " from account, generate_series(1, 9) n",
)


async def add_accounts(database: str, number: int) -> None:
    """Add `number` finished registrations to an empty, migrated database, and let the server count them."""
    connection = await asyncpg.connect(database)
    try:
        async with connection.transaction():
            await connection.execute("set local statement_timeout = 0")
            await connection.execute(SEED, number)
            for statement in FILL:
                await connection.execute(statement)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()
