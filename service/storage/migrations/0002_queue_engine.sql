-- The queue engine: dead letters can be listed and driven again, an operator can change a partner's quota while workers
-- run, and every replica leaves its figures for the gatekeeper. Code from before works on with it.

alter table job add column buried_at timestamptz;                      -- when it became a dead letter
create index job_dead on job (id) where state = 2;

alter table queue add column rate_per_s double precision check (rate_per_s >= 0);   -- null: the rate of the settings

-- What each replica did in the last seconds. Worth nothing after a crash, so not logged.
create unlogged table stage_figure (
    replica uuid not null,
    stage text not null,
    used double precision not null,                  -- of its own `most`: jobs in hand, connections
    most double precision not null,
    done_per_s double precision not null,
    refused_per_s double precision not null,
    written_at timestamptz not null,
    primary key (replica, stage)
) with (fillfactor = 50);

-- What each queue holds: depth by the counters, age of the oldest waiting job in seconds (0: none waits).
create view queue_level as
select
    name,
    attempted,
    rate_per_s,
    (select sum(depth) from queue_counter where queue_counter.queue = name)::bigint as depth,
    coalesce((
        select extract(epoch from statement_timestamp() - created_at)
        from job
        where job.queue = name and state = 0
        order by run_at, id
        limit 1
    ), 0)::float8 as oldest_age
from queue;
