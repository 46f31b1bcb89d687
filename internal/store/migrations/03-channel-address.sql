-- v2 -> v3: Channels by their address
-- An app's callback names Pages and accounts, not channels.
CREATE INDEX channels_address ON channels (connector, address);
