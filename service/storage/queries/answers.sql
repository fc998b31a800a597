-- Final answers to requests that created an effect.

-- name: find
-- The answer stored for a request.
select fingerprint, status, body from idempotent_answer where scope = $1;

-- name: add
-- Keep an answer; no row when another request kept one first (waits for one that is still in its transaction).
insert into idempotent_answer (scope, fingerprint, status, body) values ($1, $2, $3, $4)
on conflict (scope) do nothing
returning scope;

-- name: remove
-- Give a place up that was only asked for.
delete from idempotent_answer where scope = $1;
