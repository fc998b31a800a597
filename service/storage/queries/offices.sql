-- Labor offices and the tickets that they hold.

-- name: add
-- A new office; no row when there is one of this name.
insert into labor_office (id, name, handle, secret_index)
values ($1, $2, $3, $4)
on conflict (name) do nothing
returning id;

-- name: renew
-- Another code instead of the old one.
update labor_office
set handle = $2, secret_index = $3, generation = generation + 1, failures = 0, failing_since = null, ended_at = null
where name = $1
returning id;

-- name: end
-- The code opens nothing any more.
update labor_office set ended_at = now(), generation = generation + 1
where name = $1 and ended_at is null
returning id;

-- name: lines
-- Every office, how many of its tickets have no account yet, and how many accounts were made at its desk.
select o.name, o.created_at, o.ended_at,
       (select count(*) from office_ticket as t left join account as a on a.ticket_number = t.number
        where t.office_id = o.id and a.id is null)::int as held,
       ((select count(*) from office_ticket as t join account as a on a.ticket_number = t.number
         where t.office_id = o.id)
        + (select count(*) from office_help as h where h.office_id = o.id))::int as helped
from labor_office as o
order by name;

-- name: find
-- An office that was not ended.
select id, name, secret_index, generation, failures, failing_since
from labor_office where id = $1 and ended_at is null;

-- name: hold
-- The office of a handle, locked: one try of its code after the other.
select id, name, secret_index, generation, failures, failing_since
from labor_office where handle = $1 and ended_at is null for update;

-- name: count_failure
-- One wrong code more, or the first one ($3 seconds after the first of the earlier ones).
update labor_office
set failures = case when failing_since > $2::timestamptz - $3::float8 * interval '1 second' then failures + 1 else 1 end,
    failing_since = case when failing_since > $2::timestamptz - $3::float8 * interval '1 second' then failing_since else $2 end
where id = $1;

-- name: forgive
-- The right code came.
update labor_office set failures = 0, failing_since = null where id = $1 and failures > 0;

-- name: keep
-- A ticket more, unless the office holds $5 already; the same one again is held already.
insert into office_ticket (office_id, number, key_id, sealed)
select $1, $2, $3, $4
where (select count(*) from office_ticket where office_id = $1) < $5
   or exists (select from office_ticket where office_id = $1 and number = $2)
on conflict (office_id, number) do update set key_id = excluded.key_id, sealed = excluded.sealed
returning number;

-- name: held
-- Tickets of the office with which nobody has made an account.
select number, key_id, sealed, begun_at from office_ticket as t
where office_id = $1 and not exists (select from account as a where a.ticket_number = t.number)
order by number;

-- name: outworn
-- As held, those under keys before $2.
select number, key_id, sealed, begun_at from office_ticket as t
where office_id = $1 and key_id < $2 and not exists (select from account as a where a.ticket_number = t.number)
order by number;

-- name: find_held
-- One ticket of the office.
select number, key_id, sealed, begun_at from office_ticket where office_id = $1 and number = $2;

-- name: begin
-- Its applicant sits at the desk.
update office_ticket set begun_at = coalesce(begun_at, $3) where office_id = $1 and number = $2;

-- name: drop
-- Its applicant is gone. An account that was made with it meanwhile was made at the desk.
with gone as (
    delete from office_ticket where office_id = $1 and number = $2 returning office_id, number
)
insert into office_help (account_id, office_id)
select a.id, gone.office_id from gone join account as a on a.ticket_number = gone.number
on conflict (account_id) do nothing;

-- name: forget_served
-- Tickets with which an account was made; that it was made at the desk is kept.
with served as (
    delete from office_ticket as t using account as a
    where t.office_id = $1 and a.ticket_number = t.number
    returning t.office_id, a.id
)
insert into office_help (account_id, office_id) select id, office_id from served
on conflict (account_id) do nothing;
