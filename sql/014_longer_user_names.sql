-- User names are as long as display names: 64 characters. What a changed column's definition does not say it loses, so
-- all of it stands here.

ALTER TABLE users
    MODIFY username VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL;
