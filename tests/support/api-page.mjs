// API.md's lines from an admin to a user who is out, and those of meetings, run as they stand against any stack.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 120000;

// What the lines below <!-- name --> print. admin: what stands for deploy/admin where the stack is in containers.
async function runLines(stack, name, admin) {
    const page = await readFile(join(ROOT, 'API.md'), 'utf8');
    const [, script] = new RegExp(`<!-- ${name} -->\\n\`\`\`sh\\n([^]*?)\`\`\``).exec(page);
    const here = script.replaceAll('localhost:60000', `127.0.0.1:${stack.ports.http}`).replaceAll('deploy/admin', admin);
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here], { env: stack.env, cwd: ROOT, timeout: TIMEOUT_MS });
    return { stdout, lines: stdout.trim().split('\n') };
}

export async function assertPeopleLines(stack, admin = 'deploy/admin') {
    const { stdout, lines } = await runLines(stack, 'people', admin);
    assert.match(lines[0], /"username":"paula"/, stdout);
    assert.deepEqual(lines.slice(1, 3), ['the phone is out', '200'], stdout);
    assert.match(stdout, /^[0-9a-f]{32} +laptop /m);
    assert.doesNotMatch(stdout, /^[0-9a-f]{32} +phone /m);
    assert.match(stdout, /^paula +paula +member +yes /m);
    assert.equal(lines.at(-1), 'paula is out', stdout);
}

export async function assertMeetingLines(stack, admin = 'deploy/admin') {
    const { stdout, lines } = await runLines(stack, 'meeting', admin);
    const data = lines.filter((line) => line.startsWith('data: {"type"')).map((line) => JSON.parse(line.slice(6)));
    assert.deepEqual(data.map(({ type, data: { participant } }) => [type, participant.name, participant.hand_raised_at !== undefined]),
        [['hand.raised', 'dave', true], ['hand.lowered', 'dave', false], ['hand.raised', 'dave', true]], stdout);
    assert.ok(lines.includes('all three have heard the same'), stdout);
    assert.deepEqual(lines.slice(-2), ['event: end', 'data: {"reason":"meeting_ended"}'], stdout);
}

const DOOR_TYPES = ['invitation.updated', 'participant.waiting', 'participant.admitted', 'message.created', 'participant.muted',
    'participant.banned'];

export async function assertDoorLines(stack, admin = 'deploy/admin') {
    const { stdout, lines } = await runLines(stack, 'door', admin);
    const end = lines.indexOf('and no way back:');
    assert.deepEqual(lines.slice(0, end).filter((line) => line.startsWith('event: ')).map((line) => line.slice(7)).sort(),
        [...DOOR_TYPES, 'end'].sort(), stdout);
    assert.ok(lines.includes('data: {"reason":"banned"}'), stdout);
    assert.deepEqual(lines.slice(end + 1), ['"code":"removed"', '"code":"banned"', '"code":"banned"', '"code":"banned"'], stdout);
}
