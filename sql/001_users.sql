-- Users. Makes the original program's table, or takes over the one that is there with everybody in
-- it, then widens it: names compare byte for byte, passwords have room for Argon2id.

CREATE TABLE IF NOT EXISTS users (
    id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    username VARCHAR(50) NOT NULL,
    password VARCHAR(64) NOT NULL
) ENGINE = InnoDB;

ALTER TABLE users
    ENGINE = InnoDB,
    DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    MODIFY username VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    MODIFY password VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL;

ALTER TABLE users ADD UNIQUE KEY users_username (username);
