-- Seats and dates of a wave, the draw and its places, one grant per identity number for ever, the priority list.
-- Code from before works on with it.

alter table wave
    add column seats int not null default 0 check (seats >= 0),
    add column quotas jsonb not null default '{}',   -- province code -> the most grants that may go there
    add column announce_at timestamptz,
    add column sms_from timestamptz,
    add column sms_until timestamptz,
    add column frozen_at timestamptz,                -- the list of the draw is made: nothing that counts changes after it
    add column published_at timestamptz,             -- every place and every grant of the draw stands here
    add column age_on date;                          -- who is 18 on this day is old enough; null: the day of the opening

-- What the draw says about a join. Nobody has a place before the draw is published.
create table draw_place (
    join_id uuid primary key references wave_join (id),
    wave_id int not null references wave (id),
    outcome smallint not null check (outcome between 1 and 3),   -- 1 chosen, 2 waiting, 3 withdrawn
    rank int not null check (rank > 0)               -- place in the order of the draw, from 1 on
) with (fillfactor = 90);
create unique index draw_place_rank on draw_place (wave_id, rank);
create index draw_place_waiting on draw_place (wave_id, rank) where outcome = 2;   -- who moves up next

-- One grant per identity number for ever: a row is never deleted, withdrawn or not.
create table wave_grant (
    nik_index bytea primary key,                     -- keyed, as in account_identity
    account_id uuid not null unique references account (id),
    wave_id int not null references wave (id),
    join_id uuid not null unique references wave_join (id),
    granted_at timestamptz not null default now(),
    withdrawn_at timestamptz
);
create index wave_grant_wave on wave_grant (wave_id);

-- The manpower ministry's list, as a keyed index only: nobody reads a number back from it.
create table priority_person (
    nik_index bytea primary key
);
