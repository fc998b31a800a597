-- Bytes that nobody needs any more: of uploads that expired or were given up, and what writers stored who were late.

-- name: overdue
-- Seconds that the oldest one is due at $1; null: none is.
select extract(epoch from $1 - min(expires_at))::float8
from upload
where expires_at <= $1 and erased_at is null;

-- name: take_up
-- At most $3 uploads that are due at $1, for one sweeper; what another one has taken up since $2 is left to it. From now
-- on none of their writers can commit.
update upload
set swept_at = $1, epoch = epoch + 1, writing = null
where id = any (array(
    select id from upload
    where expires_at <= $1 and erased_at is null and (swept_at is null or swept_at < $2)
    order by expires_at
    limit $3
    for update skip locked
))
returning id, epoch, deleted_at is not null as given_up;

-- name: erased
-- The bytes of these were removed at $2; a writer that could not commit any more may still store some.
update upload set erased_at = $2 where id = any ($1::text[]);

-- name: take_up_again
-- At most $4 of those whose bytes were removed before $3, for one sweeper (as in take_up).
update upload
set swept_at = $1
where id = any (array(
    select id from upload
    where erased_at < $3 and (swept_at is null or swept_at < $2)
    order by erased_at
    limit $4
    for update skip locked
))
returning id, epoch, deleted_at is not null as given_up;

-- name: forget
-- Nothing of these is left, and nobody stores any more.
delete from upload where id = any ($1::text[]) and expires_at is not null;

-- name: settle
-- Of finished photos the row stays.
update upload set erased_at = null, swept_at = null where id = any ($1::text[]) and expires_at is null;
