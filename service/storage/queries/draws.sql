-- Draws: the list of a wave, places and grants.

-- name: freeze
-- From now on nobody joins; whoever is about to is waited for. No row when it is frozen or not closed.
update wave set frozen_at = $2 where id = $1 and frozen_at is null and closes_at <= $2 returning id;

-- name: commit_to
-- The one commitment of a wave; no row when there is another.
update wave set commitment = $2
where id = $1 and frozen_at is not null and coalesce(commitment, $2) = $2
returning id;

-- name: hold
-- Whether nobody else has hold of the draw of wave $1; this transaction has it from now on, and may wait for files.
select pg_try_advisory_xact_lock(hashtextextended('draw of wave ' || $1::int::text, 0)),
       set_config('idle_in_transaction_session_timeout', '0', true);

-- name: hold_drawn
-- The seed that wave $1 is published by (null: it was not begun), and each withdrawn.txt it had since; locked.
select seed, withdrawn from wave where id = $1 for no key update;

-- name: keep_drawn
-- Wave $1 is published by seed $2, and withdrawn.txt may have the digest $3 now.
update wave
set seed = $2, withdrawn = case when $3 = any(withdrawn) then withdrawn else array_append(withdrawn, $3::bytea) end
where id = $1;

-- name: joins
-- Everybody who joined, with what the rules are asked about.
select id, account_id, joined_at, device, identity_status, confirmed, birth_date_sealed, province, employment,
       assessed_at, assessed, granted, priority
from join_facts where wave_id = $1;

-- name: leave_out
-- Why somebody is not in the list. A list that was begun anew says it anew.
insert into draw_left_out (join_id, rules) values ($1, $2)
on conflict (join_id) do update set rules = excluded.rules where draw_left_out.rules <> excluded.rules;

-- name: left_out
-- The same, asked by whoever has no place: a row of a list that was begun before and has them is not looked at.
select rules from draw_left_out where join_id = $1;

-- name: place
-- Places of the draw of wave $1, in this order of locking.
insert into draw_place (join_id, wave_id, outcome, rank)
select join_id, $1, outcome, rank
from unnest($2::uuid[], $3::smallint[], $4::int[]) as place (join_id, outcome, rank)
order by rank
on conflict (join_id) do update set outcome = excluded.outcome where draw_place.outcome <> excluded.outcome;

-- name: grant
-- A grant for each join whose person has none and is confirmed; of two for one number the first one wins.
insert into wave_grant (nik_index, account_id, wave_id, join_id)
select i.nik_index, j.account_id, j.wave_id, j.id
from wave_join as j join identity as i on i.account_id = j.account_id and i.status = 1
where j.id = any($1::uuid[])
order by i.nik_index
on conflict do nothing;

-- name: ungranted
-- Those of the joins that have no grant that holds.
select join_id
from unnest($1::uuid[]) as asked (join_id)
where not exists (
    select from wave_grant where wave_grant.join_id = asked.join_id and withdrawn_at is null
);

-- name: strike
-- Their places are withdrawn.
update draw_place set outcome = 3 where join_id = any($1::uuid[]) and outcome <> 3 returning join_id;

-- name: withdraw
-- Their grants are; the rows stay, and with them the numbers have had their one grant.
update wave_grant set withdrawn_at = $2 where join_id = any($1::uuid[]) and withdrawn_at is null returning join_id;

-- name: raise_waiting
-- Who waited and is chosen now.
update draw_place set outcome = 1 where join_id = any($1::uuid[]) and outcome = 2 returning join_id;

-- name: publish
-- Every place stands here.
update wave set published_at = $2 where id = $1 and published_at is null;
