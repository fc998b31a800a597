-- The waiting room: one row for the frontier, one row for each ticket.

-- name: read
-- The room as the board shows it. The last ticket comes from the sequence: O(1), however long the line is.
select epoch, frontier, rate_per_s, state, reason, moved_at,
       extract(epoch from clock_timestamp() - moved_at)::float8 as still_s,
       (select case when is_called then last_value else 0 end from ticket_number) as last_ticket
from waiting_room;

-- name: hold
-- As read, the row locked until the transaction ends.
select epoch, frontier, rate_per_s, state, reason, moved_at,
       extract(epoch from clock_timestamp() - moved_at)::float8 as still_s,
       (select case when is_called then last_value else 0 end from ticket_number) as last_ticket
from waiting_room for update of waiting_room;

-- name: issue_ticket
-- The next number. Numbers never go back; a rolled-back transaction leaves a hole, which passes by like any ticket.
insert into ticket default values returning number, issued_at;

-- name: claim
-- Since when the ticket's pass runs: the first claim, or this one when the pass ($2 seconds) is over.
update ticket
set claimed_at = case
        when before > clock_timestamp() - $2::float8 * interval '1 second' then before
        else clock_timestamp()
    end
from (select claimed_at as before from ticket where number = $1 for update) as held
where number = $1
returning claimed_at as since, before is null as first;

-- name: lead
-- Take or keep the gatekeeper's lease; no row when another holder leads.
insert into role_lease (role, holder, until)
values ('gatekeeper', $1, clock_timestamp() + $2::float8 * interval '1 second')
on conflict (role) do update set holder = excluded.holder, until = excluded.until
    where role_lease.holder = excluded.holder or role_lease.until < clock_timestamp()
returning holder;

-- name: move
-- The gatekeeper's decision.
update waiting_room
set frontier = $1, rate_per_s = $2, state = $3, reason = $4, moved_at = clock_timestamp();
