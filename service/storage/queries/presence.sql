-- Who is still there: bitmaps of places that replicas saw, and the one that unites them.
-- Times are of the gate's clock: while nobody leads the gate, nobody is gone.

-- name: note
-- What a replica ($1) saw in its slot ($2), in place of what it wrote of it before.
insert into presence (replica, slot, seen_ms, drawn, base, bits)
select $1, $2, at_ms, $3, $4, $5 from gate
on conflict (replica, slot) do update
set seen_ms = excluded.seen_ms, drawn = excluded.drawn, base = excluded.base, bits = excluded.bits;

-- name: due
-- Whether nobody united them in the last $1 milliseconds; where the line begins, and whether the lots are drawn.
select coalesce(at_ms - live_ms >= $1, true) as due, floor(frontier)::bigint as frontier,
       (opens_at is null or opened_at is not null) as drawn
from waiting_room, gate;

-- name: seen
-- The bitmaps of the last $1 milliseconds.
select base, bits from presence where drawn = $2 and seen_ms >= (select at_ms from gate) - $1;

-- name: forget
-- Those that are older.
delete from presence where seen_ms < (select at_ms from gate) - $1;

-- name: publish
-- Who is there, united, for every replica to read.
update waiting_room set live = $1, live_from = $2, live_drawn = $3, live_count = $4, live_ms = (select at_ms from gate);

-- name: live
-- Who is there, as it was united last.
select live_from as base, live as bits, live_drawn as drawn from waiting_room where live is not null;
