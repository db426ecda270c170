// A real Chromium with a fake camera and microphone. Shared by all tests that need a browser.
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(new URL('../e2e/package.json', import.meta.url))('playwright-core');

const FLAGS = [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
];

async function ownFolder(flags) {
    const profile = await mkdtemp(join(tmpdir(), 'lynks-chromium-'));
    return {
        profile,
        launch: {
            executablePath: '/usr/bin/chromium',
            args: [...FLAGS, ...flags],
            // What it and its libraries write anywhere goes with the folder.
            env: { ...process.env, HOME: profile, TMPDIR: profile, XDG_RUNTIME_DIR: profile },
        },
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
/// the profile; close() ends all.
export async function launchPeople(flags = []) {
    const { launch, remove } = await ownFolder(flags);
    const browser = await chromium.launch(launch);
    return {
        newPage: async (options) => (await browser.newContext(options)).newPage(),
        async close() {
            await browser.close();
            await remove();
        },
    };
}
