-- Applications on paper, which labor offices typed into tables; invitations to make an account of them; and which
-- accounts were made at the desk of an office. Code from before works on with it.

-- A table that an office sent, taken whole or not at all.
create table paper_file (
    id bigint generated always as identity primary key,
    office_id uuid not null references labor_office (id),
    digest bytea not null,                           -- SHA-256 of its bytes: the same one again changes nothing
    name text not null,
    taken_at timestamptz not null default now(),
    outcomes jsonb not null default '{}',            -- service.domain.paper_states.Outcome -> rows
    unique (office_id, digest)
);

-- One person of one office. Somebody who stands in the tables of two offices has two rows, and is one applicant.
create table paper_person (
    id bigint generated always as identity primary key,
    office_id uuid not null references labor_office (id),
    nik_index bytea not null,                        -- HMAC-SHA-256 under a key outside the database, as in identity
    phone_index bytea not null,
    content_index bytea not null,                    -- of everything that was typed: whether a row differs
    sealed bytea not null,                           -- AES-GCM: name, numbers, birth date, phone, e-mail
    file_id bigint not null references paper_file (id),   -- where it was typed like this
    row_number int not null,
    step smallint not null default 1 check (step between 1 and 4),   -- service.domain.paper_states.PaperState
    collected_at timestamptz not null default now(),
    forwarded_at timestamptz,
    received_at timestamptz,
    invited_at timestamptz,                          -- the gateway took the claim code
    generation int not null default 0,               -- of the claim code
    asked_at timestamptz,                            -- an invitation of this generation waits in its queue, or was sent
    claim_index bytea unique,                        -- HMAC-SHA-256 of the code, from its hand-over on
    claim_until timestamptz,
    failures smallint not null default 0,            -- wrong birth dates for this code
    account_id uuid unique references account (id),  -- made with the code
    claimed_at timestamptz,
    unique (office_id, nik_index)
) with (fillfactor = 80);
create index paper_person_nik on paper_person (nik_index);
create index paper_person_phone on paper_person (office_id, phone_index);
create index paper_person_step on paper_person (office_id, step, id);

-- Whose account a paper has become. "Registered" stands in no column: an account was made with the code, or one holds
-- the identity number, wherever it was made.
create view paper_standing as
select p.id, p.office_id, p.nik_index, p.sealed, p.file_id, p.row_number, p.step, p.asked_at, p.invited_at,
       coalesce(p.account_id, i.account_id) as owner,
       p.account_id is not null as is_claimed
from paper_person as p
left join identity as i on i.nik_index = p.nik_index and i.status <> 2;

-- Invitations go through a queue of their own: codes that people wait for stand in no line behind them.
insert into queue (name) values ('invitation');
insert into queue_counter (queue, shard) select 'invitation', shard from generate_series(0, 31) as shard;

-- Accounts that were made at the desk of an office, with a ticket that it held.
create table office_help (
    account_id uuid primary key references account (id),
    office_id uuid not null references labor_office (id),
    helped_at timestamptz not null default now()
);
create index office_help_office on office_help (office_id);
