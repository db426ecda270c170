-- Users are removed. What happens to their rooms is roomsvc's to do, and it reads here what: heir_id gets them; NULL:
-- they end. The log of revocations tells of users, too: a row with a user_id is of no session, and news is a number of
-- the enum auth_news of the bus.

CREATE TABLE user_removals (
    seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id BIGINT UNSIGNED NOT NULL,
    heir_id BIGINT UNSIGNED NULL,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    KEY user_removals_created_unix_ms (created_unix_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE session_revocations
    ADD COLUMN user_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN news TINYINT UNSIGNED NOT NULL DEFAULT 0;

ALTER TABLE rooms ADD KEY rooms_owner_id (owner_id, closed_unix_ms);
