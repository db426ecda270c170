// README's lines from an admin to a user who is out, run as they stand against any stack.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 120000;

/// admin: what stands for deploy/admin where the stack is in containers.
export async function assertPeopleLines(stack, admin = 'deploy/admin') {
    const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
    const [, script] = /<!-- people -->\n```sh\n([^]*?)```/.exec(readme);
    const here = script.replaceAll('localhost:60000', `127.0.0.1:${stack.ports.http}`).replaceAll('deploy/admin', admin);
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', here], { env: stack.env, cwd: ROOT, timeout: TIMEOUT_MS });
    const lines = stdout.trim().split('\n');
    assert.match(lines[0], /"username":"carol"/, stdout);
    assert.deepEqual(lines.slice(1, 3), ['the phone is out', '200'], stdout);
    assert.match(stdout, /^[0-9a-f]{32} +laptop /m);
    assert.doesNotMatch(stdout, /^[0-9a-f]{32} +phone /m);
    assert.match(stdout, /^carol +carol +member +yes /m);
    assert.equal(lines.at(-1), 'carol is out', stdout);
}
