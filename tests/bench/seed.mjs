// Fills a stack: 1,000 rooms through its own API, 10,000 sessions straight into the database (10,000 logins
// would take minutes of password hashing, and it is not logins that make a session fast or slow).
import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const USERS = 1000;
const SESSIONS_PER_USER = 10;
const ROOMS = 1000;
const SESSION_LIFE_MS = 6 * 3600 * 1000;
const ROWS_PER_INSERT = 1000;

async function insert(stack, head, rows) {
    for (let i = 0; i < rows.length; i += ROWS_PER_INSERT) {
        await stack.sql(`${head} VALUES ${rows.slice(i, i + ROWS_PER_INSERT).join(',')}`);
    }
}

// Users that cannot log in: no hash begins like this.
async function seedUsers(stack) {
    await insert(stack, 'INSERT INTO users (username, password)',
        Array.from({ length: USERS }, (_, i) => `('bench${i}', '*')`));
    return (await stack.sql("SELECT id FROM users WHERE username LIKE 'bench%'")).map(([id]) => id);
}

export async function seedSessions(stack, folder) {
    const users = await seedUsers(stack);
    const tokens = Array.from({ length: USERS * SESSIONS_PER_USER }, () => randomBytes(32).toString('hex'));
    const now = Date.now();
    await insert(stack, 'INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms)',
        tokens.map((token, i) => `(0x${createHash('sha256').update(token).digest('hex')}, ${users[i % USERS]}, ${now}, ${
            now + SESSION_LIFE_MS})`));
    await writeFile(join(folder, 'tokens'), `${tokens.join('\n')}\n`);
    return tokens;
}

/// The stack has to make a fresh room for each create (LYNKS_STANDARD_ROOM=0).
export async function seedRooms(stack, folder) {
    const token = await stack.token();
    const rooms = new Set();
    while (rooms.size < ROOMS) {
        const answer = await stack.create(token);
        if (answer.status !== 200) throw new Error(`create: ${answer.status} ${answer.text}`);
        rooms.add(answer.json.room_id);
    }
    await writeFile(join(folder, 'rooms'), `${[...rooms].join('\n')}\n`);
    return [...rooms];
}
