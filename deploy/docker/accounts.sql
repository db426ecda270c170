-- The accounts of the database; the server runs this at each start, before it listens. One statement a line, and @NAME@
-- is filled in by mysql-start. A service reads and writes the tables that it owns; of authsvc's, roomsvc reads how
-- users are called, which are removed and which sessions were ended, and adds to the audit. A right on a table that is
-- not there yet can only be given together with CREATE, which is then taken back; one on columns can be written down.
-- lynks_backup makes back-ups, and puts the tables of one in the place of what there is.
CREATE DATABASE IF NOT EXISTS lynks_db CHARACTER SET utf8mb4;
DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host <> 'localhost');
FLUSH PRIVILEGES;
ALTER USER root@localhost IDENTIFIED BY '@ROOT_PASSWORD@';
CREATE USER IF NOT EXISTS lynks@'%';
ALTER USER lynks@'%' IDENTIFIED BY '@LYNKS_PASSWORD@';
GRANT ALL PRIVILEGES ON lynks_db.* TO lynks@'%';
CREATE USER IF NOT EXISTS lynks_migrate@'%';
ALTER USER lynks_migrate@'%' IDENTIFIED BY PASSWORD '@MIGRATE_HASH@';
GRANT ALL PRIVILEGES ON lynks_db.* TO lynks_migrate@'%';
CREATE USER IF NOT EXISTS lynks_authsvc@'%';
ALTER USER lynks_authsvc@'%' IDENTIFIED BY PASSWORD '@AUTHSVC_HASH@';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.users TO lynks_authsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.sessions TO lynks_authsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.session_revocations TO lynks_authsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.user_commands TO lynks_authsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.user_removals TO lynks_authsvc@'%';
GRANT CREATE, SELECT, INSERT, DELETE ON lynks_db.audit TO lynks_authsvc@'%';
REVOKE CREATE ON lynks_db.users FROM lynks_authsvc@'%';
REVOKE CREATE ON lynks_db.sessions FROM lynks_authsvc@'%';
REVOKE CREATE ON lynks_db.session_revocations FROM lynks_authsvc@'%';
REVOKE CREATE ON lynks_db.user_commands FROM lynks_authsvc@'%';
REVOKE CREATE ON lynks_db.user_removals FROM lynks_authsvc@'%';
REVOKE CREATE ON lynks_db.audit FROM lynks_authsvc@'%';
CREATE USER IF NOT EXISTS lynks_roomsvc@'%';
ALTER USER lynks_roomsvc@'%' IDENTIFIED BY PASSWORD '@ROOMSVC_HASH@';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.rooms TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.nodes TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.room_members TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.room_commands TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE ON lynks_db.room_owners TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.participants TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.presence TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, DELETE ON lynks_db.room_events TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON lynks_db.invitations TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, DELETE ON lynks_db.bans TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, INSERT, DELETE ON lynks_db.room_messages TO lynks_roomsvc@'%';
GRANT CREATE, SELECT, UPDATE ON lynks_db.journal_generation TO lynks_roomsvc@'%';
GRANT CREATE, SELECT ON lynks_db.user_removals TO lynks_roomsvc@'%';
GRANT CREATE, INSERT ON lynks_db.audit TO lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.rooms FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.nodes FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.room_members FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.room_commands FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.room_owners FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.participants FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.presence FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.room_events FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.invitations FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.bans FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.room_messages FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.journal_generation FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.user_removals FROM lynks_roomsvc@'%';
REVOKE CREATE ON lynks_db.audit FROM lynks_roomsvc@'%';
-- What others see of users, and which sessions were ended.
REPLACE INTO mysql.tables_priv (Host, Db, User, Table_name, Grantor, Table_priv, Column_priv) VALUES ('%', 'lynks_db', 'lynks_roomsvc', 'users', '', '', 'Select'), ('%', 'lynks_db', 'lynks_roomsvc', 'session_revocations', '', '', 'Select');
REPLACE INTO mysql.columns_priv (Host, Db, User, Table_name, Column_name, Column_priv) VALUES ('%', 'lynks_db', 'lynks_roomsvc', 'users', 'id', 'Select'), ('%', 'lynks_db', 'lynks_roomsvc', 'users', 'username', 'Select'), ('%', 'lynks_db', 'lynks_roomsvc', 'users', 'display_name', 'Select'), ('%', 'lynks_db', 'lynks_roomsvc', 'session_revocations', 'seq', 'Select'), ('%', 'lynks_db', 'lynks_roomsvc', 'session_revocations', 'token_hash', 'Select'), ('%', 'lynks_db', 'lynks_roomsvc', 'session_revocations', 'user_id', 'Select'), ('%', 'lynks_db', 'lynks_roomsvc', 'session_revocations', 'news', 'Select');
FLUSH PRIVILEGES;
CREATE USER IF NOT EXISTS lynks_backup@'%';
ALTER USER lynks_backup@'%' IDENTIFIED BY PASSWORD '@ADMIN_HASH@';
GRANT SELECT, SHOW VIEW, TRIGGER, ALTER, DROP, CREATE, INSERT ON `lynks\_db`.* TO lynks_backup@'%';
GRANT ALL PRIVILEGES ON `lynks\_db\_restore`.* TO lynks_backup@'%';
GRANT ALL PRIVILEGES ON `lynks\_db\_before`.* TO lynks_backup@'%';
