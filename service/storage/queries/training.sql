-- Participants, the courses they chose, and what they answered to the surveys.

-- name: grant
-- The grant of an account, if it has one and at $2 its wave is announced: before that nobody may know.
select g.account_id, g.wave_id, g.granted_at, g.withdrawn_at
from wave_grant as g join wave as w on w.id = g.wave_id
where g.account_id = $1 and w.published_at is not null and coalesce(w.announce_at <= $2, true);

-- name: begin
-- A new participant; no row when there is one.
insert into participant (account_id, begun_at) values ($1, $2) on conflict (account_id) do nothing returning account_id;

-- name: hold
-- A participant, locked.
select account_id, begun_at, completed_at, instalments, due_at from participant where account_id = $1 for update;

-- name: find
-- A participant.
select account_id, begun_at, completed_at, instalments, due_at from participant where account_id = $1;

-- name: choices
-- The courses of a participant, in the order in which they were chosen.
select course, price, chosen_at, certificate, completed_at from course_choice
where account_id = $1 order by chosen_at, course;

-- name: choose
-- One course more; no row when it was chosen before.
insert into course_choice (account_id, course, price, chosen_at) values ($1, $2, $3, $4)
on conflict (account_id, course) do nothing
returning course;

-- name: complete
-- A course was completed.
update course_choice set certificate = $3, completed_at = $4 where account_id = $1 and course = $2;

-- name: schedule
-- So many instalments fell due; when the next one does.
update participant set completed_at = $2, instalments = $3, due_at = $4 where account_id = $1;

-- name: due
-- The $2 participants that have waited longest for an instalment that is due at $1.
select p.account_id, p.begun_at, p.completed_at, p.instalments, p.due_at
from participant as p join wave_grant as g on g.account_id = p.account_id
where p.due_at <= $1 and g.withdrawn_at is null
order by p.due_at
limit $2
for update of p skip locked;

-- name: answers
-- What a participant answered to the surveys.
select number, answers, answered_at from survey_answer where account_id = $1 order by number;

-- name: answer
-- An answer to one survey; no row when there is one.
insert into survey_answer (account_id, number, answers, answered_at) values ($1, $2, $3, $4)
on conflict (account_id, number) do nothing
returning number;
