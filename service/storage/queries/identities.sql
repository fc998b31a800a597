-- Identities, sealed and indexed under keys outside the database, and the registry checks asked for them.

-- name: find
-- The identity of an account with the check of its present version.
select i.account_id, i.nik_sealed, i.family_card_sealed, i.birth_date_sealed, i.status, i.version, c.id as check_id
from identity i
join identity_check c on c.account_id = i.account_id and c.version = i.version
where i.account_id = $1;

-- name: put
-- Version $7 and its check $8, provided that the stored version is the one before; a final status answers the check.
with stored as (
    insert into identity (account_id, nik_index, nik_sealed, family_card_sealed, birth_date_sealed, status, version)
    values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (account_id) do update
    set nik_index = excluded.nik_index, nik_sealed = excluded.nik_sealed,
        family_card_sealed = excluded.family_card_sealed, birth_date_sealed = excluded.birth_date_sealed,
        status = excluded.status, version = excluded.version, updated_at = now()
        where identity.version = excluded.version - 1
    returning account_id, version, status
)
insert into identity_check (id, account_id, version, outcome, answered_at)
select $8, account_id, version, nullif(status, 0), case when status <> 0 then now() end from stored
returning id;

-- name: answer_check
-- The registry's answer to version $2; the status changes only while that version is the present one and unanswered.
with answered as (
    update identity_check set outcome = $3, answered_at = now()
    where account_id = $1 and version = $2 and outcome is null
)
update identity set status = $3, updated_at = now()
where account_id = $1 and version = $2 and status = 0
returning account_id;

-- name: reopen
-- Who was too young is to be checked after all: the check that was settled without asking is open again.
with reopened as (
    update identity set status = 0, updated_at = now()
    where account_id = $1 and status = 3
    returning account_id, version
)
update identity_check set outcome = null, answered_at = null
from reopened
where identity_check.account_id = reopened.account_id and identity_check.version = reopened.version
returning identity_check.account_id;
