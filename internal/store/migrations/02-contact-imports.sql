-- v1 -> v2: Contact imports
-- content is the CSV text until the import is done; done is how many of its lines are in the contacts, in the same transaction.
CREATE TABLE contact_imports (
	id         TEXT PRIMARY KEY,
	account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	status     TEXT NOT NULL,
	content    TEXT NOT NULL,
	total      BIGINT NOT NULL,
	done       BIGINT NOT NULL DEFAULT 0,
	created    BIGINT NOT NULL DEFAULT 0,
	updated    BIGINT NOT NULL DEFAULT 0,
	failed     BIGINT NOT NULL DEFAULT 0,
	errors     TEXT NOT NULL DEFAULT '[]',
	created_at BIGINT NOT NULL,
	updated_at BIGINT NOT NULL
);
CREATE INDEX contact_imports_created ON contact_imports (created_at, id);
CREATE INDEX contact_imports_open ON contact_imports (created_at) WHERE status <> 'done';
