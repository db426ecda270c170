-- When roomsvc looks at an open room with a code: its time is up, nobody has been in it for so long that Janus need not
-- keep it, or nobody has used it for a year. NULL: never. A time that is too early does no harm: roomsvc then works out
-- the right one. in_janus 2: the room is being ended in Janus, because nobody is in it.

ALTER TABLE rooms
    ADD COLUMN due_unix_ms BIGINT UNSIGNED NULL DEFAULT 0,
    ADD KEY rooms_due_unix_ms (due_unix_ms);
UPDATE rooms SET due_unix_ms = NULL WHERE code IS NULL OR closed_unix_ms IS NOT NULL;
