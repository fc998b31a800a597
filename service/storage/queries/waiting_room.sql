-- The waiting room: one row for the frontier and what operators want, one row for each ticket.

-- name: read
-- The room as every replica reads it. The last ticket comes from the sequence: O(1), however long the line is.
select epoch, frontier, rate_per_s, state, reason, moved_at,
       extract(epoch from clock_timestamp() - moved_at)::float8 as still_s,
       (select case when is_called then last_value else 0 end from ticket_number) as last_ticket,
       base, cohort, shuffle_high, shuffle_low,
       opens_at, coalesce(extract(epoch from opens_at - clock_timestamp()), 0)::float8 as opens_in_s, opened_at,
       commitment, committed_at, cohort_digest, key_id, oldest_key_id,
       wanted, queue_all, fixed_rate_per_s, hard_rate_per_s, inside_limit, message, version,
       at_ms as gate_ms, admitted, pending, live_count,
       array(select number from revoked_ticket) as revoked
from waiting_room, gate;

-- name: lock
-- Nobody else changes the room until the transaction ends.
select from waiting_room for update;

-- name: join
-- Numbers for $1 requests (null: one without a name) with $2 bindings, in their order, and whether each was taken now.
-- A request that joined before finds its number. Rows are added in the order of their keys: no two statements wait for
-- each other. Numbers never go back; what is rolled back leaves a hole, which blocks nobody. None is taken while it is
-- looked up who came before the opening (lottery.sql, freeze).
with asked as (
    select nth, request, binding, coalesce(request, int8send(nth)) as name
    from unnest($1::bytea[], $2::bytea[]) with ordinality as given (request, binding, nth)
), known as (
    -- By the limit each is looked up by its key, also by a plan that was made while the table was empty.
    select distinct name, number
    from asked cross join lateral (select number from ticket where join_key = asked.request limit 1) as taken
), fresh as (
    select distinct on (name) name, request, binding, nth from asked
    where not exists (select from known where known.name = asked.name)
    order by name, nth
), thawed as materialized (
    select pg_advisory_xact_lock_shared(hashtextextended('ticket numbers', 0))::text as at_last
), numbered as materialized (
    select name, request, binding, nth, nextval('ticket_number') as number
    from (select fresh.* from thawed cross join fresh order by nth) as in_order
), added as (
    insert into ticket (number, binding, join_key)
    select number, binding, request from numbered order by name
    on conflict (join_key) do update set join_key = excluded.join_key
    returning number, join_key, xmax = 0 as first
)
select coalesce(added.number, known.number, numbered.number) as number,
       coalesce(added.first, known.name is null) and numbered.nth is not distinct from asked.nth as first
from asked
left join known using (name)
left join numbered using (name)
left join added on added.join_key = asked.request
order by asked.nth;

-- name: revoke
-- End a ticket. No row when it was ended before.
insert into revoked_ticket (number) values ($1) on conflict do nothing returning number;

-- name: move
-- The gatekeeper's decision.
update waiting_room
set frontier = $1, rate_per_s = $2, state = $3, reason = $4, moved_at = clock_timestamp();
