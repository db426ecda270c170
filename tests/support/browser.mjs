// A real Chromium with a fake camera and microphone. Shared by all tests that need a browser.
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const { chromium, firefox } = createRequire(new URL('../e2e/package.json', import.meta.url))('playwright-core');

const FLAGS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
];

const CHROMIUM = '/usr/bin/chromium';
const FIREFOX = '/usr/bin/firefox-esr';
const FIREFOX_PREFERENCES = {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'media.autoplay.default': 0,
    'media.gmp-manager.updateEnabled': false,
};

// What runs it under another program.
async function wrapper(folder, under, program) {
    if (under.length === 0) return program;
    const path = join(folder, 'browser-under');
    await writeFile(path, `#!/bin/sh\nexec ${under.join(' ')} ${program} "$@"\n`, { mode: 0o755 });
    return path;
}

// The browsers' own list of authorities, as their settings change it, is a database of NSS.
async function trust(folder, root) {
    await mkdir(folder, { recursive: true });
    await run('certutil', ['-N', '-d', `sql:${folder}`, '--empty-password']);
    await run('certutil', ['-A', '-d', `sql:${folder}`, '-n', 'root', '-t', 'C,,', '-i', root]);
}

// All processes of a browser have its folder in their environment.
function killAllOf(folder) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        try {
            if (readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`HOME=${folder}`)) process.kill(Number(pid), 'SIGKILL');
        } catch (error) {
            if (!['ENOENT', 'ESRCH', 'EACCES'].includes(error.code)) throw error; // it has ended meanwhile, or is nobody's to look into
        }
    }
}

async function ownFolder(flags, under = []) {
    const profile = await mkdtemp(join(tmpdir(), 'lynks-chromium-'));
    return {
        profile,
        launch: {
            executablePath: await wrapper(profile, under, CHROMIUM),
            args: [...FLAGS, ...flags],
            // What it and its libraries write anywhere goes with the folder.
            env: { ...process.env, HOME: profile, TMPDIR: profile, XDG_RUNTIME_DIR: profile },
        },
        kill: () => killAllOf(profile),
        remove: () => rm(profile, { recursive: true, force: true, maxRetries: 5 }),
    };
}

/// A browser with an empty profile of its own; close() ends it and removes the profile. flags: further ones of the command
/// line; options: of playwright's context.
export async function launchBrowser(flags = [], options = {}) {
    const { profile, launch, remove } = await ownFolder(flags);
    const context = await chromium.launchPersistentContext(profile, { ...launch, ...options });
    return {
        newPage: () => context.newPage(),
        cookies: () => context.cookies(),
        async close() {
            await context.close();
            await remove();
        },
    };
}

/// A browser of many people: each page is of a profile of its own, with six connections to a host of its own. page.close() leaves
/// the profile; close() ends all, and kill() does so without a word. under: a command, with its arguments, that it runs under;
/// root: file of an authority that it trusts.
export async function launchPeople(flags = [], under = [], root = undefined) {
    const { profile, launch, kill, remove } = await ownFolder(flags, under);
    if (root !== undefined) await trust(join(profile, '.pki', 'nssdb'), root);
    const browser = await chromium.launch(launch);
    return {
        newPage: async (options) => (await browser.newContext(options)).newPage(),
        kill,
        async close() {
            await browser.close();
            await remove();
        },
    };
}

/// Likewise in Debian's Firefox; all are of one profile where it trusts another authority.
export async function launchFirefoxPeople(under = [], root = undefined) {
    const { profile, launch: { env }, kill, remove } = await ownFolder([]);
    const launch = { channel: 'moz-firefox', executablePath: await wrapper(profile, under, FIREFOX), headless: true, firefoxUserPrefs: FIREFOX_PREFERENCES, env };
    const people = root === undefined ? await firefox.launch(launch) : await launchTrusting(join(profile, 'trusting'), root, launch);
    return {
        newPage: async (options) => (root === undefined ? await people.newContext(options) : people).newPage(),
        kill,
        async close() {
            await people.close();
            await remove();
        },
    };
}

async function launchTrusting(folder, root, launch) {
    await trust(folder, root);
    return firefox.launchPersistentContext(folder, launch);
}
