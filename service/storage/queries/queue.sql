-- The durable bounded paced queue. Instants are the database's: statement_timestamp() is taken when the statement
-- arrives, so after a lock that an earlier statement waited for; now() would be from before.

-- name: enqueue
-- Add a job unless the queue is full, in the caller's transaction.
-- $1 queue, $2 dedupe, $3 payload, $4 limit (negative: none), $5 seconds until nobody waits for it (null: never).
-- A job with the same dedupe that still waits counts as added. The limit is dealt out to the shards; the job takes room
-- in the first shard, from the caller's own on, that no other transaction holds, so callers neither wait for each other
-- nor pass the limit together. Full is also said when every shard with room is held at this moment. 32 shards: with more
-- connections than that writing at once, a refusal is honest.
with room as (
    select shard
    from queue_counter
    where queue = $1
        and ($4::bigint < 0 or depth < $4 / 32 + case when shard < $4 % 32 then 1 else 0 end)
    order by (shard + pg_backend_pid()) % 32
    limit 1
    for update skip locked
), added as (
    insert into job (queue, dedupe, payload, shard, expires_at)
    select $1, $2, $3::text::jsonb, shard, statement_timestamp() + make_interval(secs => $5::float8)
    from room
    on conflict (queue, dedupe) where state < 2 do nothing
    returning shard
), counted as (
    update queue_counter set depth = depth + 1
    where queue = $1 and shard = (select shard from added)
)
select
    exists (select from room)
    or exists (select from job where queue = $1 and dedupe = $2 and state < 2);

-- name: ready
-- Whether a job is ready: a look at an idle queue costs one statement instead of a transaction. And what time it is.
select
    exists (
        select from job
        where queue = $1 and state = 0 and run_at <= statement_timestamp()
            and (expires_at is null or expires_at > statement_timestamp())
    ) as found,
    extract(epoch from statement_timestamp())::float8 as at;

-- name: hold
-- Let one claimer at a time look at the quota of a queue: whoever comes next sees what this one took.
-- Returns the rate that an operator set (null: that of the settings).
select rate_per_s from queue where name = $1 for update;

-- name: claim
-- Lease ready jobs, oldest first, and take their quota, after `hold` in the same transaction.
-- $1 queue, $2 most jobs, $3 jobs per quota window, $4 seconds of a quota window, $5 seconds of a lease,
-- $6 seconds of a sub-window, $7 whether the clock is known to have run evenly since quota was taken last,
-- $8 no job that was ready before (null: any).
-- Windows that lie in the future (the clock was set back) count as taken now, or they would count until it is that late
-- again; so do all windows when nobody knows how old they are. Each row has the seconds until the next quota comes free
-- (null: quota is left); the first has no job when none was claimed.
with gone as (
    delete from quota_window
    where queue = $1
        and (starts_at > statement_timestamp()
            or starts_at <= statement_timestamp() - make_interval(secs => $4::float8 + $6::float8)
            or not $7::bool)
    returning starts_at, taken
), quota as (
    select
        greatest($3::bigint - coalesce(sum(taken), 0), 0) as free,
        coalesce(sum(taken) filter (where starts_at > statement_timestamp() or not $7), 0) as carried,
        case when $7 then extract(epoch from min(starts_at) - statement_timestamp())::float8 else 0 end
            + $4 + $6 as frees_in
    from quota_window
    where queue = $1 and (starts_at > statement_timestamp() - make_interval(secs => $4 + $6) or not $7)
), ready as (
    -- One more than can be claimed, to know whether the quota leaves somebody waiting.
    select id, run_at
    from job
    where queue = $1 and state = 0 and run_at <= statement_timestamp()
        and run_at >= coalesce($8::timestamptz, '-infinity')
        and (expires_at is null or expires_at > statement_timestamp())
    order by run_at, id
    limit (select least($2::bigint, free) + 1 from quota)
    for update skip locked
), outcome as (
    select least(found, $2, free) as claimed, found > free and free <= $2 as exhausted, free, carried, frees_in
    from quota, (select count(*) as found from ready) as candidates
), leased as (
    update job
    set state = 1,
        attempts = attempts + 1,
        lease = gen_random_uuid(),
        lease_until = statement_timestamp() + make_interval(secs => $5::float8),
        quota_bound = quota_bound or run_at <= exhausted_at
    from queue
    where name = $1
        -- An array, because the planner takes a limit from a subquery for a tenth of the table and reads all of it.
        and job.id = any (array(select id from ready order by run_at, id limit (select claimed from outcome)))
    returning job.id, run_at, payload, attempts, call, lease, created_at, quota_bound
), taken as (
    insert into quota_window as quota_window (queue, starts_at, taken)
    select $1, date_bin(make_interval(secs => $6), statement_timestamp(), 'epoch'), claimed + carried
    from outcome
    where claimed + carried > 0
    on conflict (queue, starts_at) do update set taken = quota_window.taken + excluded.taken
), noted as (
    update queue
    set attempted = attempted + claimed,
        exhausted_at = case when exhausted then statement_timestamp() else exhausted_at end
    from outcome
    where name = $1 and (claimed > 0 or exhausted)
)
select
    case when outcome.claimed = outcome.free then greatest(coalesce(outcome.frees_in, $4), 0) end as wait,
    extract(epoch from statement_timestamp())::float8 as at,
    id, run_at, payload::text as payload, attempts, call, lease, created_at, quota_bound
from outcome left join leased on true
order by run_at, id;

-- name: finish
-- Remove a job by its lease; no row when the lease was lost.
-- $1 id, $2 lease.
with gone as (
    delete from job where id = $1 and lease = $2 and state = 1 returning queue, shard
)
update queue_counter set depth = depth - 1
from gone
where queue_counter.queue = gone.queue and queue_counter.shard = gone.shard
returning 1;

-- name: finish_all
-- Remove several jobs by their leases; those whose lease was lost stay. Returns the ids that went.
-- $1 ids, $2 leases. Jobs and counters are locked in order, as by everybody who locks several.
with held as (
    select job.id from job join unnest($1::bigint[], $2::uuid[]) as given (id, lease) using (id, lease)
    where state = 1
    order by job.id
    for update of job
), gone as (
    delete from job where id = any (array(select id from held)) returning id, queue, shard
), shards as (
    select queue, shard, count(*) as jobs from gone group by queue, shard
), counters as (
    select queue, shard from queue_counter
    where (queue, shard) in (select queue, shard from shards)
    order by queue, shard
    for update
), counted as (
    update queue_counter set depth = depth - jobs
    from shards join counters using (queue, shard)
    where queue_counter.queue = shards.queue and queue_counter.shard = shards.shard
)
select id from gone;

-- name: retry
-- Make a leased job ready again after a delay; no row when the lease was lost.
-- $1 id, $2 lease, $3 seconds (null: now, a second behind its old place in line, so that it neither waits for the whole
-- line again nor holds it up), $4 class of the error, $5 the partner answered: the next call is another one, unless an
-- earlier one of the same name is still in doubt (null: nobody was asked, so the name stays: whoever lost the lease may
-- have used it), $6 the quota is what the job waits for, $7 this try counts.
update job
set state = 0,
    run_at = coalesce(
        statement_timestamp() + make_interval(secs => $3::float8), least(statement_timestamp(), run_at + interval '1 s')
    ),
    attempts = attempts - (not $7::bool)::int,
    call = call + (coalesce($5::bool, false) and not in_doubt)::int,
    in_doubt = in_doubt or not coalesce($5::bool, true),
    quota_bound = quota_bound or $6::bool,
    lease = null,
    lease_until = null,
    error = $4
where id = $1 and lease = $2 and state = 1
returning 1;

-- name: bury
-- Keep a leased job as a dead letter, which takes no room in the queue; no row when the lease was lost.
-- $1 id, $2 lease, $3 class of the error, $4 as $5 of retry: driven again, it asks anew or repeats what is in doubt.
with dead as (
    update job
    set state = 2,
        call = call + ($4::bool and not in_doubt)::int,
        in_doubt = in_doubt or not $4::bool,
        lease = null,
        lease_until = null,
        error = $3,
        buried_at = statement_timestamp()
    where id = $1 and lease = $2 and state = 1
    returning queue, shard
)
update queue_counter set depth = depth - 1
from dead
where queue_counter.queue = dead.queue and queue_counter.shard = dead.shard
returning 1;

-- name: reap
-- Take over jobs whose lease ran out, under a lease that fences off whoever held them.
-- $1 queue, $2 most, $3 seconds of the new lease.
update job
set lease = gen_random_uuid(), lease_until = statement_timestamp() + make_interval(secs => $3::float8)
where id = any (array(
    select id from job
    where state = 1 and queue = $1 and lease_until < statement_timestamp()
    order by lease_until
    limit $2
    for update skip locked
))
returning id, payload::text as payload, attempts, call, lease, created_at, quota_bound;

-- name: expire
-- Remove jobs that nobody waits for any more; they stand among the oldest. Returns how many.
-- $1 queue, $2 most jobs to look at.
-- Counters are locked in the order of their shards: two sweepers never wait for each other in a ring.
with oldest as materialized (
    select id, expires_at from job where queue = $1 and state = 0 order by run_at, id limit $2
), gone as (
    delete from job
    where id = any (array(
        select id from job
        where id = any (array(select id from oldest where expires_at <= statement_timestamp())) and state = 0
        for update skip locked
    ))
    returning shard
), shards as (
    select shard, count(*) as jobs from gone group by shard
), held as (
    select shard from queue_counter
    where queue = $1 and shard in (select shard from shards)
    order by shard
    for update
), counted as (
    update queue_counter set depth = depth - jobs
    from shards join held using (shard)
    where queue_counter.queue = $1 and queue_counter.shard = shards.shard
)
select coalesce(sum(jobs), 0)::bigint from shards;

-- name: levels
-- Depth, attempted calls and the age of the oldest waiting job in seconds (0: none waits) of every queue.
select name, attempted, depth, oldest_age from queue_level;

-- name: renew
-- Lengthen leases that are still held. $1 ids, $2 leases, $3 seconds from now on. Returns how many.
with renewed as (
    update job
    set lease_until = statement_timestamp() + make_interval(secs => $3::float8)
    where id = any ($1::bigint[]) and lease = any ($2::uuid[]) and state = 1
    returning 1
)
select count(*) from renewed;

-- name: set_rate
-- The quota that holds from the next claim on; $2 null: that of the settings. No row: there is no such queue.
-- $1 queue, $2 jobs per second.
update queue set rate_per_s = $2::float8 where name = $1 returning name;

-- name: standings
-- What an operator sees of every queue: its levels, the rate set by hand (null: none) and the dead letters.
select
    name as queue,
    rate_per_s,
    depth,
    oldest_age,
    (select count(*) from job where state = 2 and job.queue = name) as dead
from queue_level
order by name;

-- name: dead_letters
-- Jobs that were given up, the newest first. $1 queue, $2 class of the error (null: any), $3 most.
select id, queue, error, attempts, created_at, buried_at
from job
where state = 2 and ($1::text is null or queue = $1) and ($2::text is null or error = $2)
order by id desc
limit $3;

-- name: redrive
-- Give dead letters another life with all their tries, the oldest first, as many as the queue has room for.
-- $1 queue, $2 class of the error (null: any), $3 ids (null: any), $4 most, $5 limit (negative: none).
-- Not driven again: what nobody waits for any more, and a job whose like waits already. Counters are locked in the order
-- of their shards, as in expire; each job is counted in a shard that has room.
with held as (
    select shard, depth from queue_counter where queue = $1 order by shard for update
), room as (
    select shard, row_number() over (order by place, shard) as number
    from held, generate_series(
        1, case when $5::bigint < 0 then $4::bigint else $5 / 32 + (shard < $5 % 32)::int - depth end
    ) as place
), wanted as (
    select distinct on (dedupe) id
    from job as dead
    where state = 2 and queue = $1
        and ($2::text is null or error = $2)
        and ($3::bigint[] is null or id = any ($3))
        and (expires_at is null or expires_at > statement_timestamp())
        and not exists (
            select from job as live where live.queue = $1 and live.dedupe = dead.dedupe and live.state < 2
        )
    order by dedupe, id desc
), driven as (
    update job
    set state = 0, attempts = 0, run_at = statement_timestamp(), buried_at = null, shard = room.shard
    from (select id, row_number() over (order by id) as number from wanted) as numbered
        join room using (number)
    where job.id = numbered.id and job.state = 2 and number <= $4
    returning job.shard
), added as (
    select shard, count(*) as jobs from driven group by shard
), counted as (
    update queue_counter set depth = depth + jobs
    from added
    where queue_counter.queue = $1 and queue_counter.shard = added.shard
)
select coalesce(sum(jobs), 0)::bigint from added;
