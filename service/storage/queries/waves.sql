-- Waves and who joined them.

-- name: find
-- One wave.
select id, opens_at, closes_at, age_on from wave where id = $1;

-- name: following
-- The wave that is open at $1, or else the next to open.
select id, opens_at, closes_at, age_on from wave where closes_at > $1::timestamptz order by opens_at, id limit 1;

-- name: put
-- The hours of a wave by the settings, unless an operator has set it or its list is made.
insert into wave (id, opens_at, closes_at) values ($1, $2, $3)
on conflict (id) do update set opens_at = excluded.opens_at, closes_at = excluded.closes_at
where not wave.by_hand and wave.frozen_at is null;

-- name: join
-- Join, or find the join there is; no row when the list of the draw is made. Whoever makes it waits for this.
with taking as (
    select id from wave where id = $2 and frozen_at is null for share
)
insert into wave_join (id, wave_id, account_id, joined_at, device) select $1, id, $3, $4, $5 from taking
on conflict (account_id, wave_id) do update set joined_at = wave_join.joined_at
returning id, joined_at;

-- name: joined
-- The join of an account.
select id, joined_at from wave_join where account_id = $1 and wave_id = $2;

-- name: joined_age_on
-- The latest day on which age counts, of the waves that an account joined and whose lists are not made.
select max(wave.age_on) from wave_join join wave on wave.id = wave_join.wave_id
where wave_join.account_id = $1 and wave.frozen_at is null;
