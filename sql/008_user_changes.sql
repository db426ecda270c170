-- What changes of a user is numbered, so that nobody overwrites what he has not seen; who is an admin
-- is found, and locked, without reading everybody. A command on a user is done once, however often it
-- comes: its key is here for a day. A row in session_revocations may from now on be of a session that
-- goes on with another role: what a replica remembers of it does not count any more.

ALTER TABLE users
    ADD COLUMN version BIGINT UNSIGNED NOT NULL DEFAULT 1,
    ADD KEY users_role (role, id);

CREATE TABLE user_commands (
    command_key BINARY(16) NOT NULL PRIMARY KEY,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    KEY user_commands_created_unix_ms (created_unix_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
