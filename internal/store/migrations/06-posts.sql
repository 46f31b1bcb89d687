-- v5 -> v6: Posts, queues and incoming webhooks
-- title and body are as they were given; media, override and the like are JSON. version grows with every edit.
CREATE TABLE posts (
	id            TEXT PRIMARY KEY,
	account_id    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	status        TEXT NOT NULL,
	title         TEXT NOT NULL DEFAULT '',
	body          TEXT NOT NULL DEFAULT '',
	overflow      TEXT NOT NULL DEFAULT '',
	first_comment TEXT NOT NULL DEFAULT '',
	media         TEXT NOT NULL DEFAULT '',
	publish_at    BIGINT NOT NULL DEFAULT 0,
	queue_id      TEXT NOT NULL DEFAULT '',
	slot_at       BIGINT NOT NULL DEFAULT 0,
	origin        TEXT NOT NULL,
	version       BIGINT NOT NULL DEFAULT 1,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL
);
CREATE INDEX posts_account ON posts (account_id, id);
CREATE INDEX posts_created ON posts (created_at);
CREATE INDEX posts_queue ON posts (queue_id, slot_at);

-- A channel that a post goes to. began_at is when the one request that makes it public was about to leave: from then on its outcome may
-- be unknown. event names what webhooks must still be told of it. parts is JSON of what is out already of a text in several parts.
CREATE TABLE targets (
	id            TEXT PRIMARY KEY,
	post_id       TEXT NOT NULL REFERENCES posts (id) ON DELETE CASCADE,
	account_id    TEXT NOT NULL,
	channel_id    TEXT NOT NULL,
	position      BIGINT NOT NULL,
	status        TEXT NOT NULL,
	override      TEXT NOT NULL DEFAULT '',
	parts         TEXT NOT NULL DEFAULT '',
	provider_id   TEXT NOT NULL DEFAULT '',
	url           TEXT NOT NULL DEFAULT '',
	error_code    TEXT NOT NULL DEFAULT '',
	error_message TEXT NOT NULL DEFAULT '',
	warnings      TEXT NOT NULL DEFAULT '',
	event         TEXT NOT NULL DEFAULT '',
	tries         BIGINT NOT NULL DEFAULT 0,
	lookups       BIGINT NOT NULL DEFAULT 0,
	due_at        BIGINT NOT NULL DEFAULT 0,
	started_at    BIGINT NOT NULL DEFAULT 0,
	began_at      BIGINT NOT NULL DEFAULT 0,
	published_at  BIGINT NOT NULL DEFAULT 0,
	owner         TEXT,
	created_at    BIGINT NOT NULL,
	updated_at    BIGINT NOT NULL,
	UNIQUE (post_id, channel_id)
);
CREATE INDEX targets_channel ON targets (channel_id, id);
CREATE INDEX targets_queued ON targets (due_at) WHERE status = 'queued';
CREATE INDEX targets_scheduled ON targets (due_at) WHERE status = 'scheduled';
CREATE INDEX targets_publishing ON targets (channel_id) WHERE status = 'publishing';
CREATE INDEX targets_unconfirmed ON targets (due_at) WHERE status = 'unconfirmed';
CREATE INDEX targets_event ON targets (updated_at) WHERE event <> '';

-- slots is JSON; channel_ids is comma-separated.
CREATE TABLE queues (
	id             TEXT PRIMARY KEY,
	account_id     TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	name           TEXT NOT NULL,
	time_zone      TEXT NOT NULL,
	slots          TEXT NOT NULL,
	channel_ids    TEXT NOT NULL,
	posts_per_slot BIGINT NOT NULL,
	status         TEXT NOT NULL,
	version        BIGINT NOT NULL DEFAULT 1,
	created_at     BIGINT NOT NULL,
	updated_at     BIGINT NOT NULL
);
CREATE INDEX queues_account ON queues (account_id, id);

-- A post's place: no two posts have the same seat of the same slot.
CREATE TABLE slot_claims (
	queue_id TEXT NOT NULL REFERENCES queues (id) ON DELETE CASCADE,
	slot_at  BIGINT NOT NULL,
	seat     BIGINT NOT NULL,
	post_id  TEXT NOT NULL UNIQUE REFERENCES posts (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	PRIMARY KEY (queue_id, slot_at, seat)
);

-- token_hash finds an incoming webhook; token, sealed, gives its address back.
CREATE TABLE incoming_webhooks (
	id           TEXT PRIMARY KEY,
	account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
	name         TEXT NOT NULL,
	token_hash   TEXT NOT NULL UNIQUE,
	token        TEXT NOT NULL,
	channel_ids  TEXT NOT NULL,
	queue_id     TEXT NOT NULL,
	rate_limit   BIGINT NOT NULL,
	rate_period  BIGINT NOT NULL,
	last_used_at BIGINT NOT NULL DEFAULT 0,
	created_at   BIGINT NOT NULL,
	updated_at   BIGINT NOT NULL
);
CREATE INDEX incoming_webhooks_account ON incoming_webhooks (account_id, id);

-- A file of a post is kept as long as the post waits.
ALTER TABLE media ADD COLUMN post_id TEXT NOT NULL DEFAULT '';
CREATE INDEX media_loose ON media (created_at) WHERE channel_id = '' AND post_id = '';
