-- Complaints, sealed, and how many each caller may file.

-- name: take_budget
-- One complaint more of caller $2 in the hour that began at $1; no row when those were $3 already.
insert into complaint_budget (hour, caller, taken) values ($1, $2, 1)
on conflict (hour, caller) do update set taken = complaint_budget.taken + 1 where complaint_budget.taken < $3
returning taken;

-- name: forget_budgets
-- Those of hours before $1.
delete from complaint_budget where hour < $1;

-- name: add
-- A new complaint; its number.
insert into complaint (secret_hash, category, regency, text_sealed, filed_at) values ($1, $2, $3, $4, $5)
returning number;

-- name: follow
-- The complaint of a number and a secret.
select number, secret_hash, category, regency, state, text_sealed, filed_at, forwarded_at, letter, answer_sealed,
    answered_at
from complaint where number = $1 and secret_hash = $2;

-- name: hold
-- One complaint, locked: one operator after the other.
select number, secret_hash, category, regency, state, text_sealed, filed_at, forwarded_at, letter, answer_sealed,
    answered_at
from complaint where number = $1 for update;

-- name: unanswered
-- Those without an answer at $1, by how much of the $2 seconds is over, and the age of the oldest.
select count(*) filter (where age * 2 < $2::float8)::int as fresh,
       count(*) filter (where age * 2 >= $2::float8 and age <= $2::float8)::int as due,
       count(*) filter (where age > $2::float8)::int as late,
       coalesce(max(age), 0)::float8 as oldest_s
from (select extract(epoch from $1::timestamptz - filed_at)::float8 as age from complaint where state < 3) as waiting;

-- name: lines
-- The next $4 complaints after number $3, in state $1, of regency $2 (null: any).
select number, secret_hash, category, regency, state, text_sealed, filed_at, forwarded_at, letter, answer_sealed,
    answered_at
from complaint
where number > $3 and ($1::smallint is null or state = $1) and ($2::int is null or regency = $2)
order by number limit $4;

-- name: forward
-- Complaint $1 goes to the office of regency $2 under the next number of its letters.
with letters as (
    insert into complaint_letters (regency, last) values ($2, 1)
    on conflict (regency) do update set last = complaint_letters.last + 1
    returning last
)
update complaint set state = 2, forwarded_at = $3, letter = letters.last
from letters where number = $1
returning letter;

-- name: answer
-- Complaint $1 has its answer.
update complaint set state = 3, answer_sealed = $2, answered_at = $3 where number = $1;
