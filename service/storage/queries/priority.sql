-- The ministry's list of people who come first: keyed indexes of their numbers, and nothing else.

-- name: add
-- Add who is not there yet.
insert into priority_person (nik_index) select unnest($1::bytea[]) on conflict do nothing;

-- name: count
-- How many people are on it.
select count(*) from priority_person;
