-- What each replica did in the last seconds, stage by stage: written by itself once a second, read by the gatekeeper.

-- name: write
-- One replica's figures in place of its last ones; replicas that fell silent a minute ago are forgotten.
-- $1 replica, then arrays of the same length: $2 stages, $3 used, $4 most, $5 done a second, $6 refused a second.
with gone as (
    delete from stage_figure where written_at < statement_timestamp() - interval '60 s'
)
insert into stage_figure (replica, stage, used, most, done_per_s, refused_per_s, written_at)
select $1::uuid, stage, used, most, done, refused, statement_timestamp()
from unnest($2::text[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
    as given (stage, used, most, done, refused)
on conflict (replica, stage) do update
set used = excluded.used,
    most = excluded.most,
    done_per_s = excluded.done_per_s,
    refused_per_s = excluded.refused_per_s,
    written_at = excluded.written_at;

-- name: totals
-- Every stage over all replicas that wrote in the last $1 seconds.
select
    stage,
    count(*)::int as replicas,
    sum(used)::float8 as used,
    sum(most)::float8 as most,
    sum(done_per_s)::float8 as done_per_s,
    sum(refused_per_s)::float8 as refused_per_s
from stage_figure
where written_at > statement_timestamp() - make_interval(secs => $1::float8)
group by stage
order by stage;
