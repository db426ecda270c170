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

/// A browser with an empty profile of its own; close() ends it and removes the profile. flags: further ones of the command
/// line; options: of playwright's context.
export async function launchBrowser(flags = [], options = {}) {
    const profile = await mkdtemp(join(tmpdir(), 'lynks-chromium-'));
    const context = await chromium.launchPersistentContext(profile, {
        executablePath: '/usr/bin/chromium',
        args: [...FLAGS, ...flags],
        // What it and its libraries write anywhere goes with the profile.
        env: { ...process.env, HOME: profile, TMPDIR: profile, XDG_RUNTIME_DIR: profile },
        ...options,
    });
    return {
        newPage: () => context.newPage(),
        cookies: () => context.cookies(),
        async close() {
            await context.close();
            await rm(profile, { recursive: true, force: true, maxRetries: 5 });
        },
    };
}
