-- A client that gives a command its key may give the same key to another one by mistake: so what the key was given for is
-- kept beside it, as a hash that only gateways can make. All zero: the key is none of a client.

ALTER TABLE user_commands
    ADD COLUMN body_hash BINARY(16) NOT NULL DEFAULT '';
