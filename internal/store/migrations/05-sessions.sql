-- v4 -> v5: Linked devices
-- A session is a channel with a connection of its own, which one process holds: owner. lease grows whenever the owner changes or makes
-- sure of it, so that a claim that was decided on older facts changes nothing. version grows when the user wants a new link. device is
-- the network's name of the linked device; the keys lie in the connector's own tables. step and restriction are JSON or empty.
CREATE TABLE sessions (
	id          TEXT PRIMARY KEY REFERENCES channels (id) ON DELETE CASCADE,
	account_id  TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	device      TEXT NOT NULL DEFAULT '',
	linking     BOOLEAN NOT NULL,
	status      TEXT NOT NULL,
	reason      TEXT NOT NULL DEFAULT '',
	message     TEXT NOT NULL DEFAULT '',
	retry       BOOLEAN NOT NULL,
	until       BIGINT NOT NULL DEFAULT 0,
	status_at   BIGINT NOT NULL,
	step        TEXT NOT NULL DEFAULT '',
	restriction TEXT NOT NULL DEFAULT '',
	phone       TEXT NOT NULL DEFAULT '',
	lid         TEXT NOT NULL DEFAULT '',
	push_name   TEXT NOT NULL DEFAULT '',
	version     BIGINT NOT NULL DEFAULT 1,
	owner       TEXT,
	lease       BIGINT NOT NULL DEFAULT 0,
	created_at  BIGINT NOT NULL,
	updated_at  BIGINT NOT NULL
);
CREATE INDEX sessions_account ON sessions (account_id, id);
CREATE INDEX sessions_owner ON sessions (owner);
