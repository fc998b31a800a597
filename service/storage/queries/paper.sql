-- Applications on paper. Who has an account is looked up by the keyed index of the identity number (paper_standing).
-- Lateral joins with a limit: rows are looked up one by one. While a table is taken nothing counts its rows, and a hash
-- join would read all people of an office for each part of it.

-- name: hold_office
-- The office of this name; whoever asks next for it waits until the transaction ends.
select id, name, pg_advisory_xact_lock(hashtextextended('paper ' || id, 0)) from labor_office where name = $1;

-- name: find_office
-- The office of this name.
select id, name from labor_office where name = $1;

-- name: offices
-- Those that sent a table, or at whose desk an account was made.
select id, name from labor_office as o
where exists (select from paper_file where office_id = o.id)
   or exists (select from office_help where office_id = o.id)
   or exists (select from office_ticket as t join account as a on a.ticket_number = t.number where t.office_id = o.id)
order by name;

-- name: begin_file
-- A table that is being taken; no row when the same bytes were taken before.
insert into paper_file (office_id, digest, name) values ($1, $2, $3)
on conflict (office_id, digest) do nothing
returning id;

-- name: end_file
-- What became of its rows.
update paper_file set outcomes = $2 where id = $1;

-- name: known
-- Each of these numbers in this office, and whether an account holds it.
select n.nik_index, p.content_index, p.phone_index, coalesce(p.step, 0) as step,
       p.account_id is not null or i.account_id is not null as has_account
from unnest($2::bytea[]) with ordinality as n (nik_index, place)
left join lateral (
    select content_index, phone_index, step, account_id from paper_person
    where office_id = $1 and nik_index = n.nik_index limit 1
) as p on true
left join lateral (select account_id from identity where nik_index = n.nik_index and status <> 2 limit 1) as i on true
order by n.place;

-- name: of_phones
-- People of this office with these phones who have no account, but those of the numbers $3. The office is compared as
-- text so that no index finds by it: one of an office that statistics do not know would be read whole for each phone.
select p.nik_index, p.phone_index, p.sealed, p.step
from unnest($2::bytea[]) as n (phone_index)
cross join lateral (
    select nik_index, phone_index, sealed, step from paper_person
    where office_id::text = $1::uuid::text and phone_index = n.phone_index and account_id is null
    limit 100
) as p
left join lateral (select account_id from identity where nik_index = p.nik_index and status <> 2 limit 1) as i on true
where i.account_id is null and p.nik_index <> all ($3::bytea[]);

-- name: put
-- New people, and what differs about known ones; another phone never got the invitation.
insert into paper_person as p (office_id, file_id, row_number, nik_index, phone_index, content_index, sealed)
select $1::uuid, $2::bigint, * from unnest($3::int[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[])
on conflict (office_id, nik_index) do update
set file_id = excluded.file_id, row_number = excluded.row_number, phone_index = excluded.phone_index,
    content_index = excluded.content_index, sealed = excluded.sealed,
    step = case when p.phone_index = excluded.phone_index then p.step else least(p.step, 3) end,
    asked_at = case when p.phone_index = excluded.phone_index then p.asked_at end,
    claim_index = case when p.phone_index = excluded.phone_index then p.claim_index end;

-- name: renumber
-- The person of number $3 has number $5.
update paper_person
set file_id = $2, row_number = $4, nik_index = $5, content_index = $6, sealed = $7
where office_id = $1 and nik_index = $3;

-- name: move
-- Up to $4 people of an office from step $2 to step $3; how many.
with moved as (
    update paper_person
    set step = $3::smallint,
        forwarded_at = case when $3::smallint = 2 then now() else forwarded_at end,
        received_at = case when $3::smallint = 3 then now() else received_at end
    where id = any (array(
        select id from paper_person where office_id = $1 and step = $2::smallint order by id limit $4 for update
    ))
    returning 1
)
select count(*)::int from moved;

-- name: invitable
-- Whom to invite: $1 office, $2 now, $3 most, $4 failures that end a code, $5 their step, $6 the id before.
select id, generation from paper_person as p
where office_id = $1 and step = $5 and id > $6 and account_id is null
  and (asked_at is null or claim_until < $2 or failures >= $4)
  and not exists (select from identity as i where i.nik_index = p.nik_index and i.status <> 2)
  and not exists (
      select from paper_person as other
      where other.nik_index = p.nik_index and other.id <> p.id
        and (other.account_id is not null or (other.asked_at is not null and other.claim_until >= $2))
  )
order by id
limit $3
for update of p;

-- name: ask
-- The next generation is in the queue; the codes before it open nothing any more.
update paper_person
set generation = generation + 1, asked_at = $2, claim_until = $3, claim_index = null, failures = 0
where id = any ($1::bigint[]);

-- name: invitee
-- Who is to be invited, and whether there is still a reason to.
select p.office_id, p.nik_index, p.sealed, p.generation, p.asked_at is not null as is_asked, p.claim_until,
       p.account_id is not null
       or exists (select from identity as i where i.nik_index = p.nik_index and i.status <> 2) as has_account
from paper_person as p where p.id = $1;

-- name: hand_over
-- The code of generation $2 opens from now on.
update paper_person set claim_index = $3 where id = $1 and generation = $2 and asked_at is not null;

-- name: invited
-- The gateway took the code of generation $2; no row when another one was asked for, or none.
update paper_person set step = 4, invited_at = $3
where id = $1 and generation = $2 and asked_at is not null
returning id;

-- name: hold_claim
-- The person of a code, locked: one winner for one code.
select id, office_id, nik_index, sealed, claim_until, failures, account_id
from paper_person where claim_index = $1 for update;

-- name: count_failure
-- One wrong birth date.
update paper_person set failures = failures + 1 where id = $1;

-- name: claim
-- The account was made.
update paper_person set account_id = $2, claimed_at = $3 where id = $1;

-- name: counts
-- How many people of an office stand how.
select case when owner is null then step else 5 end::int as state, is_claimed, asked_at is not null as is_invited,
       count(*)::int as people
from paper_standing where office_id = $1
group by 1, 2, 3;

-- name: files
-- The tables of an office, the newest first.
select name, taken_at, outcomes from paper_file where office_id = $1 order by id desc;

-- name: helped
-- Accounts made at the desk: those noted when their ticket went, and those of tickets that still stand there.
select (
    (select count(*) from office_help where office_id = $1)
    + (select count(*) from office_ticket as t join account as a on a.ticket_number = t.number where t.office_id = $1)
)::int;

-- name: lines
-- People of an office from id $2 on, at most $3.
select s.id, f.name as file, s.row_number, s.nik_index, s.sealed,
       case when s.owner is null then s.step else 5 end::int as state
from paper_standing as s join paper_file as f on f.id = s.file_id
where s.office_id = $1 and s.id > $2
order by s.id
limit $3;
