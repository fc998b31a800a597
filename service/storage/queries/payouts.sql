-- Payouts, their attempts, and the accounts that they go to.

-- name: accounts
-- The accounts of a person; of two that are good the one that was put last is paid to.
select method, number_sealed, version, status, reason, put_at from payout_account
where account_id = $1 order by put_at desc, method;

-- name: put_account
-- An account, or another number or date for it.
insert into payout_account (account_id, method, number_sealed, version, status, reason, put_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (account_id, method) do update
set number_sealed = excluded.number_sealed, version = excluded.version, status = excluded.status,
    reason = excluded.reason, put_at = excluded.put_at;

-- name: judge_account
-- What the partner says about version $3 of a number; no row when there is another one.
update payout_account set status = $4, reason = $5 where account_id = $1 and method = $2 and version = $3
returning version;

-- name: add
-- One payout; the same one again is left as it is.
insert into payout (id, account_id, reference, amount, state, since) values ($1, $2, $3, $4, $5, $6)
on conflict (account_id, reference) do nothing;

-- name: of_person
-- The payouts of a person.
select id, account_id, reference, amount, state, since, paid_at, queued from payout
where account_id = $1 order by since, reference;

-- name: wake
-- Payouts that wait for an account may go on.
with woken as (
    update payout set state = 0 where account_id = $1 and state = 2 returning id
)
select count(*)::int from woken;

-- name: ready
-- The oldest payouts that are to be queued.
select id, account_id, reference, amount, state, since, paid_at, queued from payout
where state = 0
order by since, id
limit $1
for update skip locked;

-- name: queued
-- A payout is in the queue.
update payout set state = 1, queued = queued + 1 where id = $1;

-- name: find
-- One payout.
select id, account_id, reference, amount, state, since, paid_at, queued from payout where id = $1;

-- name: set_state
-- How a payout goes on.
update payout set state = $2, paid_at = $3 where id = $1;

-- name: open_attempt
-- The attempt of which nobody knows yet what became.
select payout_id, number, method, account_version, number_sealed from payout_attempt
where payout_id = $1 and outcome is null;

-- name: begin_attempt
-- One attempt more.
insert into payout_attempt (payout_id, number, method, account_version, number_sealed, begun_at)
select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5 from payout_attempt where payout_id = $1
returning number;

-- name: end_attempt
-- What became of an attempt; no row when that is known.
update payout_attempt set outcome = $3, ended_at = $4 where payout_id = $1 and number = $2 and outcome is null
returning number;
