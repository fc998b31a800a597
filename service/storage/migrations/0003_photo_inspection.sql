-- Photos are inspected after their upload, through a queue of their own. Code from before works on with it: what it
-- stores is not inspected.

insert into queue (name) values ('photo');
insert into queue_counter (queue, shard) select 'photo', shard from generate_series(0, 31) as shard;

alter table upload
    add column verdict smallint,                     -- service.domain.photos.PhotoVerdict; null: not inspected yet
    add column inspected_at timestamptz,
    add column original_sha256 bytea,                -- of the bytes as they came; the original itself is removed
    add column clean_bytes int;                      -- of the sealed clean copy; null: none is kept
