-- Requests for one-time codes. The codes themselves are derived, never stored.

-- name: add
-- A new request with its first send.
insert into code_request (id, account_id, address_index, channel, generation, sends, sent_at, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8);

-- name: find
-- The request, locked until the transaction ends: one winner for one code.
select id, account_id, channel, generation, sends, sent_at, handed_at, failures, used_at, created_at, address_index
from code_request where id = $1 for update;

-- name: recent
-- When codes were asked for an address since $2, newest first, at most $3: a bounded look, never a count of the table.
select created_at from code_request
where address_index = $1 and created_at > $2
order by created_at desc limit $3;

-- name: count_send
-- One more send of the same request.
update code_request set sends = sends + 1, sent_at = $2 where id = $1;

-- name: hand_over
-- The life of a generation starts at its first hand-over; a new generation starts with no failures.
update code_request
set handed_at = case when generation = $2 and handed_at is not null then handed_at else $3 end,
    failures = case when generation = $2 then failures else 0 end,
    generation = $2
where id = $1;

-- name: count_failure
-- One wrong code.
update code_request set failures = failures + 1 where id = $1;

-- name: use
-- A code is used once.
update code_request set used_at = $2 where id = $1 and used_at is null;

-- name: void
-- Codes asked for an address that the account gives up are of no use any more.
update code_request set used_at = $3
where account_id = $1 and address_index = any($2::bytea[]) and used_at is null;
