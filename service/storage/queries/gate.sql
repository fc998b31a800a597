-- The gate: one row whose lock makes admissions one after another, and the claims that wait for one.

-- name: look
-- Who leads, and the gate's clock.
select holder, at_ms, granted, admitted from gate;

-- name: lead
-- Lead from now on: $1, in place of $2 (null: nobody) who has not ticked since $3.
update gate set holder = $1, granted = admitted
where id = 1 and holder is not distinct from $2 and at_ms = $3
returning at_ms, admitted;

-- name: reached
-- What the windows are measured by.
select at_ms, admitted from gate_tick order by at_ms;

-- name: resign
-- No longer lead, $1.
update gate set holder = null, granted = admitted where id = 1 and holder = $1;

-- name: tick
-- A look of the leader: $1 holder, $2 the gate's clock, $3 how many may have come in before the next tick; $4 and $5 a
-- time and the count that was reached by then (null: none that is new), $6 from before only the newest is needed.
-- A tick that arrives after a later one is none.
with held as (
    update gate set at_ms = $2::bigint, granted = greatest(admitted, $3::bigint)
    where id = 1 and holder = $1 and at_ms <= $2
    returning holder, at_ms, granted, admitted
), kept as (
    insert into gate_tick (at_ms, admitted)
    select $4::bigint, $5::bigint from held where $4 is not null
    on conflict (at_ms) do nothing
), gone as (
    delete from gate_tick
    where at_ms < (select max(at_ms) from gate_tick where at_ms <= $6) and exists (select from held)
)
select holder, at_ms, granted, admitted, (select version from waiting_room) as version,
       set_config('synchronous_commit', 'off', true)
from held;

-- name: hold
-- The gate, locked until the transaction ends.
select gate.at_ms, granted, admitted, pending, pending_from, pending_to, epoch, frontier, rate_per_s
from gate, waiting_room
where gate.id = 1
for update of gate;

-- name: put
-- Let $1 numbers with $2 places wait until $3 of the gate's clock. Who has a pass that lives keeps it.
with put as (
    insert into claim (number, place, until_ms)
    select number, place, until_ms from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as given (number, place, until_ms)
    on conflict (number) do update
    set until_ms = excluded.until_ms, admission = null, admitted_at = null, pass_until = null
    where claim.admission is null or claim.pass_until <= clock_timestamp()
)
update gate set claimed = claimed + fresh
from (
    select count(*) as fresh from unnest($1) as given (number)
    -- Looked up one by one, also by a plan that was made while the table was empty.
    where (select true from claim where claim.number = given.number limit 1) is null
) as counted
where id = 1 and fresh > 0;

-- name: admit
-- The first $3 by place of those who wait beyond $1 of the gate's clock come in, after $2 others. Their passes live
-- $4 seconds, and they count as inside for $5 ms.
with turn as (
    select number, row_number() over (order by place) as nth
    from (
        select number, place from claim
        where admission is null and until_ms > $1::bigint
        order by place limit $3::bigint
    ) as first
), let_in as (
    update claim
    set admission = $2::bigint + nth,
        admitted_at = clock_timestamp(),
        pass_until = clock_timestamp() + make_interval(secs => $4::float8),
        until_ms = $1 + $5::bigint
    from turn where claim.number = turn.number
    returning claim.number
)
update gate set admitted = admitted + (select count(*) from let_in) where id = 1
returning admitted;

-- name: collect
-- The passes of $1, whose holders are told now.
with found as (
    select number, admission, pass_until, not collected as first
    from claim where number = any ($1::bigint[]) and admission is not null
), told as (
    update claim set collected = true from found where claim.number = found.number and found.first
)
select number, admission, pass_until, first from found;

-- name: leads
-- The gate, locked until the transaction ends, if $1 leads.
select at_ms from gate where id = 1 and holder = $1 for update;

-- name: forget
-- Who waited until before $1 and was not let in has not asked again: the place is kept, and they may come back.
delete from claim where admission is null and until_ms <= $1;

-- name: count
-- Who waits at the gate.
update gate
set (pending, pending_from, pending_to) = (
    select count(*), coalesce(min(place), 0), coalesce(max(place), 0) from claim where admission is null
)
where id = 1
returning pending, claimed, admitted;
