-- The registration: from ticket to wave joined. Identity numbers never stand here in clear.

create sequence ticket_number;
create table ticket (
    number bigint primary key default nextval('ticket_number'),
    issued_at timestamptz not null default now(),
    claimed_at timestamptz            -- the pass was handed out; a repeated claim gets the same answer
);
alter sequence ticket_number owned by ticket.number;

-- One row: what the gatekeeper decides and every replica reads once a second.
create table waiting_room (
    id smallint primary key default 1 check (id = 1),
    epoch int not null default 1,
    frontier double precision not null default 0,   -- tickets up to floor(frontier) are invited
    rate_per_s double precision not null default 0,
    state text not null default 'open' check (state in ('before', 'open', 'paused', 'full', 'closed')),
    reason text not null default '',
    moved_at timestamptz not null default now()
);
insert into waiting_room default values;

-- One leader at a time for a role.
create table role_lease (
    role text primary key,
    holder uuid not null,
    until timestamptz not null
);

create table account (
    id uuid primary key,
    ticket_number bigint not null unique references ticket (number),
    name text not null,
    phone text not null unique,
    email text unique,
    phone_verified_at timestamptz,
    email_verified_at timestamptz,
    created_at timestamptz not null default now()
) with (fillfactor = 85);

-- A request for a code. The code itself is derived from the master key, this id and the generation at hand-over:
-- nothing that could be read or guessed back is stored.
create table code_request (
    id uuid primary key,
    account_id uuid references account (id),         -- null: nobody has this address; the answer looked the same
    address_index bytea not null,                    -- HMAC-SHA-256: budgets count per address, known or not
    channel smallint not null,                       -- 1 e-mail, 2 SMS
    generation int not null default 0,
    sends smallint not null default 0,
    sent_at timestamptz not null,                    -- when the last send was asked for
    handed_at timestamptz,                           -- a code's life starts here
    failures smallint not null default 0,
    used_at timestamptz,
    created_at timestamptz not null default now()
) with (fillfactor = 80);
create index code_request_address on code_request (address_index, created_at);

create table session (
    token_hash bytea primary key,                    -- SHA-256 of the bearer token
    account_id uuid not null references account (id),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);

create table identity (
    account_id uuid primary key references account (id),
    nik_index bytea not null,                        -- HMAC-SHA-256 under a key outside the database
    nik_sealed bytea not null,                       -- AES-GCM, the account's id as associated data
    family_card_sealed bytea not null,
    birth_date_sealed bytea not null,
    status smallint not null,                        -- service.domain.identity.IdentityStatus
    version int not null default 1,                  -- rises with each correction; an answer to an older one is ignored
    updated_at timestamptz not null default now()
) with (fillfactor = 80);
-- One person, one account, for ever; a number that did not match blocks nobody.
create unique index identity_nik on identity (nik_index) where status <> 2;

create table identity_check (
    id uuid primary key,
    account_id uuid not null references account (id),
    version int not null,
    outcome smallint,                                -- null: no answer yet
    created_at timestamptz not null default now(),
    answered_at timestamptz,
    unique (account_id, version)
);

create table profile (
    account_id uuid not null references account (id),
    step text not null,
    data jsonb not null,
    updated_at timestamptz not null default now(),
    primary key (account_id, step)
);

create table upload (
    id text primary key,                             -- 128 random bits: a capability
    account_id uuid not null references account (id),
    slot smallint not null,                          -- 1 identity card, 2 selfie
    length bigint not null check (length >= 0),
    committed bigint not null default 0 check (committed between 0 and length),   -- acknowledged = durable
    metadata text not null default '',               -- as the client sent it
    epoch int not null default 0,                    -- the newest writer; an older one cannot commit
    stored_epoch int not null default 0,             -- the writer that made the file of the committed bytes
    ended_epoch int not null default 0,              -- the last writer that promised to write no more
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    replaced_at timestamptz
) with (fillfactor = 80);
-- A finished photo fills its slot; a newer one replaces it.
create unique index upload_slot on upload (account_id, slot) where finished_at is not null and replaced_at is null;
create index upload_account on upload (account_id);  -- an account's uploads are counted before one is added

create table assessment (
    account_id uuid primary key references account (id),
    started_at timestamptz not null default now(),
    deadline timestamptz not null,
    answers smallint[] not null,                     -- -1 = not answered
    submitted_at timestamptz,
    score smallint
) with (fillfactor = 60);

create table wave (
    id int primary key,
    opens_at timestamptz not null,
    closes_at timestamptz not null check (closes_at > opens_at)
);

create table wave_join (
    id uuid primary key,
    wave_id int not null references wave (id),
    account_id uuid not null references account (id),
    joined_at timestamptz not null default now(),
    unique (account_id, wave_id)
);

-- The final answer to a request that creates an effect, stored in the effect's own transaction.
create table idempotent_answer (
    scope bytea primary key,                         -- SHA-256 of route, principal and key
    fingerprint bytea not null,                      -- SHA-256 of the canonical body
    status smallint not null,
    body bytea not null,                             -- sealed: an answer may carry a token
    created_at timestamptz not null default now()
);

-- The durable bounded paced queue. Payloads hold ids only, no personal data.
create table job (
    id bigint generated always as identity primary key,
    queue text not null,
    dedupe text not null,
    payload jsonb not null,
    state smallint not null default 0,               -- 0 ready, 1 leased, 2 dead
    shard smallint not null,                         -- of queue_counter, where this job is counted while it lives
    run_at timestamptz not null default now(),
    attempts int not null default 0,                 -- times it was claimed
    in_doubt boolean not null default false,         -- a call under this name may have been done: it keeps its name
    call int not null default 1,                     -- names the partner call: one of unknown fate is repeated as itself
    quota_bound boolean not null default false,      -- the partner's quota ran out while it waited
    lease uuid,
    lease_until timestamptz,
    expires_at timestamptz,                          -- nobody waits for it after this
    error text,                                      -- class of the last error
    created_at timestamptz not null default now()
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
create unique index job_dedupe on job (queue, dedupe) where state < 2;   -- a dead letter blocks nobody
create index job_ready on job (queue, run_at, id) where state = 0;
create index job_leased on job (lease_until) where state = 1;

-- One row for each queue: claimers lock it, so that what one took of the quota is seen by the next.
create table queue (
    name text primary key,
    attempted bigint not null default 0,             -- calls of the partner that were about to be made
    exhausted_at timestamptz not null default '-infinity'   -- when the quota last left a ready job waiting
) with (fillfactor = 50);
insert into queue (name) values ('email'), ('sms'), ('identity');

-- Depth (ready and leased jobs) in O(1). Enqueuers take a shard that nobody holds: they never wait for each other.
create table queue_counter (
    queue text not null references queue (name),
    shard smallint not null,
    depth bigint not null default 0 check (depth >= 0),
    primary key (queue, shard)
) with (fillfactor = 50);
insert into queue_counter (queue, shard) select name, shard from queue, generate_series(0, 31) as shard;

-- What was taken of a partner's quota: sub-windows of 10 ms on the database's clock, kept as long as they count.
create table quota_window (
    queue text not null,
    starts_at timestamptz not null,
    taken int not null,
    primary key (queue, starts_at)
) with (fillfactor = 50);
