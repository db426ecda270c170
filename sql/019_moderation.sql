-- What meetings with strangers need: who waits, invitations, bans and the chat.
--
-- Of participants: invitation_id, by which he came; 0: by none. muted: a sum of the numbers of media_source. since_seq:
-- the event by which he was let in for the first time, before which nothing is his business; 0: he never was. name_key:
-- a hash of the name without regard to case, so that no guest takes that of somebody who has signed in.
--
-- What older files say that is not so any more: 011, that an open room with a code is never looked at for want of use (since
-- 018 due_unix_ms says when it is), and that in_janus is 0 or 1; 010, that news is an auth_news (that is so in rows with a
-- user_id; in a session's row it is 1 if somebody has ended it, else 0).

ALTER TABLE participants
    ADD COLUMN invitation_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN muted TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN since_seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN name_key BINARY(16) NOT NULL DEFAULT '',
    ADD KEY participants_invitation (invitation_id, state);
UPDATE participants SET since_seq = 1;

-- meeting_seq: the room's last event before the meeting began; what was written in the chat before it is over.
ALTER TABLE rooms
    ADD COLUMN meeting_seq BIGINT UNSIGNED NOT NULL DEFAULT 0;

-- Only the SHA-256 of an invitation's secret is here, so the table lets nobody in. max_uses, not_before_unix_ms and
-- expires_unix_ms are 0 where there is no such bound. One that was revoked stays for a while, so that whoever comes by it
-- is told so.
CREATE TABLE invitations (
    invitation_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    room_id BIGINT UNSIGNED NOT NULL,
    secret_hash BINARY(32) NOT NULL,
    role TINYINT UNSIGNED NOT NULL,
    label VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    max_uses BIGINT UNSIGNED NOT NULL,
    uses BIGINT UNSIGNED NOT NULL DEFAULT 0,
    not_before_unix_ms BIGINT UNSIGNED NOT NULL,
    expires_unix_ms BIGINT UNSIGNED NOT NULL,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    revoked_unix_ms BIGINT UNSIGNED NULL,
    UNIQUE KEY invitations_secret_hash (secret_hash),
    KEY invitations_room (room_id, invitation_id),
    KEY invitations_revoked (revoked_unix_ms),
    CONSTRAINT invitations_of_room FOREIGN KEY (room_id) REFERENCES rooms (room_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Who does not come into a room: whatever of the three is there. name: of the participant when he was banned.
CREATE TABLE bans (
    ban_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    room_id BIGINT UNSIGNED NOT NULL,
    name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    invitation_id BIGINT UNSIGNED NOT NULL DEFAULT 0,
    device_hash BINARY(16) NULL,
    note VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    expires_unix_ms BIGINT UNSIGNED NOT NULL,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    KEY bans_room (room_id, ban_id),
    KEY bans_expires (expires_unix_ms),
    CONSTRAINT bans_of_room FOREIGN KEY (room_id) REFERENCES rooms (room_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The chat. seq: of the event that told of it. to_id 0: it is for all. number: counts those of a room.
CREATE TABLE room_messages (
    room_id BIGINT UNSIGNED NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    number BIGINT UNSIGNED NOT NULL,
    message_id BIGINT UNSIGNED NOT NULL,
    from_id BIGINT UNSIGNED NOT NULL,
    from_name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    to_id BIGINT UNSIGNED NOT NULL,
    text VARCHAR(4096) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    time_unix_ms BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (room_id, seq),
    KEY room_messages_number (room_id, number),
    KEY room_messages_from (room_id, from_id, time_unix_ms),
    CONSTRAINT room_messages_of_room FOREIGN KEY (room_id) REFERENCES rooms (room_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
