-- Who is in rooms. role, state and the like are numbers of the enums of the bus. Only the SHA-256 of a participant's
-- token is here, so the table lets nobody in; likewise session_hash, the session by which a user came. user_id 0: a
-- guest. address is what the client is counted by. hand_unix_ms 0: the hand is down. joined_unix_ms: when he came in, for
-- the last time; changed_unix_ms: when he became what he is.

CREATE TABLE participants (
    participant_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    room_id BIGINT UNSIGNED NOT NULL,
    user_id BIGINT UNSIGNED NOT NULL,
    name VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    role TINYINT UNSIGNED NOT NULL,
    state TINYINT UNSIGNED NOT NULL,
    token_hash BINARY(32) NOT NULL,
    session_hash BINARY(32) NULL,
    device_hash BINARY(16) NULL,
    address BINARY(16) NOT NULL,
    hand_unix_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,
    joined_unix_ms BIGINT UNSIGNED NOT NULL,
    changed_unix_ms BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY participants_token_hash (token_hash),
    KEY participants_room (room_id, state, participant_id),
    KEY participants_user (user_id, state),
    KEY participants_session (session_hash),
    KEY participants_address (address, state),
    KEY participants_state (state, changed_unix_ms),
    CONSTRAINT participants_of_room FOREIGN KEY (room_id) REFERENCES rooms (room_id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Which gateway has a stream of whom: a row for each that has, or has had one of late. The row of participant 0 is the
-- gateway's lease: when it was heard last. number: of the gateway's report that said so.
CREATE TABLE presence (
    participant_id BIGINT UNSIGNED NOT NULL,
    gateway BINARY(16) NOT NULL,
    is_open TINYINT UNSIGNED NOT NULL,
    number BIGINT UNSIGNED NOT NULL,
    changed_unix_ms BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (participant_id, gateway),
    KEY presence_gateway (gateway, participant_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- seq: the room's last event. empty_unix_ms: since when nobody is in; 0: somebody is, or nobody ever was.
ALTER TABLE rooms
    ADD COLUMN seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN empty_unix_ms BIGINT UNSIGNED NOT NULL DEFAULT 0;
