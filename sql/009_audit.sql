-- What admins and the operator's shell have done to others: kept for a year. act is a number of the enum act of the bus,
-- by_kind one of principal_kind. Names are as they were then, because who they belong to may be gone; by_name of the
-- shell is the account that the operator has at his machine. Nothing here is changed once it is written.

CREATE TABLE audit (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    act TINYINT UNSIGNED NOT NULL,
    by_kind TINYINT UNSIGNED NOT NULL,
    by_id BIGINT UNSIGNED NOT NULL,
    by_name VARCHAR(64) NOT NULL,
    address BINARY(16) NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL,
    username VARCHAR(64) NOT NULL,
    room_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    detail VARCHAR(200) NOT NULL DEFAULT '',
    request_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    KEY audit_created_unix_ms (created_unix_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
