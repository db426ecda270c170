// What accounts cost: signing in for applications, who one is, a page of many users, and strangers with tokens that nobody has drawn.
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOf, drawToken, tokenKeyOf } from '../support/tokens.mjs';
import { insert, SESSION_LIFE_MS } from './seed.mjs';
import { measure, measureBeside, Rounds } from './speed.mjs';

const CONNECTIONS = 64;
const MANY = 'many'; // users of this name, and a number
const ROLE_ADMIN = 2;

// An admin with a session, and as many users as there are to be pages of.
async function seedUsers({ stack, folder }, count) {
    await insert(stack, 'INSERT INTO users (username, password)', Array.from({ length: count }, (_, i) => `('${MANY}${i}', 'x')`));
    const ids = (await stack.sql(`SELECT id FROM users WHERE username LIKE '${MANY}%'`)).map(([id]) => id);
    const token = drawToken(await tokenKeyOf(stack));
    const now = Date.now();
    await stack.sql(`UPDATE users SET role = ${ROLE_ADMIN} WHERE id = ${ids[0]}`);
    await insert(stack, 'INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms)',
        [`(0x${hashOf(token)}, ${ids[0]}, ${now}, ${now + SESSION_LIFE_MS})`]);
    await appendFile(join(folder, 'admin'), `${token}\n`);
    // Where a page begins; the last ones would be short.
    await appendFile(join(folder, 'many'), `${ids.slice(0, -100).join('\n')}\n`);
}

/// Rates beside those of what they are like, in the same rounds.
export async function measurePeople(world, references, { besideRounds, besideSeconds, users }) {
    const found = new Rounds();
    const options = { connections: CONNECTIONS, seconds: besideSeconds, references };
    await seedUsers(world, users);
    for (let round = 0; round < besideRounds; round += 1) {
        for (const target of ['nginx', 'me', 'login', 'session']) found.add(target, await measure(world, target, options));
        found.add('users', await measure(world, 'users', { ...options, connections: 1 }));
    }
    process.stderr.write('people: rates done\n');
    const strangers = await measureBeside(world, { kind: 'stranger', connections: CONNECTIONS, rounds: besideRounds, seconds: besideSeconds });
    return { ...Object.fromEntries(found.medians()), count: users, strangers };
}
