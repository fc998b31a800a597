-- The books: entries that are added and never changed.

-- name: add
-- One entry; no row when it was booked before.
insert into ledger_entry (account_id, kind, reference, debit, credit, amount, at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (account_id, kind, reference) do nothing
returning id;

-- name: entries
-- Everything that was booked for one person.
select kind, reference, debit, credit, amount from ledger_entry where account_id = $1 order by id;

-- name: page
-- The books of the $2 participants after account $1 (null: the first), and their payouts, all of one moment.
select p.account_id,
       p.completed_at is not null and p.instalments = 4
           and (select count(*) from survey_answer as s where s.account_id = p.account_id) = 3 as completed,
       (
           select coalesce(jsonb_agg(jsonb_build_array(kind, reference, debit, credit, amount) order by id), '[]')
           from ledger_entry as e where e.account_id = p.account_id
       ) as entries,
       (
           select coalesce(jsonb_agg(jsonb_build_array(o.reference, o.amount, a.method) order by o.reference), '[]')
           from payout as o
           left join payout_attempt as a on a.payout_id = o.id and a.outcome = 'paid'
           where o.account_id = p.account_id
       ) as payouts
from participant as p
where p.account_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000')
order by p.account_id
limit $2;

-- name: payments
-- The attempts with these payouts and numbers.
select a.payout_id, a.number, a.method, o.amount, a.outcome
from payout_attempt as a
join unnest($1::uuid[], $2::smallint[]) as asked (payout_id, number) using (payout_id, number)
join payout as o on o.id = a.payout_id;

-- name: paid
-- The $2 attempts after payout $1 (null: the first) that were booked as paid before $3 (null: at any time).
select a.payout_id, a.number, a.method, o.amount, a.outcome
from payout_attempt as a
join payout as o on o.id = a.payout_id
where a.payout_id > coalesce($1::uuid, '00000000-0000-0000-0000-000000000000') and a.outcome = 'paid'
  and ($3::timestamptz is null or a.ended_at < $3)
order by a.payout_id
limit $2;
