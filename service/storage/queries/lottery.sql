-- The draw of places among those who came before the opening.

-- name: commit
-- What is said of the seed beforehand, once for each start of the room ($1 epoch, $2 commitment).
update waiting_room set commitment = $2, committed_at = clock_timestamp()
where epoch = $1 and commitment is null and opened_at is null;

-- name: freeze
-- No ticket is being drawn until the transaction ends: whoever begins now waits, and takes a later number. No lock on the
-- table: a vacuum would keep it waiting, and everybody behind it.
select pg_advisory_xact_lock(hashtextextended('ticket numbers', 0));

-- name: last
-- The last number that was taken.
select case when is_called then last_value else 0 end from ticket_number;

-- name: members
-- The next $3 tickets after number $1, up to $2. A ticket of the first version is bound to nothing.
select number, coalesce(binding, '\x00000000000000000000000000000000'::bytea) as binding
from ticket where number > $1 and number <= $2
order by number limit $3;

-- name: open
-- Open the room $1 (epoch): $2 numbers came early, $3 is their digest, $4 and $5 the key of the draw. One row whatever
-- the crowd; no row when another process was quicker, or the hour was moved.
update waiting_room
set cohort = $2, cohort_digest = $3, shuffle_high = $4, shuffle_low = $5, opened_at = clock_timestamp()
where epoch = $1 and opened_at is null and opens_at <= clock_timestamp()
returning opened_at;
