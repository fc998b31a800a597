-- Sessions: only the hash of a token is kept.

-- name: add
-- A new session.
insert into session (token_hash, account_id, expires_at) values ($1, $2, $3);

-- name: account_of
-- Whose session it is, as long as it lasts.
select account_id from session where token_hash = $1 and expires_at > now();

-- name: end
-- The session is over, for whoever has a copy of its token too.
delete from session where token_hash = $1;
