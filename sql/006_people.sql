-- People: what others see of a user, what he may do, whether he may sign in; and of a session what
-- tells its owner which of his devices it is. Users and sessions from before get the defaults and go
-- on: members, and sessions of the original login. role and kind are the numbers of the enums role
-- and session_kind of the bus. password_changes grows with each change of the password, so that a
-- sign-in with the one before cannot end after the change; a new hash of the same one is none.

ALTER TABLE users
    ADD COLUMN display_name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL,
    ADD COLUMN role TINYINT UNSIGNED NOT NULL DEFAULT 1,
    ADD COLUMN disabled TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN password_changes BIGINT UNSIGNED NOT NULL DEFAULT 0;

ALTER TABLE sessions
    ADD COLUMN kind TINYINT UNSIGNED NOT NULL DEFAULT 1,
    ADD COLUMN device VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    ADD COLUMN address BINARY(16) NOT NULL DEFAULT '',
    ADD COLUMN used_unix_ms BIGINT UNSIGNED NOT NULL DEFAULT 0;
