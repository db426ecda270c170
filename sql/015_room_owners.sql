-- Who owns rooms of people, so that commands that give him one take turns: a user has as many as he may, and not one more.

CREATE TABLE room_owners (
    owner_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    CONSTRAINT room_owners_user FOREIGN KEY (owner_id) REFERENCES users (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
