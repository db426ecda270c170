-- The demo user: testuser with the password test123, as the original stored it (SHA-256). The
-- migrator wraps the hash before anybody can see it.

INSERT INTO users (username, password)
    SELECT 'testuser', 'ecd71870d1963316a97e3ac3408c9835ad8cf0f3c1bc703527c30265534f75ae' FROM DUAL
    WHERE NOT EXISTS (SELECT 1 FROM users WHERE username = 'testuser');
