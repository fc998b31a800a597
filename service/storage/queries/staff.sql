-- The staff, their sessions, what they propose, and the record of what they did.

-- name: add
-- Somebody new, or somebody who was ended, with everything anew; no row when there is one of this name.
insert into staff (id, name, role, password, secret_sealed) values ($1, $2, $3, $4, $5)
on conflict (name) do update
set role = excluded.role, password = excluded.password, secret_sealed = excluded.secret_sealed,
    last_step = -1, failures = 0, failing_since = null, ended_at = null
where staff.ended_at is not null
returning id;

-- name: renew
-- Another password and secret.
update staff set password = $2, secret_sealed = $3, last_step = -1, failures = 0, failing_since = null
where name = $1 and ended_at is null
returning id;

-- name: end
-- They sign in no more.
update staff set ended_at = $2 where name = $1 and ended_at is null returning id;

-- name: lines
-- Everybody, and how many of their sessions are open at $1.
select name, role, created_at, ended_at,
       (select count(*) from staff_session as s
        where s.staff_id = staff.id and s.ended_at is null and s.expires_at > $1)::int as signed_in
from staff
order by name;

-- name: find
-- Somebody who was not ended.
select id, name, role, password, secret_sealed, last_step, failures, failing_since
from staff where name = $1 and ended_at is null;

-- name: hold
-- As find, locked: one try of a code after the other.
select id, name, role, password, secret_sealed, last_step, failures, failing_since
from staff where name = $1 and ended_at is null for update;

-- name: hold_administrators
-- Those who may rule, locked in order: of two who end each other the second one sees what the first one did.
select name from staff where role = 'administrator' and ended_at is null order by id for update;

-- name: accept
-- The right code came.
update staff set last_step = $2, failures = 0, failing_since = null where id = $1;

-- name: count_failure
-- One wrong code more, or the first one ($3 seconds after the first of the earlier ones).
update staff
set failures = case when failing_since > $2::timestamptz - $3::float8 * interval '1 second' then failures + 1 else 1 end,
    failing_since = case when failing_since > $2::timestamptz - $3::float8 * interval '1 second' then failing_since else $2 end
where id = $1;

-- name: open_session
-- A new session.
insert into staff_session (id, token_hash, staff_id, created_at, expires_at) values ($1, $2, $3, $4, $5);

-- name: session
-- The session of a token, if it is open at $2.
select s.id, s.staff_id, staff.name, staff.role, s.created_at, s.expires_at
from staff_session as s join staff on staff.id = s.staff_id
where s.token_hash = $1 and s.ended_at is null and s.expires_at > $2 and staff.ended_at is null;

-- name: sessions
-- Those that are open at $1.
select s.id, s.staff_id, staff.name, staff.role, s.created_at, s.expires_at
from staff_session as s join staff on staff.id = s.staff_id
where s.ended_at is null and s.expires_at > $1 and staff.ended_at is null
order by s.created_at desc, s.id;

-- name: end_session
-- One session is over; no row when it was.
update staff_session as s set ended_at = $2
from staff
where s.id = $1 and s.ended_at is null and s.expires_at > $2 and staff.id = s.staff_id
returning staff.name;

-- name: end_sessions
-- All sessions of one person are over.
update staff_session set ended_at = $2 where staff_id = $1 and ended_at is null;

-- name: hold_request
-- One transaction at a time does what is asked under this name.
select pg_advisory_xact_lock(hashtextextended('staff request ' || $1::text, 0));

-- name: find_request
-- What was done or proposed under this name by whoever came by way $2: of sessions the person $3, of programs any.
select id, at, who, role, via, verb, outcome, request, detail
from staff_audit
where request = $1 and via = $2 and (case via when 'session' then who else '' end) = $3
    and outcome in ('done', 'unchanged', 'proposed');

-- name: note
-- Put it on the record.
insert into staff_audit (who, role, via, verb, outcome, request, detail) values ($1, $2, $3, $4, $5, $6, $7::jsonb);

-- name: audit
-- The newest $2 lines before line $1.
select id, at, who, role, via, verb, outcome, request, detail
from staff_audit where id < $1 order by id desc limit $2;

-- name: propose
-- Something that needs a second person.
insert into staff_proposal (id, verb, arguments, staff_id, proposed_at, until) values ($1, $2, $3::jsonb, $4, $5, $6);

-- name: hold_proposal
-- One of them, locked, and whether whoever proposed it is still of the staff.
select p.id, p.verb, p.arguments, p.staff_id, a.name as proposed_by, p.proposed_at, p.until,
       (select name from staff where staff.id = p.confirmed_by) as confirmed_by, p.confirmed_at, p.used_at,
       a.ended_at is null as stays
from staff_proposal as p join staff as a on a.id = p.staff_id
where p.id = $1
for update of p;

-- name: confirm
-- A second person wants it too.
update staff_proposal set confirmed_by = $2, confirmed_at = $3 where id = $1;

-- name: proposals
-- Those that wait for a second person at $1.
select p.id, p.verb, p.arguments, p.staff_id, a.name as proposed_by, p.proposed_at, p.until,
       null::text as confirmed_by, p.confirmed_at, p.used_at, true as stays
from staff_proposal as p join staff as a on a.id = p.staff_id
where p.confirmed_at is null and p.until > $1 and a.ended_at is null
order by p.proposed_at, p.id;

-- name: use
-- A program does what was confirmed, $1 with arguments $2, at $3; the first time is remembered.
update staff_proposal as p set used_at = coalesce(p.used_at, $3)
from staff as a
where p.id = (
        select id from staff_proposal
        where verb = $1 and arguments = $2::jsonb and confirmed_at is not null
        order by confirmed_at desc
        limit 1
        for update
    )
    and a.id = p.staff_id
returning p.id, p.verb, p.arguments, p.staff_id, a.name as proposed_by, p.proposed_at, p.until,
          (select name from staff where staff.id = p.confirmed_by) as confirmed_by, p.confirmed_at, p.used_at,
          true as stays;

-- name: hold_quota
-- The rate that an operator set, locked; no row when there is no such queue.
select rate_per_s from queue where name = $1 for update;
