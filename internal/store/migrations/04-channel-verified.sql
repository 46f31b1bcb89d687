-- v3 -> v4: Channels whose identity the network has confirmed
-- An app's callback goes to channels by their address, which anybody can write down. Only a channel whose credentials the network
-- has taken for that address, in its present version, gets what concerns it.
ALTER TABLE channels ADD COLUMN verified_version BIGINT NOT NULL DEFAULT 0;
