-- The staff: who may sign in at the operators' listener, their sessions, what two people decide, and the audit.
-- Code from before works on with it.

create table staff (
    id uuid primary key,
    name text not null unique,
    role text not null check (role in ('viewer', 'operator', 'administrator')),
    password text not null,                  -- scrypt, with its cost and salt
    secret_sealed bytea not null,            -- of the codes by time, under a key outside the database, bound to the name
    last_step bigint not null default -1,    -- of the last code that was used: each is good once
    failures int not null default 0,         -- wrong codes after the right password, the first of them at failing_since
    failing_since timestamptz,
    created_at timestamptz not null default now(),
    ended_at timestamptz
);

create table staff_session (
    id uuid primary key,                     -- by which it is named; it opens nothing
    token_hash bytea not null unique,        -- SHA-256 of the bearer token
    staff_id uuid not null references staff (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    ended_at timestamptz
);
create index staff_session_open on staff_session (staff_id) where ended_at is null;

-- What cannot be taken back: one proposes it, another one confirms it.
create table staff_proposal (
    id uuid primary key,
    verb text not null,
    arguments jsonb not null,
    staff_id uuid not null references staff (id),
    proposed_at timestamptz not null,
    until timestamptz not null,
    confirmed_by uuid references staff (id) check (confirmed_by <> staff_id),
    confirmed_at timestamptz,
    used_at timestamptz                      -- when a program did it, where one does
);
create index staff_proposal_open on staff_proposal (until) where confirmed_at is null;
create index staff_proposal_confirmed on staff_proposal (verb, confirmed_at) where confirmed_at is not null;

-- Every action of the staff, of programs and of the shell; refused ones too.
create table staff_audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    who text not null,                       -- empty: nobody of ours
    role text not null,
    via text not null check (via in ('session', 'program', 'shell')),
    verb text not null,
    outcome text not null check (outcome in ('done', 'begun', 'unchanged', 'repeated', 'proposed', 'refused')),
    request text,
    detail jsonb not null                    -- what was asked, before and after, or why it was refused
);
-- Sent again by the same person, or by a program, under the same request it is done once.
create unique index staff_audit_request on staff_audit (request, via, (case via when 'session' then who else '' end))
    where outcome in ('done', 'unchanged', 'proposed');

create function only_added_to() returns trigger language plpgsql as $$
begin
    raise exception 'table % is only added to', tg_table_name using errcode = 'insufficient_privilege';
end
$$;
create trigger staff_audit_stays before update or delete or truncate on staff_audit
    for each statement execute function only_added_to();
create trigger room_event_stays before update or delete or truncate on room_event
    for each statement execute function only_added_to();

-- What is published of a draw is what two people have confirmed; another draw of the same list is refused.
alter table wave
    add column seed bytea,                               -- since its publication was begun
    add column withdrawn bytea[] not null default '{}';  -- SHA-256 of withdrawn.txt as confirmed, and after each strike since

alter table waiting_room
    add column inside_limit int check (inside_limit >= 0);   -- most people inside, 0 any; null: that of the settings
