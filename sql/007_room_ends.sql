-- Rooms end when nobody has used them for long. 0: not known yet; roomsvc sets both when it first comes to the room.

ALTER TABLE rooms
    ADD COLUMN used_unix_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD COLUMN look_unix_ms BIGINT UNSIGNED NOT NULL DEFAULT 0,
    ADD KEY rooms_look_unix_ms (look_unix_ms);
