-- Waves and who joined them.

-- name: find
-- One wave.
select id, opens_at, closes_at from wave where id = $1;

-- name: put
-- Open a wave, or change its hours.
insert into wave (id, opens_at, closes_at) values ($1, $2, $3)
on conflict (id) do update set opens_at = excluded.opens_at, closes_at = excluded.closes_at;

-- name: join
-- Join, or find the join there is.
insert into wave_join (id, wave_id, account_id, joined_at) values ($1, $2, $3, $4)
on conflict (account_id, wave_id) do update set joined_at = wave_join.joined_at
returning id, joined_at;

-- name: joined
-- The join of an account.
select id, joined_at from wave_join where account_id = $1 and wave_id = $2;
