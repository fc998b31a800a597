-- Drafts of the profile's steps.

-- name: put
-- Keep one step; true when it was the last of $4 steps that was missing.
with others as (
    select count(*) as kept from profile where account_id = $1 and step <> $2
), put as (
    insert into profile (account_id, step, data) values ($1, $2, $3)
    on conflict (account_id, step) do update set data = excluded.data, updated_at = now()
    returning (xmax = 0) as fresh
)
select fresh and kept + 1 = $4::int as complete from put, others;

-- name: steps
-- The steps that were kept.
select step from profile where account_id = $1;

-- name: read
-- The draft of one step.
select data from profile where account_id = $1 and step = $2;
