-- Labor offices: one browser takes tickets for many applicants, who sit down there one after another.

create table labor_office (
    id uuid primary key,
    name text not null unique,
    handle text not null unique,             -- first half of the access code
    secret_index bytea not null,             -- HMAC-SHA-256 of the second half under a key outside the database
    generation int not null default 1,       -- rises with each new code: who signed in with an earlier one is out
    failures int not null default 0,         -- wrong second halves, the first of them at failing_since
    failing_since timestamptz,
    created_at timestamptz not null default now(),
    ended_at timestamptz
);

create table office_ticket (
    office_id uuid not null references labor_office (id),
    number bigint not null,
    key_id int not null,                     -- of the key that signs the ticket
    sealed bytea not null,                   -- label, ticket, secret and place token, bound to office and number
    taken_at timestamptz not null default now(),
    begun_at timestamptz,                    -- its applicant sat down
    primary key (office_id, number)
);
