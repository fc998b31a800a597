-- The waiting room: one row for the frontier and what operators want, one row for each ticket.

-- name: read
-- The room as every replica reads it. The last ticket comes from the sequence: O(1), however long the line is.
select epoch, frontier, rate_per_s, state, reason, moved_at,
       extract(epoch from clock_timestamp() - moved_at)::float8 as still_s,
       (select case when is_called then last_value else 0 end from ticket_number) as last_ticket,
       base, cohort, shuffle_high, shuffle_low,
       opens_at, coalesce(extract(epoch from opens_at - clock_timestamp()), 0)::float8 as opens_in_s, opened_at,
       commitment, committed_at, cohort_digest, key_id, oldest_key_id,
       wanted, queue_all, fixed_rate_per_s, hard_rate_per_s, message, version,
       at_ms as gate_ms, admitted, pending
from waiting_room, gate;

-- name: lock
-- Nobody else changes the room until the transaction ends.
select from waiting_room for update;

-- name: issue_ticket
-- The next number. Numbers never go back; a rolled-back transaction leaves a hole, which passes by like any ticket.
insert into ticket default values returning number, issued_at;

-- name: move
-- The gatekeeper's decision.
update waiting_room
set frontier = $1, rate_per_s = $2, state = $3, reason = $4, moved_at = clock_timestamp();
