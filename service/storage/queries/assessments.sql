-- Assessments: started once, each answer kept at once, the clock is the server's.

-- name: start
-- Start it, unless it was started.
insert into assessment (account_id, started_at, deadline, answers)
values ($1, $2, $3, array_fill((-1)::smallint, array[$4::int]))
on conflict (account_id) do nothing
returning account_id, started_at, deadline, answers, submitted_at, score;

-- name: find
-- The assessment of an account.
select account_id, started_at, deadline, answers, submitted_at, score from assessment where account_id = $1;

-- name: hold
-- The assessment of an account, held until the transaction ends: no answer slips in between score and submission.
select account_id, started_at, deadline, answers, submitted_at, score from assessment where account_id = $1 for update;

-- name: answer
-- Keep one answer of the session's owner while the assessment runs; no row otherwise.
update assessment set answers[$2] = $3
from session
where session.token_hash = $1 and session.expires_at > now() and assessment.account_id = session.account_id
    and submitted_at is null and deadline > $4
returning assessment.account_id;

-- name: submit
-- End it; the first submission counts, no row otherwise.
update assessment set submitted_at = $2, score = $3
where account_id = $1 and submitted_at is null
returning account_id;
