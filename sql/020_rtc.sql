-- Media through the gateway: the connections that participants have with Janus, one row each. kind is a number of the
-- enum rtc_kind of the bus. joined_unix_ms: that of the participant when it was made: one that he has had before he left
-- and came back is none of his any more. epoch and version: of the bridge's last word on it; version counts within the
-- epoch. janus_session, janus_handle and feed are Janus' numbers. published, lost and muted are sums of the numbers of media_source;
-- muted: what the bridge says that Janus passes on to nobody. replaced: the connection that was ended by this one.
-- media: what is sent or got in which part, as roomsvc/store/rtc_media.h has it. quiet_unix_ms: since when it shows
-- nobody; 0: it does now. A row goes when the bridge says so: until then there may be a handle in Janus. So it is tied to
-- no room or participant.

CREATE TABLE rtc_connections (
    connection BINARY(16) NOT NULL PRIMARY KEY,
    kind TINYINT UNSIGNED NOT NULL,
    room_id BIGINT UNSIGNED NOT NULL,
    participant_id BIGINT UNSIGNED NOT NULL,
    joined_unix_ms BIGINT UNSIGNED NOT NULL,
    node VARCHAR(64) NOT NULL,
    epoch BIGINT UNSIGNED NOT NULL,
    version BIGINT UNSIGNED NOT NULL,
    janus_session BIGINT UNSIGNED NOT NULL,
    janus_handle BIGINT UNSIGNED NOT NULL,
    feed BIGINT UNSIGNED NOT NULL,
    is_up TINYINT UNSIGNED NOT NULL DEFAULT 0,
    published TINYINT UNSIGNED NOT NULL DEFAULT 0,
    lost TINYINT UNSIGNED NOT NULL DEFAULT 0,
    muted TINYINT UNSIGNED NOT NULL DEFAULT 0,
    seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
    replaced BINARY(16) NULL,
    media VARBINARY(8192) NOT NULL,
    quiet_unix_ms BIGINT UNSIGNED NOT NULL,
    created_unix_ms BIGINT UNSIGNED NOT NULL,
    UNIQUE KEY rtc_connections_participant (participant_id, kind),
    KEY rtc_connections_room (room_id, kind),
    KEY rtc_connections_node (node, connection)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What he sends, and what of that does not arrive at Janus: that of his connection, while he is in.
ALTER TABLE participants
    ADD COLUMN published TINYINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN lost TINYINT UNSIGNED NOT NULL DEFAULT 0;

-- Without it nobody comes into a room of people in Janus; pin is what people type in. Empty: the room has no code.
ALTER TABLE rooms
    ADD COLUMN janus_pin VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '';
UPDATE rooms SET janus_pin = LEFT(SHA2(CONCAT('pin of ', secret), 256), 32) WHERE code IS NOT NULL;

-- When the bridge that has the node was heard last. What connections there show is believed for a while only after that.
ALTER TABLE nodes
    ADD COLUMN seen_unix_ms BIGINT UNSIGNED NOT NULL DEFAULT 0;
