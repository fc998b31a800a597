-- Who is told of a draw. A message is written down once for an outcome of a join; what is left to do is told by a rank.

-- name: wave
-- What everybody may know of a wave, and when its messages leave.
select id, opens_at, closes_at, seats, announce_at, sms_from, sms_until, published_at from wave where id = $1;

-- name: published
-- The waves whose draw is published, announced or not: a few dozen in all.
select id, opens_at, closes_at, seats, announce_at, sms_from, sms_until, published_at from wave
where published_at is not null;

-- name: place
-- What the draw says about one join.
select outcome, rank from draw_place where join_id = $2 and wave_id = $1;

-- name: start
-- Begin, or begin again from the first place.
insert into announcement (wave_id, outcomes, started_at) values ($1, $2, $3)
on conflict (wave_id) do update
set outcomes = excluded.outcomes, told_to = 0, paused = false, started_at = excluded.started_at, finished_at = null;

-- name: pause
-- Stop writing messages, or go on; what waits in the queue leaves.
update announcement set paused = $2 where wave_id = $1 returning wave_id;

-- name: find
-- One announcement and its wave.
select a.outcomes, a.told_to, a.paused, a.started_at, a.finished_at,
       w.id, w.opens_at, w.closes_at, w.seats, w.announce_at, w.sms_from, w.sms_until, w.published_at
from announcement as a join wave as w on w.id = a.wave_id
where a.wave_id = $1;

-- name: open
-- An announcement that may go on at $1, held by whoever comes first.
select a.outcomes, a.told_to, a.paused, a.started_at, a.finished_at,
       w.id, w.opens_at, w.closes_at, w.seats, w.announce_at, w.sms_from, w.sms_until, w.published_at
from announcement as a join wave as w on w.id = a.wave_id
where a.finished_at is null and not a.paused
    and w.published_at is not null and w.sms_from <= $1::timestamptz and (w.sms_until is null or w.sms_until > $1)
order by a.wave_id
limit 1
for update of a skip locked;

-- name: write_next
-- The next $4 places of wave $1 with one of the outcomes $2 after rank $3, and their messages.
with places as (
    select join_id, outcome, rank from draw_place
    where wave_id = $1 and rank > $3 and outcome = any ($2::smallint[])
    order by rank
    limit $4
), written as (
    insert into announcement_message (join_id, outcome, wave_id)
    select join_id, outcome, $1 from places
    on conflict (join_id, outcome) do nothing
    returning join_id
)
select join_id, outcome, rank, join_id in (select join_id from written) as fresh from places order by rank;

-- name: advance
-- So far it has come.
update announcement set told_to = $2, finished_at = $3 where wave_id = $1;

-- name: message
-- A message that was written down, and what is so now.
select m.sent_at, p.outcome, j.account_id, a.phone,
       w.id, w.opens_at, w.closes_at, w.seats, w.announce_at, w.sms_from, w.sms_until, w.published_at
from announcement_message as m
join wave as w on w.id = m.wave_id
join wave_join as j on j.id = m.join_id
join account as a on a.id = j.account_id
left join draw_place as p on p.join_id = m.join_id
where m.join_id = $1 and m.outcome = $2;

-- name: sent
-- The gateway had accepted it.
update announcement_message set sent_at = $3 where join_id = $1 and outcome = $2 and sent_at is null;

-- name: counts
-- Places and messages of a wave, by outcome.
select p.outcome, p.places, coalesce(m.written, 0)::int as written, coalesce(m.sent, 0)::int as sent
from (
    select outcome, count(*)::int as places from draw_place where wave_id = $1 group by outcome
) as p
left join (
    select outcome, count(*) as written, count(sent_at) as sent from announcement_message
    where wave_id = $1 group by outcome
) as m using (outcome)
order by p.outcome;
