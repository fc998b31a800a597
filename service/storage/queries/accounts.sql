-- Accounts: one for each ticket, phone number and e-mail address.

-- name: add
-- A new account; the unique constraints decide between two at once.
insert into account (id, ticket_number, name, phone, email) values ($1, $2, $3, $4, $5);

-- name: find
-- One account by its id.
select id, name, phone, email, phone_verified_at, email_verified_at from account where id = $1;

-- name: of_ticket
-- The account that was made with a ticket.
select id, name, phone, email, phone_verified_at, email_verified_at from account where ticket_number = $1;

-- name: correct
-- What was typed wrong, while no address is verified; no row when one is.
update account set name = $2, phone = $3, email = $4
where id = $1 and phone_verified_at is null and email_verified_at is null
returning id;

-- name: correct_phone
-- A phone typed wrong, while it is not verified.
update account set phone = $2 where id = $1 and phone_verified_at is null;

-- name: hold_phone
-- The account that has this phone number; whoever asks next for the number waits until the transaction ends.
select pg_advisory_xact_lock(hashtextextended($1, 0)),
       id, name, phone, email, phone_verified_at, email_verified_at
from (select) as always left join account on phone = $1;

-- name: hold_email
-- The account that has this e-mail address; whoever asks next for the address waits until the transaction ends.
select pg_advisory_xact_lock(hashtextextended($1, 0)),
       id, name, phone, email, phone_verified_at, email_verified_at
from (select) as always left join account on email = $1;

-- name: verify_phone
-- The first proof that the applicant reads this phone; no row when there was one.
update account set phone_verified_at = $2 where id = $1 and phone_verified_at is null returning id;

-- name: verify_email
-- The first proof that the applicant reads this mailbox; no row when there was one.
update account set email_verified_at = $2 where id = $1 and email_verified_at is null returning id;

-- name: standing
-- One applicant's way so far, all steps in one look, beside wave $2, or the one that is open or comes next at $3.
-- A place and a grant count once their wave is announced (service.domain.wave_plans): until then nobody may know.
select a.id, a.name, a.phone, a.email, a.phone_verified_at, a.email_verified_at,
       i.nik_sealed, i.birth_date_sealed, i.status as identity_status, i.version as identity_version,
       array(select step from profile where account_id = a.id order by step) as profile_steps,
       (select data ->> 'employment_status' from profile where account_id = a.id and step = 'work') as employment,
       array(
           select array[slot, coalesce(verdict, -1)] from upload
           where account_id = a.id and finished_at is not null and replaced_at is null
           order by slot
       ) as photos,
       s.started_at, s.deadline, s.answers, s.submitted_at, s.score,
       w.id as wave_id, w.opens_at, w.closes_at, w.age_on,
       j.id as join_id, j.joined_at,
       exists (
           select from wave_grant as g join wave as its on its.id = g.wave_id
           where g.account_id = a.id and its.published_at is not null and coalesce(its.announce_at <= $3, true)
       ) as granted,
       l.id as latest_id, l.wave_id as latest_wave_id, l.joined_at as latest_joined_at, l.outcome, l.rank,
       l.published_at, l.announce_at
from account a
left join identity i on i.account_id = a.id
left join assessment s on s.account_id = a.id
left join wave w on w.id = coalesce($2::int, (
    select id from wave
    order by closes_at <= $3::timestamptz, case when closes_at > $3::timestamptz then opens_at end, closes_at desc
    limit 1
))
left join wave_join j on j.account_id = a.id and j.wave_id = w.id
left join lateral (
    select latest.id, latest.wave_id, latest.joined_at, place.outcome, place.rank, its.published_at,
           its.announce_at
    from wave_join latest
    join wave its on its.id = latest.wave_id
    left join draw_place place on place.join_id = latest.id
    where latest.account_id = a.id
    order by
        coalesce(place.outcome = 1 and its.published_at is not null and coalesce(its.announce_at <= $3, true), false) desc,
        its.opens_at desc
    limit 1
) l on true
where a.id = $1;
