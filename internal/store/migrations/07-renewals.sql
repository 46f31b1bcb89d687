-- v6 -> v7: Credentials that are renewed
-- Until when a process has the only right to renew the channel's credentials: some networks take each refresh token once.
ALTER TABLE channels ADD COLUMN renewing_until BIGINT NOT NULL DEFAULT 0;
