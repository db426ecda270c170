-- What happened in rooms, in the order in which it happened, for whoever has missed something. data is a message
-- room_news of the bus, as it was sent; audience is a number of the enum room_audience.

CREATE TABLE room_events (
    room_id BIGINT UNSIGNED NOT NULL,
    seq BIGINT UNSIGNED NOT NULL,
    audience TINYINT UNSIGNED NOT NULL,
    time_unix_ms BIGINT UNSIGNED NOT NULL,
    data VARBINARY(6144) NOT NULL,
    PRIMARY KEY (room_id, seq),
    KEY room_events_time_unix_ms (time_unix_ms)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A number of an event means nothing in another database. So this has a name, which is another one after a back-up was
-- restored: whoever has read on in the one before begins anew. There is one row.
CREATE TABLE journal_generation (
    one TINYINT UNSIGNED NOT NULL PRIMARY KEY,
    generation BIGINT UNSIGNED NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO journal_generation (one, generation) VALUES (1, 1 + FLOOR(RAND() * 4294967296));
