-- What operators do to the waiting room, and the record of it.

-- name: put
-- What operators want from now on.
update waiting_room
set wanted = $1, queue_all = $2, fixed_rate_per_s = $3, hard_rate_per_s = $4, message = $5, opens_at = $6,
    key_id = $7, oldest_key_id = $8, inside_limit = $9, version = version + 1;

-- name: start_anew
-- Another start of the room: numbers go on, and whoever draws one now comes before the opening.
update waiting_room
set epoch = epoch + 1,
    base = (select case when is_called then last_value else 0 end from ticket_number),
    frontier = (select case when is_called then last_value else 0 end from ticket_number),
    cohort = 0, shuffle_high = 0, shuffle_low = 0, opened_at = null, commitment = null, committed_at = null,
    cohort_digest = null, version = version + 1;

-- name: forget_waiting
-- Nobody of an earlier start waits at the gate.
delete from claim where admission is null;

-- name: revoke
-- End a ticket, $1. No row when it was ended before.
insert into revoked_ticket (number) values ($1) on conflict do nothing returning number;

-- name: leave
-- Whoever came in with ticket $1 is inside no more: the pass is over, and counts as over.
update claim set until_ms = 0, pass_until = least(pass_until, clock_timestamp()) where number = $1;

-- name: sign_out
-- The sessions of the account of ticket $1 are over.
delete from session where account_id in (select id from account where ticket_number = $1);

-- name: bind
-- By which stage the chosen rate is bound.
update waiting_room set binding = $1 where binding <> $1;

-- name: binding
-- By which stage the chosen rate is bound; empty: by none.
select binding from waiting_room;

-- name: add_event
-- One change: $1 who, $2 verb, $3 before and after, $4 the request (null: none).
insert into room_event (who, verb, detail, request) values ($1, $2, $3::jsonb, $4)
returning id, at, who, verb, detail, request;

-- name: find_event
-- The change that request $1 made.
select id, at, who, verb, detail, request from room_event where request = $1;

-- name: events
-- The newest $1 changes.
select id, at, who, verb, detail, request from room_event order by id desc limit $1;
