-- Uploads. One is finished when all announced bytes are durable; the newest finished photo fills its slot.
-- An asker without a session (null) asks for uploads that belong to nobody. One that was given up is not found.

-- name: add
-- New uploads of the accounts whose sessions ($2) they are, unless one has as many as it may ($7); those without a
-- session (null) belong to nobody. An array of one cannot be hashed: a plan that was made while no session existed would
-- read all of them for every batch, until the table is analyzed.
with asked as (
    select * from unnest($1::text[], $2::bytea[], $3::smallint[], $4::bigint[], $5::text[], $6::timestamptz[])
        with ordinality as asked (id, token, slot, length, metadata, expires_at, place)
)
insert into upload (id, account_id, slot, length, metadata, expires_at)
select a.id, s.account_id, a.slot, a.length, a.metadata, a.expires_at
from asked a left join session s on s.token_hash = any (array[a.token]) and s.expires_at > now()
where a.token is null or (
    s.account_id is not null
    and (select count(*) from upload u where u.account_id = s.account_id and u.deleted_at is null)
        + (select count(*) from asked b where b.token = a.token and b.place < a.place) < $7
)
returning id, account_id;

-- name: find
-- One upload of whoever asks ($2).
select id, account_id, slot, length, metadata, committed, epoch, parts, writing, expires_at, finished_at
from upload
where id = $1 and deleted_at is null
    and case when $2::bytea is null then account_id is null
        else account_id = (select s.account_id from session s where s.token_hash = $2 and s.expires_at > now()) end;

-- name: take_over
-- A new writer, in replica $5, continues at $3 and sends bytes up to $4; from now on an older one cannot commit.
-- $6 the length that it tells (null: none), $7 now.
update upload
set epoch = epoch + 1, writing = $5, length = coalesce(length, $6::bigint)
where id = $1 and deleted_at is null
    and case when $2::bytea is null then account_id is null
        else account_id = (select s.account_id from session s where s.token_hash = $2 and s.expires_at > now()) end
    and committed = $3 and finished_at is null and expires_at > $7
    and coalesce(length, $6, $4) >= $4 and coalesce(length, $6) is not distinct from coalesce($6, length)
    and (writing is null or writing = $5)
returning id, account_id, slot, length, metadata, committed, epoch, parts, writing, expires_at, finished_at;

-- name: fence
-- Writer $2, who has not ended, cannot commit any more, and nobody is writing.
update upload set epoch = epoch + 1, writing = null
where id = $1 and epoch = $2 and writing is not null and finished_at is null
returning id;

-- name: release
-- Writer $2 writes no more.
update upload set writing = null where id = $1 and epoch = $2;

-- name: ask_to_let_go
-- Ask replica $1 to end its writing to upload $2, and whether it hears anybody: its ear has a connection of that name.
select pg_notify('uploads_' || $1::text, $2::text), exists (
    select from pg_stat_activity where datname = current_database() and application_name = 'uploads_' || $1::text
) as heard;

-- name: is_writing
-- Whether writer $2 may still be writing.
select 1 from upload where id = $1 and epoch = $2 and writing is not null;

-- name: is_newest
-- Whether nobody has taken over from writer $2.
select 1 from upload where id = $1 and epoch = $2 and deleted_at is null;

-- name: commit
-- Writer $2 moves the committed offset from $3 to $4 with the new parts $5, and may end ($6); else it goes on until $7.
-- At its length ($8) the upload is finished, with the SHA-256 of all its bytes ($9).
update upload
set committed = $4, parts = parts || $5::bigint[], writing = case when $6::boolean then null else writing end,
    expires_at = case when $4 = $8::bigint then null else $7::timestamptz end,
    finished_at = case when $4 = $8 then now() end, original_sha256 = $9
where id = $1 and epoch = $2 and committed = $3 and finished_at is null and deleted_at is null
returning id, account_id, slot, length, metadata, committed, epoch, parts, writing, expires_at, finished_at;

-- name: finish
-- As commit at the full length of photos, with their SHA-256 ($7) and an inspection of each enqueued in queue $8 of
-- limit $9, as `enqueue` of queue.sql does it: one statement is half the work of four. Without room in the queue for all
-- of them ($10) nothing changes.
with asked as (
    select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[], $7::bytea[])
        as asked (id, epoch, committed, reached, parts, ends, digest)
), room as (
    select shard
    from queue_counter
    where queue = $8
        and ($9::bigint < 0 or depth + $10 <= $9 / 32 + case when shard < $9 % 32 then 1 else 0 end)
    order by (shard + pg_backend_pid()) % 32
    limit 1
    for update skip locked
), done as (
    update upload as u
    set committed = a.reached, parts = u.parts || a.parts::bigint[],
        writing = case when a.ends then null else u.writing end,
        expires_at = null, finished_at = now(), original_sha256 = a.digest
    from asked a
    where u.id = a.id and u.epoch = a.epoch and u.committed = a.committed
        and u.finished_at is null and u.deleted_at is null
        and exists (select from room)
    returning u.id, u.finished_at,
        array(
            select o.slot from upload o
            where o.account_id = u.account_id and o.finished_at is not null and o.replaced_at is null
        ) as filled
), added as (
    insert into job (queue, dedupe, payload, shard)
    select $8, done.id, jsonb_build_object('upload_id', done.id), shard
    from room, done
    on conflict (queue, dedupe) where state < 2 do nothing
    returning shard
), counted as (
    update queue_counter set depth = depth + (select count(*) from added)
    where queue = $8 and shard = (select shard from added limit 1)
)
select exists (select from room) as has_room, done.*
from (values (1)) as one left join done on true;

-- name: hold_slots
-- One replacement at a time of an account: of two that clear a slot together, the later would not see what the earlier
-- has put there.
select 1 from account where id = $1 for no key update;

-- name: clear_slot
-- Upload $3 is about to fill slot $2: an older photo gives way.
update upload
set replaced_at = now()
where account_id = $1 and slot = $2 and id <> $3 and finished_at is not null and replaced_at is null;

-- name: delete
-- An upload that nobody will continue; its row stays until its bytes are gone for certain. A finished photo stays.
update upload
set deleted_at = $3, expires_at = $3, epoch = epoch + 1, writing = null
where id = $1 and deleted_at is null and (slot is null or finished_at is null)
    and case when $2::bytea is null then account_id is null
        else account_id = (select s.account_id from session s where s.token_hash = $2 and s.expires_at > now()) end
returning id, account_id, slot, length, metadata, committed, epoch, parts, writing, expires_at, finished_at;

-- name: finished
-- One finished upload as its inspection meets it; outlived: replaced photos of its slot whose clean copies are kept.
select id, parts, epoch, length, original_sha256, replaced_at is not null, verdict,
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
