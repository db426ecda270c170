-- One row for each Janus node: the bridge that may act on it (its lease), and the Janus session that
-- the next holder resumes. epoch grows by one whenever another holder gets the lease, and whenever a holder gets his own
-- back after it was over: so an answer from before is known.

CREATE TABLE nodes (
    node VARCHAR(64) NOT NULL PRIMARY KEY,
    holder BINARY(16) NOT NULL,
    epoch BIGINT UNSIGNED NOT NULL,
    expires_unix_ms BIGINT UNSIGNED NOT NULL,
    janus_session BIGINT UNSIGNED NOT NULL,
    janus_handle BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
