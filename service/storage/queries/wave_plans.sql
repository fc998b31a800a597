-- What operators set of waves.

-- name: find
-- One wave, whole.
select id, opens_at, closes_at, seats, quotas, announce_at, sms_from, sms_until, age_on, frozen_at, published_at,
       commitment
from wave where id = $1;

-- name: plans
-- All waves in order of their opening.
select id, opens_at, closes_at, seats, quotas, announce_at, sms_from, sms_until, age_on, frozen_at, published_at,
       commitment
from wave order by opens_at, id;

-- name: hold
-- Changes of waves take turns; joining, which only reads them, goes on.
lock table wave in share row exclusive mode;

-- name: put
-- Everything that is an operator's to set; what draws write of a wave stays.
insert into wave (id, opens_at, closes_at, seats, quotas, announce_at, sms_from, sms_until, age_on, by_hand)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, true)
on conflict (id) do update
set opens_at = excluded.opens_at, closes_at = excluded.closes_at, seats = excluded.seats, quotas = excluded.quotas,
    announce_at = excluded.announce_at, sms_from = excluded.sms_from, sms_until = excluded.sms_until,
    age_on = excluded.age_on, by_hand = true;
