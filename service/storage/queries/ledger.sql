-- What the database holds, for the audit against clients and partners.

-- name: accounts
-- Accounts; doubled = more than one for a ticket.
select coalesce(array_agg(id::text), '{}') as ids, count(*) - count(distinct ticket_number) as doubled from account;

-- name: codes
-- Requests whose code was accepted; doubled = accepted although it was never handed over.
select coalesce(array_agg(id::text), '{}') as ids, count(*) filter (where handed_at is null) as doubled
from code_request where used_at is not null;

-- name: identity_checks
-- Checks; doubled = more than one for a version of an identity.
select coalesce(array_agg(id::text), '{}') as ids, count(*) - count(distinct (account_id, version)) as doubled
from identity_check;

-- name: photos
-- Finished uploads, replaced ones too; doubled = more than one filling the same slot.
select coalesce(array_agg(id), '{}') as ids, coalesce(array_agg(length), '{}') as lengths,
       coalesce(array_agg(stored_epoch), '{}') as epochs,
       count(*) filter (where replaced_at is null)
       - count(distinct (account_id, slot)) filter (where replaced_at is null) as doubled
from upload where finished_at is not null;

-- name: joins
-- Joins; doubled = more than one of an account in a wave.
select coalesce(array_agg(id::text), '{}') as ids, count(*) - count(distinct (account_id, wave_id)) as doubled
from wave_join;

-- name: attempted
-- Calls of a queue's partner that workers were about to make.
select coalesce(sum(attempted), 0)::bigint as attempted from queue where name = any($1::text[]);
