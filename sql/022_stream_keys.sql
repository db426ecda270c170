-- Stream keys: by which programs come into rooms. Only the SHA-256 of a key is here, so the table lets nobody in. used_for
-- is a number of the enum stream_use of the bus. user_id: who has made it; it is the room's, and stays when he goes.
-- expires_unix_ms 0: never.
CREATE TABLE stream_keys (
    stream_key_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    room_id BIGINT UNSIGNED NOT NULL,
    key_hash BINARY(32) NOT NULL,
    used_for TINYINT UNSIGNED NOT NULL,
    label VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL,
    expires_unix_ms BIGINT UNSIGNED NOT NULL,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY stream_keys_key_hash (key_hash),
    KEY stream_keys_room (room_id, stream_key_id),
    KEY stream_keys_expires (expires_unix_ms),
    CONSTRAINT stream_keys_of_room FOREIGN KEY (room_id) REFERENCES rooms (room_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- stream_key_id: by which it came; 0: it is a person. stream_use: what that key is for; it stays when the key is gone.
-- token_hash is then that of the key.
ALTER TABLE participants
    ADD COLUMN stream_key_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN stream_use TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD KEY participants_stream_key (stream_key_id, state);
