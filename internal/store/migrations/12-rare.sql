-- v11 -> v12: What is rare among deliveries and events
-- Nothing that is delivered at the first try writes into any of these: a message received is no event of the last one. They are for lists that are
-- narrowed by what hardly ever happens, for which all rows would have to be read.
CREATE INDEX deliveries_held_account ON deliveries (account_id, id) WHERE status = 'held';
CREATE INDEX deliveries_cancelled ON deliveries (account_id, id) WHERE status = 'cancelled';
CREATE INDEX events_uncommon ON events (account_id, type, id) WHERE type <> 'message.received';
