-- Counts of people per regency and stage: notes of who changed, what each is counted as, and the sums.

-- name: hold
-- The count, unless another one holds it; the time by our clock.
select clock_timestamp() from count_state where id = 1 for update skip locked;

-- name: hold_in_turn
-- The count, when whoever holds it is done; the time by our clock.
select clock_timestamp() from count_state where id = 1 for update;

-- name: take
-- At most $1 notes of changed people. Only whoever holds the count removes any.
delete from changed_person where ctid = any (array(select ctid from changed_person limit $1)) returning account_id;

-- name: recount
-- Count people $1 as they stand, and change the sums by the difference to what they are counted as. $2: whoever waits
-- for being counted is left out. An array of one can be neither hashed nor merged: each person is looked up, also by a
-- plan that was made while the tables were empty.
with person as (
    select account_id from unnest($1::uuid[]) as given (account_id)
    where not ($2::boolean and exists (select from changed_person as c where c.account_id = given.account_id))
), standing as materialized (
    select s.account_id, s.regency, s.stages
    from person join person_standing as s on s.account_id = any (array[person.account_id])
), before as materialized (
    select c.regency, c.stages
    from person join counted_person as c on c.account_id = any (array[person.account_id])
), kept as (
    insert into counted_person (account_id, regency, stages)
    select account_id, regency, stages from standing
    on conflict (account_id) do update set regency = excluded.regency, stages = excluded.stages
    where counted_person.regency <> excluded.regency or counted_person.stages <> excluded.stages
), moved as (
    select regency, stage, sum(one)::bigint as people
    from (
        select regency, unnest(stages) as stage, 1 as one from standing
        union all
        select regency, unnest(stages), -1 from before
    ) as each
    group by regency, stage
    having sum(one) <> 0
), summed as (
    insert into regency_count (regency, stage, people)
    select regency, stage, people from moved
    on conflict (regency, stage) do update set people = regency_count.people + excluded.people
)
select regency, stage, people from moved order by regency, stage;

-- name: mark
-- Whatever was done before $1 is counted.
update count_state set counted_at = $1 where id = 1;

-- name: state
-- When everything was counted, and how many seconds ago; no row before the first time.
select counted_at, extract(epoch from clock_timestamp() - counted_at)::float8 from count_state
where id = 1 and counted_at is not null;

-- name: cells
-- All sums.
select regency, stage, people from regency_count where people <> 0 order by regency, stage;

-- name: accounts
-- The next $2 accounts after $1.
select id from account where id > $1 order by id limit $2;

-- name: take_time
-- Of this transaction alone: it reads everybody, from end to end, and takes as long as it takes.
select set_config('statement_timeout', '0', true), set_config('enable_seqscan', 'on', true);

-- name: forget_gone
-- Whoever has no account any more is counted as nothing.
delete from counted_person as c where not exists (select from account where account.id = c.account_id);

-- name: resum
-- The sums anew, from what each person is counted as; by how much each changed.
with right_sum as (
    select regency, stage, count(*) as people
    from (select regency, unnest(stages) as stage from counted_person) as each
    group by regency, stage
), moved as (
    select regency, stage, coalesce(r.people, 0) - coalesce(c.people, 0) as people
    from right_sum as r full join regency_count as c using (regency, stage)
    where coalesce(r.people, 0) <> coalesce(c.people, 0)
), summed as (
    insert into regency_count (regency, stage, people)
    select regency, stage, people from moved
    on conflict (regency, stage) do update set people = regency_count.people + excluded.people
)
select regency, stage, people from moved order by regency, stage;
