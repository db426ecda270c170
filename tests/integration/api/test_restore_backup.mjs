#!/usr/bin/env -S node --test-reporter=tap
// Back-up and restore as OPERATING.md has them, while everything runs: what the processes have seen of the database
// is another afterwards, and all goes on without a restart. However it ends, it is done or nothing has changed.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { BusPeer } from '../../support/bus-peer.mjs';
import { openEvents } from '../../support/event-stream.mjs';
import { startStack } from '../../support/stack.mjs';
import { hashOf } from '../../support/tokens.mjs';
import { eventually } from '../../support/wait.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const ADMIN = join(ROOT, 'deploy', 'admin');
const OPERATING = join(ROOT, 'deploy', 'OPERATING.md');
const NAMES = ['authsvc', 'authsvc-2', 'roomsvc', 'roomsvc-2', 'gateway'];
const WITHIN_MS = 5000;
const OLD_MIGRATION = '005_revoked_tokens';

let stack;
let peer;
let folder;
let token;

before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lynks-backup-'));
    stack = await startStack({ LYNKS_REPLICAS: '2', LYNKS_LOGIN_ADDRESS_BURST: '10000' });
    peer = new BusPeer(stack, `127.0.0.1:${stack.base + 1},127.0.0.1:${stack.base + 21}`);
    token = await stack.token();
    await eventually(works, { within: WITHIN_MS, what: 'all works' });
});
after(async () => {
    const code = await peer?.end();
    await stack?.remove();
    await rm(folder, { recursive: true, force: true });
    assert.equal(code, 0);
});

async function works() {
    for (const answer of [await stack.login(), await stack.create(token), await stack.list(token)]) {
        if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
    }
    return true;
}

async function isListed(own, room) {
    const list = await stack.list(own, room);
    if (list.status !== 200) throw new Error(`${list.status} ${list.text}`);
    return true;
}

// Each replica of a service has to hear of what has changed.
const worksEverywhere = () => eventually(async () => {
    for (let i = 0; i < 10; i += 1) await works();
    return true;
}, { within: WITHIN_MS, what: 'all works after the restore' });

// The page's own line, in the folder of this test.
async function command(name) {
    const page = await readFile(OPERATING, 'utf8');
    const line = page.split('\n').find((text) => text.startsWith(`deploy/admin ${name} `));
    assert.ok(line, `OPERATING.md has no deploy/admin ${name}`);
    return run('bash', ['-c', line.replace('deploy/admin', `"${ADMIN}"`)], { cwd: folder, env: env() });
}

// What is killed leaves its temporary files behind: in the folder of this test.
const env = () => ({ ...stack.env, TMPDIR: folder });
const pathOf = (name) => join(folder, name);
const admin = (...args) => run(ADMIN, args, { env: env() });
const restore = (file) => admin('restore', file);
const databases = async () => (await backupSql('SHOW DATABASES')).filter(([name]) => name.startsWith('lynks_db')).flat();

async function refusesToRestore(file, code, reason, what = file) {
    await assert.rejects(restore(file), (error) => {
        assert.equal(error.code, code, `${what}: ${error.stderr}`);
        assert.match(error.stderr, reason, what);
        return true;
    });
    assert.deepEqual(await databases(), ['lynks_db']);
}

// Rows, as the account for back-ups sees them.
async function backupSql(query, database = 'lynks_db') {
    const { stdout } = await run('mariadb', ['--no-defaults', '--batch', '--skip-column-names', '--host=127.0.0.1',
        `--port=${stack.ports.mysql}`, '--user=lynks_backup', database, '--execute', query],
    { env: { ...process.env, MYSQL_PWD: await stack.secret('mysql-backup-password') } });
    return stdout.split('\n').filter(Boolean).map((line) => line.split('\t'));
}

// Ten calls: both replicas of authsvc are asked, and each of them has to say so.
async function isRefusedEverywhere(own) {
    const answers = await Promise.all(Array.from({ length: 10 }, () => stack.list(own)));
    return answers.every(({ status }) => status === 401);
}

async function tokenKnownEverywhere() {
    const own = await stack.token();
    const lists = await Promise.all(Array.from({ length: 10 }, () => stack.list(own)));
    for (const list of lists) assert.equal(list.status, 200, list.text);
    return own;
}

async function revoke() {
    const own = await tokenKnownEverywhere();
    assert.equal(await peer.ask(`revoke ${hashOf(own)}`), 'OK 1');
    await eventually(() => isRefusedEverywhere(own), { within: 2000, what: 'it is revoked on both replicas' });
}

const epochOf = async () => Number((await stack.sql('SELECT epoch FROM nodes'))[0][0]);

// As ten changes of the bridge that acts would have left it.
async function raiseEpoch() {
    await stack.sql('UPDATE nodes SET epoch = epoch + 10');
    const heard = async () => (await stack.ops('janusbridge', '/metrics')).text + (await stack.request('/metrics',
        { method: 'GET', port: stack.base + 123, agent: undefined })).text;
    const epoch = await epochOf();
    await eventually(async () => (await heard()).includes(`lynks_janusbridge_lease_epoch ${epoch}\n`),
        { within: WITHIN_MS, what: 'the bridge has the later epoch' });
    await eventually(works, { within: WITHIN_MS, what: 'all works with the later epoch' });
}

test('a back-up is restored while all runs: logins, creates and lists work, and what is revoked ends', async () => {
    await command('backup');
    assert.equal((await stat(pathOf('lynks.backup'))).mode & 0o777, 0o600);
    const pids = await Promise.all(NAMES.map((name) => stack.pid(name)));
    for (let i = 0; i < 3; i += 1) await revoke();
    await raiseEpoch();
    const epoch = await epochOf();
    await command('restore');
    assert.ok(await epochOf() >= epoch, 'the lease is not an older one');
    await worksEverywhere();
    await eventually(async () => {
        const answers = await Promise.all(['authsvc', 'roomsvc', 'janusbridge', 'gateway'].map((name) => stack.ops(name, '/readyz')));
        return answers.every(({ status }) => status === 200);
    }, { within: WITHIN_MS, what: 'all are ready' });
    await revoke();
    assert.deepEqual(await Promise.all(NAMES.map((name) => stack.pid(name))), pids, 'nothing was started again');
    assert.deepEqual(await databases(), ['lynks_db']);
});

test('who has signed in since is out, who was signed out since is in, and rooms are as they were', async () => {
    const signedOut = await tokenKnownEverywhere();
    const room = (await stack.create(token)).json.room_id;
    const own = (await stack.request('/v1/rooms', { token, body: { name: 'Tea' } })).json.id;
    const look = () => stack.sql(`SELECT look_unix_ms FROM rooms WHERE room_id = ${own}`);
    const never = await look(); // one that does not end for want of use
    await admin('backup', pathOf('before.backup'));
    assert.equal(await peer.ask(`revoke ${hashOf(signedOut)}`), 'OK 1');
    const signedIn = await tokenKnownEverywhere();
    const stream = await openEvents(stack.ports.http, { token: signedIn });
    await stream.event('snapshot');
    await stack.sql(`DELETE FROM rooms WHERE room_id = ${room}`);
    await restore(pathOf('before.backup'));
    await eventually(() => isRefusedEverywhere(signedIn), { within: 1000, what: 'the later session is over' });
    assert.deepEqual((await stream.event('end', 1000)).data, { reason: 'session_ended' });
    await eventually(() => isListed(signedOut, room),
        { within: WITHIN_MS, what: 'the earlier session and the room are there' });
    assert.deepEqual(await look(), never);
    await worksEverywhere();
});

test('the journal of rooms has another generation after each restore, and who has streams is not forgotten', async () => {
    const generation = async () => BigInt((await stack.sql('SELECT generation FROM journal_generation'))[0][0]);
    await admin('backup', pathOf('journal.backup'));
    assert.doesNotMatch(await readFile(pathOf('journal.backup'), 'latin1'), /INSERT INTO `(presence|nodes|rtc_connections)`/);
    const gateway = "REPEAT('g', 16)";
    await stack.sql(`INSERT INTO presence (participant_id, gateway, is_open, number, changed_unix_ms)
        VALUES (1, ${gateway}, 1, 1, 1)`);
    const generations = [await generation()];
    for (let i = 0; i < 2; i += 1) {
        await restore(pathOf('journal.backup'));
        generations.push(await generation());
    }
    assert.ok(generations[0] < generations[1] && generations[1] < generations[2], generations.join());
    assert.deepEqual(await stack.sql(`SELECT is_open FROM presence WHERE gateway = ${gateway}`), [['1']]);
    await stack.sql(`DELETE FROM presence WHERE gateway = ${gateway}`);
    await worksEverywhere();
});

test('connections for media are those that there are, and people send what comes by them', async () => {
    const room = (await stack.request('/v1/rooms', { token, body: { name: 'Film', guests_wait: false } })).json;
    const ids = [];
    for (const name of ['Ann', 'Ben', 'Cay']) {
        const joined = await stack.request(`/v1/rooms/${room.code}/participants`, { body: { name } });
        assert.equal(joined.status, 201, joined.text);
        ids.push(joined.json.participant.id);
    }
    const [ann, ben, cay] = ids;
    const connect = (id, published, lost) => stack.sql(`INSERT INTO rtc_connections (connection, kind, room_id,
        participant_id, joined_unix_ms, node, epoch, version, janus_session, janus_handle, feed, is_up, published, lost, media,
        quiet_unix_ms, created_unix_ms) SELECT UNHEX(MD5(participant_id)), 1, room_id, participant_id, joined_unix_ms,
        'elsewhere', 1, 1, 6, 7, 8, 1, ${published}, ${lost}, '', 0, 1 FROM participants WHERE participant_id = ${id}`);
    await stack.sql(`UPDATE participants SET published = 3 WHERE participant_id IN (${ids})`);
    await connect(ann, 3, 0);
    await connect(ben, 3, 0);
    await admin('backup', pathOf('film.backup'));
    await stack.sql(`DELETE FROM rtc_connections WHERE participant_id = ${ann}`);
    await stack.sql(`UPDATE rtc_connections SET published = 7, lost = 1 WHERE participant_id = ${ben}`);
    await connect(cay, 1, 1);
    await stack.sql(`UPDATE rtc_connections SET joined_unix_ms = 1 WHERE participant_id = ${cay}`);
    await restore(pathOf('film.backup'));
    const sent = `SELECT published, lost FROM participants WHERE participant_id`;
    assert.deepEqual(await stack.sql(`${sent} = ${ann}`), [['0', '0']]);
    assert.deepEqual(await stack.sql(`${sent} = ${ben}`), [['7', '1']]);
    assert.deepEqual(await stack.sql(`${sent} = ${cay}`), [['0', '0']], 'it is of before he came back');
    assert.deepEqual(await stack.sql("SELECT COUNT(*) FROM rtc_connections WHERE node = 'elsewhere'"), [['2']]);
    await stack.sql("DELETE FROM rtc_connections WHERE node = 'elsewhere'");
    await worksEverywhere();
});

test('streams of rooms that run are told to begin anew, and nobody goes on in the journal that was before', async () => {
    const room = (await stack.request('/v1/rooms', { token, body: { name: 'Choir', guests_wait: false } })).json;
    const joined = await stack.request(`/v1/rooms/${room.code}/participants`, { body: { name: 'Ann' } });
    assert.equal(joined.status, 201, joined.text);
    const { participant, token: own } = joined.json;
    const rename = (name) => stack.request(`/v1/rooms/${room.id}/participants/${participant.id}`,
        { method: 'PATCH', token: `Bearer ${own}`, body: { name } });
    const path = `/v1/rooms/${room.id}/events`;
    const stream = await openEvents(stack.ports.http, { path, token: own });
    const before = await stream.event('snapshot');
    await admin('backup', pathOf('choir.backup'));
    assert.equal((await rename('Beth')).status, 200);
    const last = await stream.event('participant.updated');
    await restore(pathOf('choir.backup'));
    await stream.event('reset');
    const after = await eventually(() => stream.events.filter(({ event }) => event === 'snapshot')[1], { what: 'a snapshot' });
    assert.notEqual(after.id.split('.')[0], before.id.split('.')[0], 'another generation');
    assert.deepEqual(after.data.participants.map(({ name }) => name), ['Ann']);
    assert.equal((await rename('Cleo')).status, 200);
    await eventually(() => stream.events.at(-1).data.data?.participant.name === 'Cleo', { what: 'it goes on' });
    const again = await openEvents(stack.ports.http, { path, token: own, headers: { 'last-event-id': last.id } });
    await again.event('snapshot');
    assert.deepEqual(again.events.map(({ event }) => event), ['reset', 'snapshot']);
    assert.deepEqual(again.events[1].data.participants.map(({ name }) => name), ['Cleo']);
    await Promise.all([stream.end(), again.end()]);
});

// Migrated by this Lynks' own program, but not to the end; with a user, his session of this token and a room.
async function makeOldBackup(file, old) {
    const { entries } = JSON.parse(await readFile(join(stack.state, 'table.json'), 'utf8'));
    const migrate = entries.find(({ name }) => name === 'migrate');
    const sql = pathOf('sql');
    await run('bash', ['-c', 'mkdir -p "$2" && cp -r "$1"/sql/00[1-5]_*.sql "$1/sql/seed" "$2"', 'bash', ROOT, sql]);
    await backupSql('CREATE DATABASE lynks_db_before CHARACTER SET utf8mb4');
    await run(migrate.argv[0], [], { env: { LYNKS_MYSQL_PORT: String(stack.ports.mysql), LYNKS_MYSQL_USER: 'lynks_backup',
        LYNKS_MYSQL_PASSWORD: await stack.secret('mysql-backup-password'), LYNKS_MYSQL_DATABASE: 'lynks_db_before',
        LYNKS_SQL_DIR: sql } });
    await backupSql(`INSERT INTO users (username, password) SELECT 'old', password FROM lynks_db.users LIMIT 1;
        INSERT INTO sessions (token_hash, user_id, created_unix_ms, expires_unix_ms) SELECT UNHEX('${hashOf(old)}'), id,
            UNIX_TIMESTAMP() * 1000, UNIX_TIMESTAMP() * 1000 + 600000 FROM users WHERE username = 'old';
        INSERT INTO rooms (room_id, secret, publishers_max, owner_id, created_unix_ms) SELECT 4711, secret, 6, owner_id,
            created_unix_ms FROM lynks_db.rooms LIMIT 1`, 'lynks_db_before');
    const { stdout } = await run('mariadb-dump', ['--no-defaults', '--host=127.0.0.1', `--port=${stack.ports.mysql}`,
        '--user=lynks_backup', 'lynks_db_before'],
    { encoding: 'latin1', env: { ...process.env, MYSQL_PWD: await stack.secret('mysql-backup-password') } });
    await backupSql('DROP DATABASE lynks_db_before');
    const text = `-- lynks-backup 1 migration=${OLD_MIGRATION}\n${stdout}`;
    const sum = createHash('sha256').update(text, 'latin1').digest('hex');
    await writeFile(file, `${text}-- lynks-backup-end sha256=${sum}\n`, 'latin1');
}

test('a back-up of an older version is migrated', async () => {
    await admin('backup', pathOf('now.backup'));
    const old = await stack.token();
    await makeOldBackup(pathOf('old.backup'), old);
    await restore(pathOf('old.backup'));
    await eventually(() => isRefusedEverywhere(token), { within: 1000, what: 'nobody of now is signed in' });
    await eventually(() => isListed(old, 4711), { within: WITHIN_MS, what: 'its session and room are there' });
    assert.equal((await stack.login('old', 'test123')).status, 200);
    assert.deepEqual(await stack.sql("SELECT role, disabled FROM users WHERE username = 'old'"), [['1', '0']]);
    await restore(pathOf('now.backup'));
    await worksEverywhere();
    assert.deepEqual(await stack.sql("SELECT id FROM users WHERE username = 'old'"), []);
});

test('what is cut, damaged, foreign or newer is refused, and nothing changes', async () => {
    await admin('backup', pathOf('whole.backup'));
    const whole = await readFile(pathOf('whole.backup'), 'latin1'); // there are bytes in it
    const header = whole.slice(0, whole.indexOf('\n') + 1);
    const newest = header.match(/migration=(\d+)/)[1];
    const cases = {
        'only its header': [header, /cut/],
        'half of it': [whole.slice(0, whole.length / 2), /cut/],
        'all but its last line': [whole.slice(0, whole.lastIndexOf('-- lynks-backup-end')), /cut/],
        'a cut check sum': [whole.slice(0, -10), /damaged/],
        'another name in it': [whole.replace('testuser', 'testusex'), /damaged/],
        'a newer one': [whole.replace(`migration=${newest}`, `migration=${String(Number(newest) + 1).padStart(3, '0')}`), /newer than this Lynks/],
        'a foreign dump': [whole.slice(header.length), /no back-up of Lynks/],
        'nothing': ['', /no back-up of Lynks/],
        'bytes': [Buffer.alloc(5000, '\0\xff\n', 'latin1'), /no back-up of Lynks/],
    };
    for (const [what, [content, reason]] of Object.entries(cases)) {
        await writeFile(pathOf('bad.backup'), content, 'latin1');
        await refusesToRestore(pathOf('bad.backup'), 1, reason, what);
    }
    await refusesToRestore(pathOf('missing.backup'), 2, /cannot read/);
    await refusesToRestore(folder, 2, /cannot read/);
    await works();
});

// The program with its standard input open; ended tells how it has gone.
function start(...args) {
    const child = spawn(ADMIN, args, { env: env(), stdio: ['pipe', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data) => { stderr += data; });
    child.stdin.on('error', () => {}); // it may be gone before it has read all
    return { child, ended: new Promise((resolve) => { child.on('close', (code) => resolve({ code, stderr })); }) };
}

test('a restore that is interrupted in the middle has changed nothing, and the next one goes through', async () => {
    await admin('backup', pathOf('whole.backup'));
    const whole = await readFile(pathOf('whole.backup'));
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL']) {
        const { child, ended } = start('restore', '-');
        child.stdin.write(whole.subarray(0, whole.length - 200));
        await eventually(async () => (await backupSql("SELECT 1 FROM information_schema.tables WHERE table_schema = 'lynks_db_restore' LIMIT 1")).length > 0,
            { within: WITHIN_MS, what: 'it has begun' });
        child.kill(signal);
        // What a killed one leaves behind ends with its input; the next one waits for that.
        const next = signal === 'SIGKILL' ? restore(pathOf('whole.backup')) : undefined;
        if (next) child.stdin.end();
        const { code, stderr } = await ended;
        if (signal !== 'SIGKILL') {
            assert.equal(code, 130, stderr);
            assert.match(stderr, /interrupted: nothing has changed; the database is as it was/);
            assert.deepEqual(await databases(), ['lynks_db']);
        }
        await next;
        await worksEverywhere();
    }
    await restore(pathOf('whole.backup'));
    assert.deepEqual(await databases(), ['lynks_db']);
    await worksEverywhere();
});

// Until release is called a back-up has to wait in the middle.
async function holdTable() {
    const holder = spawn('mariadb', ['--no-defaults', '--batch', '--skip-column-names', '--unbuffered', '--host=127.0.0.1',
        `--port=${stack.ports.mysql}`, '--user=lynks', 'lynks_db'],
    { env: { ...process.env, MYSQL_PWD: await stack.secret('mysql-password') }, stdio: ['pipe', 'pipe', 'ignore'] });
    const gone = new Promise((resolve) => { holder.on('close', resolve); });
    holder.stdin.on('error', () => {});
    holder.stdin.write("LOCK TABLES users WRITE; SELECT 'held';\n");
    await new Promise((resolve) => { holder.stdout.once('data', resolve); });
    return async () => {
        holder.stdin.end();
        await gone;
    };
}

const isWritten = async () => (await readdir(folder)).some((name) => name.startsWith('.kept.backup.'));

test('a back-up that is interrupted or fails leaves the one that was there', async () => {
    const kept = pathOf('kept.backup');
    await writeFile(kept, 'the last one');
    for (const signal of ['SIGINT', 'SIGTERM']) {
        const release = await holdTable();
        const { child, ended } = start('backup', kept);
        await eventually(isWritten, { within: WITHIN_MS, what: 'it has begun' });
        child.kill(signal);
        const { code, stderr } = await ended;
        assert.equal(code, 130, stderr);
        assert.match(stderr, /interrupted/);
        assert.equal(await readFile(kept, 'utf8'), 'the last one');
        assert.equal(await isWritten(), false);
        await release();
    }
    const release = await holdTable();
    const { ended } = start('backup', kept);
    await eventually(isWritten, { within: WITHIN_MS, what: 'it has begun' });
    await stack.crash('mysql');
    const { code, stderr } = await ended;
    assert.equal(code, 1, stderr);
    assert.equal(await readFile(kept, 'utf8'), 'the last one');
    assert.equal(await isWritten(), false);
    await release();
    await eventually(works, { within: WITHIN_MS, what: 'all works' });
});

test('arguments that cannot be are refused', async () => {
    for (const args of [[], ['backup'], ['restore'], ['backup', 'a', 'b'], ['unknown', 'a'], ['backup', folder]]) {
        await assert.rejects(admin(...args), { code: 2 }, args.join(' '));
    }
});
