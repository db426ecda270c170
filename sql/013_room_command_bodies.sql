-- What user_commands has had since 012 is here, too: a hash of what a client has given a key for. All zero: the key is none of
-- a client.

ALTER TABLE room_commands
    ADD COLUMN body_hash BINARY(16) NOT NULL DEFAULT '';
