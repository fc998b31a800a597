-- Seats and dates of a wave, the draw and its places, one grant per identity number for ever, the priority list.
-- Code from before works on with it.

alter table wave
    add column seats int not null default 0 check (seats >= 0),
    add column quotas jsonb not null default '{}',   -- province code -> the most grants that may go there
    add column announce_at timestamptz,              -- nobody is told a place before; null: when it is published
    add column sms_from timestamptz,
    add column sms_until timestamptz,
    add column frozen_at timestamptz,                -- the list of the draw is made: nobody joins, no rule changes after it
    add column published_at timestamptz,             -- every place and every grant of the draw stands here
    add column age_on date,                          -- who is 18 on this day is old enough; null: the day of the settings
    add column commitment bytea,                     -- of the frozen folder: there is one list for a wave
    add column by_hand boolean not null default false;   -- an operator has set it: the settings no longer move its hours

-- What the request said it came from, roughly: the draw is tested for depending on it.
alter table wave_join add column device text not null default '';

-- What the draw says about a join. Nobody has a place before the draw is published.
create table draw_place (
    join_id uuid primary key references wave_join (id),
    wave_id int not null references wave (id),
    outcome smallint not null check (outcome between 1 and 3),   -- 1 chosen, 2 waiting, 3 withdrawn
    rank int not null check (rank > 0)               -- place in the order of the draw, from 1 on
) with (fillfactor = 90);
create unique index draw_place_rank on draw_place (wave_id, rank);

-- One grant per identity number for ever: a row is never deleted, withdrawn or not.
create table wave_grant (
    nik_index bytea primary key,                     -- keyed, as in identity
    account_id uuid not null unique references account (id),
    wave_id int not null references wave (id),
    join_id uuid not null unique references wave_join (id),
    granted_at timestamptz not null default now(),
    withdrawn_at timestamptz
);

-- The manpower ministry's list, as a keyed index only: nobody reads a number back from it.
create table priority_person (
    nik_index bytea primary key
);

-- What the rules of the program are asked about (service.domain.eligibility), as it stood when the wave froze.
create view join_facts as
select
    j.id,
    j.wave_id,
    j.account_id,
    j.joined_at,
    j.device,
    coalesce(i.status, -1)::smallint as identity_status,
    coalesce(i.status = 1 and i.updated_at <= coalesce(w.frozen_at, 'infinity'), false) as confirmed,
    i.birth_date_sealed,
    (personal.data ->> 'province')::smallint as province,
    work.data ->> 'employment_status' as employment,
    s.submitted_at as assessed_at,
    coalesce(s.submitted_at is not null or s.deadline <= coalesce(w.frozen_at, now()), false) as assessed,
    g.nik_index is not null as granted,
    p.nik_index is not null as priority
from wave_join as j
join wave as w on w.id = j.wave_id
left join identity as i on i.account_id = j.account_id
left join profile as personal on personal.account_id = j.account_id and personal.step = 'personal'
left join profile as work on work.account_id = j.account_id and work.step = 'work'
left join assessment as s on s.account_id = j.account_id
left join wave_grant as g on g.nik_index = i.nik_index and g.granted_at <= coalesce(w.frozen_at, 'infinity')
left join priority_person as p on p.nik_index = i.nik_index;
