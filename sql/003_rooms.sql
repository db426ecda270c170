-- The registry of rooms: the truth about which exist. Janus is where they run.

CREATE TABLE rooms (
    room_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    secret VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    description VARCHAR(200) NOT NULL DEFAULT '',
    publishers_max INT UNSIGNED NOT NULL,
    owner_id BIGINT UNSIGNED NOT NULL,
    idempotency_key BINARY(16) NULL,
    node VARCHAR(64) NOT NULL DEFAULT 'default',
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    closed_unix_ms BIGINT UNSIGNED NULL,
    UNIQUE KEY rooms_idempotency_key (idempotency_key),
    KEY rooms_closed_unix_ms (closed_unix_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
