-- Announcements by SMS, and the money of whoever has a grant. Code from before works on with it.

insert into queue (name) values ('announcement'), ('payout');
insert into queue_counter (queue, shard)
select name, shard from unnest(array['announcement', 'payout']) as name, generate_series(0, 31) as shard;

-- Who is told of a wave's draw, and how far that has come: places up to told_to were looked at.
create table announcement (
    wave_id int primary key references wave (id),
    outcomes smallint[] not null,                    -- of draw_place: who is told
    told_to int not null default 0,                  -- a rank
    paused boolean not null default false,
    started_at timestamptz not null,
    finished_at timestamptz                          -- nobody was left then; whoever moves up later is told by a new start
) with (fillfactor = 50);

-- One message for an outcome of a join, for ever.
create table announcement_message (
    join_id uuid not null references wave_join (id),
    outcome smallint not null,
    wave_id int not null references wave (id),
    sent_at timestamptz,                             -- the gateway had accepted it
    primary key (join_id, outcome)
) with (fillfactor = 80);
create index announcement_message_wave on announcement_message (wave_id, outcome);

-- Whoever has begun to use a grant. The row is what everything about a person's money is serialized by.
create table participant (
    account_id uuid primary key references wave_grant (account_id),
    begun_at timestamptz not null,
    completed_at timestamptz,                        -- of the first course: from then on instalments fall due
    instalments smallint not null default 0 check (instalments between 0 and 4),   -- that fell due
    due_at timestamptz,                              -- of the next one; null: none is to come
    check (due_at is null or (completed_at is not null and instalments < 4))
) with (fillfactor = 80);
create index participant_due on participant (due_at) where due_at is not null;

create table course_choice (
    account_id uuid not null references participant (account_id),
    course text not null,
    price int not null check (price > 0),            -- of that day
    chosen_at timestamptz not null,
    certificate text,
    completed_at timestamptz,
    primary key (account_id, course),
    unique (course, certificate),                    -- one certificate is one person's
    check ((certificate is null) = (completed_at is null))
) with (fillfactor = 80);

create table survey_answer (
    account_id uuid not null references participant (account_id),
    number smallint not null check (number between 1 and 3),
    answers jsonb not null,
    answered_at timestamptz not null,
    primary key (account_id, number)
);

-- Double entry: each row moves an amount from one ledger to another, so the books balance whatever is written. Which
-- ledgers and amounts there are stands in service.domain.money; here the same once more, for whoever comes with SQL.
create table ledger_entry (
    id bigint generated always as identity primary key,
    account_id uuid not null references participant (account_id),
    kind text not null,
    reference text not null,                         -- a course, a number, or what is paid out
    debit text not null,                             -- the ledger that it leaves
    credit text not null,
    amount int not null check (amount > 0),
    at timestamptz not null,
    unique (account_id, kind, reference),            -- nothing is booked twice
    check (case kind
        when 'training' then debit = 'program' and credit = 'training' and amount = 1000000 and reference = ''
        when 'course' then debit = 'training' and credit = 'courses'
        when 'instalment' then debit = 'program' and credit = 'due' and amount = 600000 and reference ~ '^[1-4]$'
        when 'survey' then debit = 'program' and credit = 'due' and amount = 50000 and reference ~ '^[1-3]$'
        when 'payout' then debit = 'due' and credit in ('gopay', 'bni', 'linkaja', 'ovo')
        else false
    end)
);

create function ledger_stays() returns trigger language plpgsql as
$$ begin raise exception 'what was booked stays: correct it by another entry'; end $$;
create trigger ledger_stays before update or delete or truncate on ledger_entry
for each statement execute function ledger_stays();

-- Where somebody wants the money: one account with each partner.
create table payout_account (
    account_id uuid not null references participant (account_id),
    method text not null check (method in ('gopay', 'bni', 'linkaja', 'ovo')),
    number_sealed bytea not null,                    -- AES-GCM, person and method as associated data
    version int not null default 1,                  -- rises with each other number; an answer to an older one is ignored
    status smallint not null default 0 check (status between 0 and 2),   -- 0 asked, 1 good, 2 refused
    reason text,                                     -- of the refusal, in the partner's word
    put_at timestamptz not null,                     -- the good one that was put last is the one that is paid to
    primary key (account_id, method)
) with (fillfactor = 80);

create table payout (
    id uuid primary key,
    account_id uuid not null references participant (account_id),
    reference text not null,                         -- instalment-1, survey-3
    amount int not null check (amount > 0),
    state smallint not null default 0 check (state between 0 and 3),   -- service.domain.payouts.PayoutState
    queued int not null default 0,                   -- times that it was put into the queue
    since timestamptz not null,                      -- due since
    paid_at timestamptz,
    unique (account_id, reference),
    check ((state = 3) = (paid_at is not null))
) with (fillfactor = 70);
create index payout_ready on payout (since, id) where state = 0;

-- Each attempt has its destination, whatever the person puts meanwhile: a payment of unknown fate is asked again as
-- itself, and there is no second attempt before the first is known to have failed.
create table payout_attempt (
    payout_id uuid not null references payout (id),
    number smallint not null,
    method text not null,
    account_version int not null,
    number_sealed bytea not null,
    outcome text,                                    -- null: not known yet; paid, or the partner's word for why not
    begun_at timestamptz not null,
    ended_at timestamptz,
    primary key (payout_id, number)
) with (fillfactor = 80);
create unique index payout_attempt_open on payout_attempt (payout_id) where outcome is null;
create unique index payout_attempt_paid on payout_attempt (payout_id) where outcome = 'paid';
