-- What the database holds, for the audit against clients and partners.

-- name: accounts
-- Accounts; doubled = more than one for a ticket.
select coalesce(array_agg(id::text), '{}') as ids, count(*) - count(distinct ticket_number) as doubled from account;

-- name: codes
-- Requests whose code was accepted; doubled = accepted although it was never handed over.
select coalesce(array_agg(id::text), '{}') as ids, count(*) filter (where handed_at is null) as doubled
from code_request where used_at is not null;

-- name: codes_lost
-- Codes that somebody waits for, never handed over, although no job stands for them, not even a dead letter.
-- $1 seconds from the last send in which its job cannot have expired by rule.
select count(*) from code_request
where account_id is not null and handed_at is null and used_at is null
    and sent_at > statement_timestamp() - make_interval(secs => $1::float8)
    and not exists (
        select from job where queue in ('email', 'sms') and payload ->> 'code_request' = code_request.id::text
    );

-- name: codes_distinct_at_most
-- Messages that the gateways may have accepted: one for each send and generation. A send whose call had an unknown fate
-- is repeated as itself, so it is one more message only when its code had to be made anew meanwhile.
select coalesce(sum(sends * generation), 0)::bigint from code_request where account_id is not null;

-- name: identity_checks
-- Checks; doubled = more than one for a version of an identity.
select coalesce(array_agg(id::text), '{}') as ids, count(*) - count(distinct (account_id, version)) as doubled
from identity_check;

-- name: identity_checks_lost
-- Checks without an answer although no job stands for them, not even a dead letter. A correction makes older ones moot.
select count(*) from identity_check
where outcome is null
    and not exists (
        select from identity_check as newer
        where newer.account_id = identity_check.account_id and newer.version > identity_check.version
    )
    and not exists (
        select from job
        where queue = 'identity' and payload ->> 'account_id' = identity_check.account_id::text
            and payload ->> 'version' = identity_check.version::text
    );

-- name: identity_checks_distinct_at_most
-- Checks that the registry may have answered: one for each that is not settled without it (3: too young).
select count(*) from identity_check where outcome is distinct from 3;

-- name: photos
-- Finished uploads, replaced ones too; doubled = more than one filling the same slot.
select coalesce(array_agg(id), '{}') as ids,
       count(*) filter (where replaced_at is null)
       - count(distinct (account_id, slot)) filter (where replaced_at is null) as doubled
from upload where account_id is not null and finished_at is not null;

-- name: photos_lost
-- Photos that wait for their inspection although no job stands for it, not even a dead letter.
select count(*) from upload
where account_id is not null and finished_at is not null and replaced_at is null and verdict is null
    and not exists (select from job where queue = 'photo' and dedupe = upload.id);

-- name: photo_bytes
-- Where the bytes of a photo that fills its slot lie, of all or of some ($1): until its inspection in the parts of its
-- writers, then in a clean copy. A refused photo leaves none, a replaced one needs none.
select id, parts, length, clean_bytes
from upload
where account_id is not null and finished_at is not null and replaced_at is null and coalesce(verdict, 0) = 0
    and ($1::text[] is null or id = any ($1));

-- name: joins
-- Joins; doubled = more than one of an account in a wave.
select coalesce(array_agg(id::text), '{}') as ids, count(*) - count(distinct (account_id, wave_id)) as doubled
from wave_join;

-- name: attempted
-- Calls of a queue's partner that workers were about to make.
select coalesce(sum(attempted), 0)::bigint as attempted from queue where name = any($1::text[]);
