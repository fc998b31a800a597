-- Uploads in parts: a writer (epoch) never touches what another one has stored. Uploads may belong to nobody, be of a
-- length that is told later, expire, and be given up. Code from before cannot work on with it: stop it first.

alter table upload
    alter column account_id drop not null,           -- null, like the slot: an upload of nobody in particular
    alter column slot drop not null,
    alter column length drop not null,               -- null: not announced yet
    add column parts bigint[] not null default '{}', -- writer, start, writer, start...: who stored which bytes
    add column writing text,                         -- the replica whose writer may still be writing; null: nobody
    add column expires_at timestamptz,               -- null: never, it is finished
    add column deleted_at timestamptz,               -- given up: for its owner it is gone
    add column erased_at timestamptz,                -- its bytes were removed; whether a late writer left some is looked at
                                                     -- once more some time after this
    add column swept_at timestamptz,                 -- a sweeper took it up last; left alone for a minute then
    add constraint upload_owner check ((account_id is null) = (slot is null));

update upload
set parts = case when committed > 0 then array[stored_epoch, 0] else '{}' end,
    expires_at = case when finished_at is null then now() + interval '1 day' end;

alter table upload drop column stored_epoch, drop column ended_epoch;

-- Finished uploads stand in neither: looking for what has expired costs the same however many there are.
create index upload_expiry on upload (expires_at) where expires_at is not null and erased_at is null;
create index upload_erased on upload (erased_at) where erased_at is not null;
