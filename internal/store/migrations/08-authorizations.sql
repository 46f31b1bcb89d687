-- v7 -> v8: Channels that are connected on the network's own page
-- An authorization is one try. state_hash finds it when the user's browser comes back, which counts once: used_at. sealed holds what
-- the exchange needs, until it is over. result is JSON.
CREATE TABLE authorizations (
	id         TEXT PRIMARY KEY,
	account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	connector  TEXT NOT NULL,
	channel_id TEXT NOT NULL DEFAULT '',
	state_hash TEXT NOT NULL UNIQUE,
	sealed     TEXT NOT NULL,
	status     TEXT NOT NULL,
	result     TEXT NOT NULL DEFAULT '',
	used_at    BIGINT NOT NULL DEFAULT 0,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX authorizations_account ON authorizations (account_id, expires_at);
CREATE INDEX authorizations_expiry ON authorizations (expires_at);
