-- v10 -> v11: Counts by the hour, and conversations
-- What became of deliveries and messages in an hour. Counting the rows themselves takes longer the more there are. webhook_id is empty for
-- messages. shard spreads writers that would wait for each other's commits on PostgreSQL; a reader adds the shards up.
CREATE TABLE hours (
	account_id   TEXT NOT NULL,
	hour         BIGINT NOT NULL,
	webhook_id   TEXT NOT NULL,
	shard        BIGINT NOT NULL,
	delivered    BIGINT NOT NULL,
	failed       BIGINT NOT NULL,
	inbound      BIGINT NOT NULL,
	outbound     BIGINT NOT NULL,
	delivered_at BIGINT NOT NULL,
	failed_at    BIGINT NOT NULL,
	PRIMARY KEY (account_id, hour, webhook_id, shard)
);
CREATE INDEX hours_hour ON hours (hour);

-- The newest message of each channel with each peer.
CREATE TABLE conversations (
	channel_id TEXT NOT NULL,
	peer       TEXT NOT NULL,
	account_id TEXT NOT NULL,
	name       TEXT NOT NULL,
	message_id TEXT NOT NULL,
	last_at    BIGINT NOT NULL,
	PRIMARY KEY (channel_id, peer)
);
INSERT INTO conversations (channel_id, peer, account_id, name, message_id, last_at)
	SELECT channel_id, peer, account_id, peer_name, id, created_at FROM
		(SELECT m.*, ROW_NUMBER() OVER (PARTITION BY channel_id, peer ORDER BY created_at DESC, id DESC) AS age FROM messages m) newest WHERE age = 1;
CREATE INDEX conversations_account ON conversations (account_id, last_at, message_id);

-- What of an account is open or in trouble: few among millions.
CREATE INDEX deliveries_open ON deliveries (account_id, due_at, created_at, webhook_id) WHERE status = 'pending';
CREATE INDEX deliveries_failed_at ON deliveries (account_id, updated_at) WHERE status = 'failed';
CREATE INDEX messages_trouble ON messages (account_id, status, created_at) WHERE status IN ('failed', 'unconfirmed');
CREATE INDEX posts_status ON posts (account_id, status, updated_at);
