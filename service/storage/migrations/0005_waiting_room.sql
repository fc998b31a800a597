-- The waiting room: a clock of the gatekeeper's own, a limit at the claim, early comers by lot, presence, operators.
-- Code from before cannot work on with it: stop it first.

alter table waiting_room
    add column base bigint not null default 0,          -- the last number of the starts before this one (epoch)
    add column cohort bigint not null default 0,        -- so many numbers after it came before the opening, and are drawn
    add column shuffle_high bigint not null default 0,  -- the key of the draw, 63 bits each
    add column shuffle_low bigint not null default 0,
    add column opens_at timestamptz,                    -- null: always open, nobody comes early
    add column opened_at timestamptz,                   -- when the cohort was frozen
    add column commitment bytea,                        -- SHA-256 of the seed of the draw, said beforehand
    add column committed_at timestamptz,
    add column cohort_digest bytea,                     -- SHA-256 over who came early
    add column key_id int not null default 1,           -- of the key that signs tickets
    add column oldest_key_id int not null default 1,    -- tickets under older ones are refused
    add column wanted text not null default 'open' check (wanted in ('open', 'paused', 'closed')),
    add column queue_all boolean not null default false,    -- whoever comes waits, and nobody is let in
    add column fixed_rate_per_s double precision,       -- set by an operator; null: chosen by the slow loop
    add column hard_rate_per_s double precision,        -- most that may come in; null: that of the settings
    add column message text not null default '',        -- for everybody in line, from an operator
    add column binding text not null default '',        -- the stage that bounds the rate chosen by the slow loop
    add column live bytea,                              -- who is there: a bitmap of places from live_from on
    add column live_from bigint not null default 0,
    add column live_drawn boolean not null default false,
    add column live_count bigint not null default 0,
    add column live_ms bigint,                          -- when it was counted, by the gate's clock
    add column version bigint not null default 0;       -- rises with each change by an operator

-- One row: how many came in, and how many may. Whoever changes it holds its lock, so every claim sees the one before.
create table gate (
    id smallint primary key default 1 check (id = 1),
    at_ms bigint not null default 0,          -- the gate's clock: time that a leader has watched; stands still between two
    granted bigint not null default 0,        -- so many may have come in before the leader ticks again
    admitted bigint not null default 0,
    claimed bigint not null default 0,        -- tickets that came to claim
    pending int not null default 0,           -- of those that wait to come in: how many, and the places they lie between
    pending_from bigint not null default 0,
    pending_to bigint not null default 0,
    holder uuid                               -- the leader; only its ticks count
);

-- By the time at_ms of the gate's clock so many had come in: what the sliding windows are measured by.
create table gate_tick (
    at_ms bigint primary key,
    admitted bigint not null
);

-- A ticket whose holder came to claim. No reference to its ticket, whose row each claim would lock: the number is signed.
create table claim (
    number bigint primary key,
    place bigint not null,
    until_ms bigint not null,                 -- by the gate's clock: waits until then, or once admitted counts as inside
    admission bigint unique,                  -- the how-manieth to come in; null: waits, or waits anew
    admitted_at timestamptz,
    pass_until timestamptz,
    collected boolean not null default false  -- its holder was told
) with (fillfactor = 80);
create index claim_pending on claim (place) where admission is null;

-- Who came in before finds the same pass, and nobody of them counts as coming in now.
insert into claim (number, place, until_ms, admission, admitted_at, pass_until, collected)
select number, number, 0, row_number() over (order by claimed_at, number), claimed_at,
       claimed_at + interval '30 minutes', true
from ticket where claimed_at is not null;
insert into gate (granted, admitted, claimed) select count(*), count(*), count(*) from claim;
insert into gate_tick (at_ms, admitted) select -86400000, admitted from gate;

alter table ticket
    drop column claimed_at,
    add column binding bytea,                 -- first 16 bytes of SHA-256 of the secret that its holder proves
    add column join_key bytea unique;         -- SHA-256 of the Idempotency-Key: sent again, it finds its number

create table revoked_ticket (
    number bigint primary key,
    revoked_at timestamptz not null default now()
);

-- Places that one replica saw in one slot of time: a bitmap from place `base` on.
create table presence (
    replica uuid not null,
    slot bigint not null,
    seen_ms bigint not null,                  -- by the gate's clock: nobody is gone while nobody leads
    drawn boolean not null,                   -- before the draw of early comers the bits are of numbers, not of places
    base bigint not null,
    bits bytea not null,
    primary key (replica, slot)
);
create index presence_seen on presence (seen_ms);

-- Every change by an operator: who, when, what, before and after. Sent again under the same request it is done once.
create table room_event (
    id bigint generated always as identity primary key,
    at timestamptz not null default clock_timestamp(),
    who text not null,
    verb text not null,
    detail jsonb not null,
    request text unique
);

drop table role_lease;                        -- the gate knows its leader
