-- Counts of people per regency and stage, from an aggregate; and complaints. Code from before works on with it, and what
-- it does is counted: whoever changes a stage leaves a note by trigger, in the same transaction and without a round trip.

-- Who must be counted anew. No index: it is written in the hot path, and read and emptied whole every few seconds.
create table changed_person (account_id uuid not null)
    with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- As what each person is counted now. What is added to the sums is the difference to it, so counting somebody twice
-- changes nothing.
create table counted_person (
    account_id uuid primary key,                     -- no reference: it would lock the account of somebody at work
    regency int not null,                            -- four digits, where they live; 0: not told yet
    stages int[] not null                            -- service.domain.counts: a stage, or 100 times a wave and a stage
) with (fillfactor = 70);

create table regency_count (
    regency int not null,
    stage int not null,
    people bigint not null,
    primary key (regency, stage)
) with (fillfactor = 50);

-- One row: who counts holds it, so that one does at a time.
create table count_state (
    id smallint primary key default 1 check (id = 1),
    counted_at timestamptz                           -- whatever was done before is counted; null: nothing yet
) with (fillfactor = 50);
insert into count_state default values;

-- The number of a wave times 100 must fit into a stage.
alter table wave add constraint wave_counted check (id < 20000000);

-- Where somebody lives and how far they came: the one definition of what is counted. Numbers: service.domain.counts.
-- No `exists`: the planner may answer many of them at once by reading the whole table.
create view person_standing as
select
    a.id as account_id,
    coalesce((
        select case when regency < 100 then province * 100 + regency else regency end
        from (
            select (data ->> 'regency')::int as regency, (data ->> 'province')::int as province
            from profile where profile.account_id = a.id and step = 'personal'
        ) as lives
    ), 0) as regency,
    array_remove(array[
        1,
        case when a.email_verified_at is not null then 2 end,
        case when a.phone_verified_at is not null then 3 end,
        case when (select status from identity where identity.account_id = a.id) is not null then 4 end,
        case when (select status from identity where identity.account_id = a.id) = 1 then 5 end,
        case when (select count(*) from profile where profile.account_id = a.id) = 3 then 6 end,
        case when (
            select count(*) from upload
            where upload.account_id = a.id and finished_at is not null and replaced_at is null
                and coalesce(verdict, 0) = 0
        ) = 2 then 7 end,
        -- Who joined had done the test, if only because its time was over.
        case when (select submitted_at from assessment where assessment.account_id = a.id) is not null
            or (select count(*) from wave_join where wave_join.account_id = a.id) > 0 then 8 end
    ], null)
    || array(select wave_id * 100 + 1 from wave_join where wave_join.account_id = a.id order by wave_id)
    || array(
        select wave_id * 100 + 2 from wave_grant
        where wave_grant.account_id = a.id and withdrawn_at is null order by wave_id
    ) as stages
from account as a;

create function note_account() returns trigger language plpgsql as $$
begin
    insert into changed_person (account_id) values (new.id);
    return null;
end $$;

create function note_person() returns trigger language plpgsql as $$
begin
    insert into changed_person (account_id) values (new.account_id);
    return null;
end $$;

create trigger counted after insert or update of email_verified_at, phone_verified_at on account
    for each row execute function note_account();
create trigger counted after insert or update of status on identity
    for each row execute function note_person();
create trigger counted after insert on profile
    for each row execute function note_person();
create trigger counted_anew after update of data on profile
    for each row when (new.step = 'personal') execute function note_person();
create trigger counted after update of finished_at, replaced_at, verdict on upload
    for each row when (
        new.account_id is not null
        and (old.finished_at, old.replaced_at, coalesce(old.verdict, 0))
            is distinct from (new.finished_at, new.replaced_at, coalesce(new.verdict, 0))
    ) execute function note_person();
create trigger counted after update of submitted_at on assessment
    for each row execute function note_person();
create trigger counted after insert on wave_join
    for each row execute function note_person();
create trigger counted after insert or update of withdrawn_at on wave_grant
    for each row execute function note_person();

-- Who registered before is counted, too.
insert into changed_person (account_id) select id from account;

-- What people complain about. Text and answer are sealed: nobody knows what a person writes there.
create table complaint (
    number bigint generated always as identity primary key,
    secret_hash bytea not null unique,               -- SHA-256 of what whoever follows it shows
    category smallint not null,                      -- service.domain.complaints.Category
    regency int not null,
    state smallint not null default 1 check (state between 1 and 3),   -- 1 filed, 2 forwarded, 3 answered
    text_sealed bytea not null,
    filed_at timestamptz not null,
    forwarded_at timestamptz,
    letter int,                                      -- the how-manieth that went to the office of this regency
    answer_sealed bytea,
    answered_at timestamptz,
    unique (regency, letter)
);
create index complaint_open on complaint (state, number) where state < 3;
create index complaint_regency on complaint (regency, number);

-- How many were forwarded to each office.
create table complaint_letters (
    regency int primary key,
    last int not null
);

-- How many complaints a caller has filed in an hour; an empty caller: everybody together. Forgotten when it is over.
create table complaint_budget (
    hour timestamptz not null,
    caller bytea not null,                           -- HMAC-SHA-256 of account or address, under a key outside
    taken int not null,
    primary key (hour, caller)
);
