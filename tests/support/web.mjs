// The web client as its build makes it, for tests that need it.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startStack } from './stack.mjs';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/// Builds it; resolves with its folder, for LYNKS_WEB_ROOT.
export async function buildWeb() {
    await run(join(ROOT, 'tests/support/web-files'));
    return join(ROOT, 'build/web');
}

/// A whole stack that serves it.
export async function startWebStack() {
    return startStack({ LYNKS_WEB_ROOT: await buildWeb() });
}
