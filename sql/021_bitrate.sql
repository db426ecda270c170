-- A room's own bound on what each who publishes may send, in bits a second. 0: that of the service. rtc_connections.bitrate: the
-- room's that Janus was told for a connection, as the bridge says; while it is another one the bridge is told so.

ALTER TABLE rooms ADD COLUMN bitrate INT UNSIGNED NOT NULL DEFAULT 0;
ALTER TABLE rtc_connections ADD COLUMN bitrate INT UNSIGNED NOT NULL DEFAULT 0;
