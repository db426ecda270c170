// Fills a stack: sessions straight into the database (100,000 logins would take half an hour of password hashing, and
// it is not logins that make a session fast or slow), rooms straight into the registry and into Janus.
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

import { drawToken, hashOf, tokenKeyOf } from '../support/tokens.mjs';
import { eventually } from '../support/wait.mjs';

const USERS = Array.from({ length: 1000 }, (_, i) => `bench${i}`);
export const SESSION_LIFE_MS = 6 * 3600 * 1000;
const ROWS_PER_INSERT = 5000;
const PATIENCE_MS = 120000;
const PUBLISHERS = 20;
const SECRET_BYTES = 16; // as roomsvc draws them; twice as many digits is all that it takes
const HANDLES = 8;
const AT_A_TIME = 32;

// The standard client with the statements on its standard input: there is no bound on their length.
async function runSql(stack, text) {
    const password = await stack.secret('mysql-password');
    await new Promise((resolve, reject) => {
        const child = spawn('mariadb', ['--no-defaults', '--host=127.0.0.1', `--port=${stack.ports.mysql}`, '--user=lynks',
            'lynks_db'], { env: { ...process.env, MYSQL_PWD: password }, timeout: PATIENCE_MS,
            stdio: ['pipe', 'ignore', 'pipe'] });
        let errors = '';
        child.stderr.on('data', (data) => { errors += data; });
        child.on('error', reject);
        child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`mariadb: ${errors.trim() || code}`))));
        child.stdin.on('error', () => {}); // it has ended, and says why itself
        child.stdin.end(text);
    });
}

export async function insert(stack, head, rows) {
    const statements = [];
    for (let i = 0; i < rows.length; i += ROWS_PER_INSERT) {
        statements.push(`${head} VALUES ${rows.slice(i, i + ROWS_PER_INSERT).join(',')};\n`);
    }
    await runSql(stack, `SET autocommit=0;\n${statements.join('')}COMMIT;\n`);
}

const append = (world, name, values) => appendFile(join(world.folder, name), `${values.join('\n')}\n`);

// Users with the password of testuser, in the form that the first login left behind.
async function userIds(stack) {
    const find = () => stack.sql("SELECT id FROM users WHERE username LIKE 'bench%'");
    if ((await find()).length === 0) {
        await stack.login();
        const password = () => stack.sql("SELECT password FROM users WHERE username = 'testuser' AND password LIKE '$argon2id$%'");
        const [[hash]] = await eventually(async () => {
            const found = await password();
            return found.length === 1 && found;
        }, { within: 10000, what: 'the password is rewritten' });
        await insert(stack, 'INSERT INTO users (username, password)', USERS.map((name) => `('${name}', '${hash}')`));
    }
    return (await find()).map(([id]) => id);
}

/// Sessions are added to the world until it has this many.
export async function seedSessions(world, count) {
    const users = await userIds(world.stack);
    // An older revision, to compare with, has no key and takes any token.
    const key = await tokenKeyOf(world.stack).catch(() => 'none');
    const tokens = Array.from({ length: count - world.tokens.length }, () => drawToken(key));
    const now = Date.now();
    await insert(world.stack, 'INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms)',
        tokens.map((token, i) => `(0x${hashOf(token)}, ${users[i % users.length]}, ${
            now}, ${now + SESSION_LIFE_MS})`));
    if (world.tokens.length === 0) await append(world, 'users', USERS);
    await append(world, 'tokens', tokens);
    world.tokens.push(...tokens);
}

// With what the bridge makes a room with.
async function createInJanus(stack, rooms) {
    const adminKey = await stack.secret('janus-admin-key');
    const session = (await stack.janus('', { janus: 'create' })).data.id;
    const handles = await Promise.all(Array.from({ length: HANDLES }, async () =>
        (await stack.janus(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.videoroom' })).data.id));
    let next = 0;
    const worker = async () => {
        while (next < rooms.length) {
            const { id, secret } = rooms[next];
            const handle = handles[next % HANDLES];
            next += 1;
            const answer = await stack.janus(`/${session}/${handle}`, { janus: 'message', body: { request: 'create',
                room: id, secret, description: '', publishers: PUBLISHERS, is_private: true, lock_record: true,
                admin_key: adminKey } });
            const data = answer?.plugindata?.data;
            if (data?.videoroom !== 'created') throw new Error(`Janus, create: ${JSON.stringify(answer)}`);
        }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    await stack.janus(`/${session}`, { janus: 'destroy' });
}

/// Rooms are added to the world until it has this many.
export async function seedRooms(world, count) {
    const known = new Set(world.rooms);
    const rooms = [];
    while (rooms.length < count - world.rooms.length) {
        const id = randomInt(1000000, 2 ** 47);
        if (!known.has(id)) rooms.push({ id, secret: randomBytes(SECRET_BYTES).toString('hex') });
        known.add(id);
    }
    const [owner] = await userIds(world.stack);
    await createInJanus(world.stack, rooms);
    await insert(world.stack, 'INSERT INTO rooms (room_id, secret, publishers_max, owner_id, created_unix_ms)',
        rooms.map(({ id, secret }) => `(${id}, '${secret}', ${PUBLISHERS}, ${owner}, ${Date.now()})`));
    await append(world, 'rooms', rooms.map(({ id }) => id));
    world.rooms.push(...rooms.map(({ id }) => id));
}
