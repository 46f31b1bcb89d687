-- v9 -> v10: What providers have called with
-- The newest few of each channel, those refused and those taken apart, so that what anybody can forge pushes out nothing. query and headers are
-- masked and body is cut before they come here. encoding says how body is written: empty is text, "base64" is anything else.
CREATE TABLE callbacks (
	id         TEXT PRIMARY KEY,
	account_id TEXT NOT NULL,
	channel_id TEXT NOT NULL,
	connector  TEXT NOT NULL,
	refused    BOOLEAN NOT NULL,
	method     TEXT NOT NULL,
	path       TEXT NOT NULL,
	query      TEXT NOT NULL,
	headers    TEXT NOT NULL,
	body       TEXT NOT NULL,
	encoding   TEXT NOT NULL,
	size       BIGINT NOT NULL,
	status     BIGINT NOT NULL,
	signature  TEXT NOT NULL,
	code       TEXT NOT NULL,
	message    TEXT NOT NULL,
	messages   BIGINT NOT NULL,
	statuses   BIGINT NOT NULL,
	duration   BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX callbacks_channel ON callbacks (channel_id, refused, id);
CREATE INDEX callbacks_account ON callbacks (account_id, id);
