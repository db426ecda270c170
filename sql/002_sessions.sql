-- Sessions: only the SHA-256 of a token is here, so the table opens no session.

CREATE TABLE sessions (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    token_hash BINARY(32) NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    expires_unix_ms BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY sessions_token_hash (token_hash),
    KEY sessions_user_id (user_id),
    KEY sessions_expires_unix_ms (expires_unix_ms),
    CONSTRAINT sessions_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Sessions ended before their time, so that every replica forgets them: each reads on from the last
-- seq it has seen.
CREATE TABLE session_revocations (
    seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    token_hash BINARY(32) NOT NULL,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    KEY session_revocations_created_unix_ms (created_unix_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
