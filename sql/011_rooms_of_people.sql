-- Rooms of people: with a name, a code for links, options and members. access, unmute and role are the
-- numbers of the enums room_access, room_unmute and room_role of the bus. Rooms from before, and those
-- that /create makes, have no code: whoever has signed in may come in. Such a room is in Janus for as
-- long as it lives; one with a code only while somebody is in it. pin is salted and hashed: 16 bytes of
-- salt, 32 of hash. look_unix_ms of an open room with a code never comes: it does not end for want of use.

ALTER TABLE rooms
    ADD COLUMN code CHAR(10) CHARACTER SET ascii COLLATE ascii_bin NULL,
    ADD COLUMN name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
    ADD COLUMN in_janus TINYINT UNSIGNED NOT NULL DEFAULT 1,
    ADD COLUMN access TINYINT UNSIGNED NOT NULL DEFAULT 2,
    ADD COLUMN guests_wait TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN lobby TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN locked TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN pin BINARY(48) NULL,
    ADD COLUMN participants_max INT UNSIGNED NOT NULL DEFAULT 100,
    ADD COLUMN chat TINYINT UNSIGNED NOT NULL DEFAULT 1,
    ADD COLUMN screen_share TINYINT UNSIGNED NOT NULL DEFAULT 1,
    ADD COLUMN mute_on_entry TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN unmute TINYINT UNSIGNED NOT NULL DEFAULT 1,
    ADD COLUMN expires_unix_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN empty_timeout_s INT UNSIGNED NOT NULL DEFAULT 300,
    ADD COLUMN version BIGINT UNSIGNED NOT NULL DEFAULT 1,
    ADD UNIQUE KEY rooms_code (code);

-- Who is removed is a member of nothing any more.
CREATE TABLE room_members (
    room_id BIGINT UNSIGNED NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL,
    role TINYINT UNSIGNED NOT NULL,
    added_unix_ms BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (room_id, user_id),
    KEY room_members_user_id (user_id, room_id),
    CONSTRAINT room_members_room FOREIGN KEY (room_id) REFERENCES rooms (room_id) ON DELETE CASCADE,
    CONSTRAINT room_members_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A command on a room is done once, however often it comes: its key is here for a day. room_id: the room that it has
-- made; 0: it is on one that is there.
CREATE TABLE room_commands (
    command_key BINARY(16) NOT NULL PRIMARY KEY,
    room_id BIGINT UNSIGNED NOT NULL,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    KEY room_commands_created_unix_ms (created_unix_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
