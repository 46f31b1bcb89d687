-- v8 -> v9: Logins to the dashboard, members and invites
-- A login is one browser. token_hash finds it; previous_hash does for a while after the token was changed, or until its browser has
-- shown the new one: confirmed_at. A login whose version is not its user's token_version is void.
CREATE TABLE logins (
	id            TEXT PRIMARY KEY,
	account_id    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	version       BIGINT NOT NULL,
	token_hash    TEXT NOT NULL UNIQUE,
	previous_hash TEXT UNIQUE,
	user_agent    TEXT NOT NULL DEFAULT '',
	address       TEXT NOT NULL DEFAULT '',
	created_at    BIGINT NOT NULL,
	seen_at       BIGINT NOT NULL,
	rotated_at    BIGINT NOT NULL,
	confirmed_at  BIGINT NOT NULL DEFAULT 0,
	expires_at    BIGINT NOT NULL
);
CREATE INDEX logins_user ON logins (user_id, id);
CREATE INDEX logins_expiry ON logins (expires_at);

-- A link by which one more user joins an account, once: accepted_at. email is empty where anybody with the link may join.
CREATE TABLE invites (
	id          TEXT PRIMARY KEY,
	account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	email       TEXT NOT NULL DEFAULT '',
	role        TEXT NOT NULL,
	token_hash  TEXT NOT NULL UNIQUE,
	created_by  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	created_at  BIGINT NOT NULL,
	expires_at  BIGINT NOT NULL,
	accepted_at BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX invites_account ON invites (account_id, id);
CREATE INDEX invites_creator ON invites (created_by);
CREATE INDEX invites_expiry ON invites (expires_at);
