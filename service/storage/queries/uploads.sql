-- Photo uploads. A photo is finished when all announced bytes are durable; the newest finished one fills its slot.

-- name: add
-- A new upload, unless the account has as many as it may ($6).
insert into upload (id, account_id, slot, length, metadata)
select $1, $2, $3, $4, $5
where (select count(*) from upload where account_id = $2) < $6;

-- name: find
-- One upload of one account.
select id, account_id, slot, length, metadata, committed, epoch, stored_epoch, ended_epoch, finished_at
from upload
where id = $1 and account_id = $2;

-- name: take_over
-- A new writer continues at $3 and announces bytes up to $4; from now on an older one cannot commit.
update upload
set epoch = epoch + 1
where id = $1 and account_id = $2 and committed = $3 and length >= $4 and finished_at is null
returning id, account_id, slot, length, metadata, committed, epoch, stored_epoch, ended_epoch, finished_at;

-- name: commit
-- Writer $2 moves the committed offset from $3 to $4 in file $5, and may end ($6).
-- At the full length the photo is finished; filled: the slots before it.
update upload as u
set committed = $4, stored_epoch = $5, ended_epoch = case when $6::boolean then $2 else ended_epoch end,
    finished_at = case when $4 = length then now() end
where id = $1 and epoch = $2 and committed = $3 and finished_at is null
returning id, account_id, slot, length, metadata, committed, epoch, stored_epoch, ended_epoch, finished_at,
    case when $4 = length then array(
        select o.slot from upload o
        where o.account_id = u.account_id and o.finished_at is not null and o.replaced_at is null
    ) end as filled;

-- name: hold_slots
-- One replacement at a time of an account: of two that clear a slot together, the later would not see what the earlier
-- has put there.
select 1 from account where id = $1 for no key update;

-- name: clear_slot
-- Upload $3 is about to fill slot $2: an older photo gives way.
update upload
set replaced_at = now()
where account_id = $1 and slot = $2 and id <> $3 and finished_at is not null and replaced_at is null;

-- name: discard
-- An upload that nobody will continue, unless it is finished.
delete from upload
where id = $1 and account_id = $2 and finished_at is null
returning id, account_id, slot, length, metadata, committed, epoch, stored_epoch, ended_epoch, finished_at;

-- name: finished
-- One finished upload as its inspection meets it; outlived: replaced photos of its slot whose clean copies are kept.
select id, stored_epoch, epoch, length, replaced_at is not null, verdict,
    array(
        select o.id from upload o
        where o.account_id = u.account_id and o.slot = u.slot and o.replaced_at is not null
            and o.clean_bytes is not null
    )
from upload u
where id = $1 and finished_at is not null;

-- name: judge
-- How the inspection ended: the first verdict on a photo that still fills its slot; no row else.
update upload
set verdict = $2, original_sha256 = $3, clean_bytes = $4, inspected_at = now()
where id = $1 and finished_at is not null and replaced_at is null and verdict is null
returning id;

-- name: copies_removed
-- The clean copies of these photos are gone.
update upload set clean_bytes = null where id = any ($1::text[]);
