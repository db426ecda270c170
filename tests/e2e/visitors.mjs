// People who use the web client as it is: each a page in a profile of its own. What a page complains of is kept, and so are pictures
// of what was seen, in build/shots.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchPeople } from '../support/browser.mjs';
import { eventually } from '../support/wait.mjs';

const SHOTS = fileURLToPath(new URL('../../build/shots/', import.meta.url));
/// The pictures of the documents; LYNKS_KEEP_SHOTS=1 puts those of this run in their place.
export const KEPT_SHOTS = fileURLToPath(new URL('../../gateway/web/screenshots/', import.meta.url));
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/// Names of those that the client's README shows.
export const documented = [...readFileSync(new URL('../../gateway/web/README.md', import.meta.url), 'utf8')
    .matchAll(/\(screenshots\/([\w-]+\.png)\)/g)].map(([, name]) => name);
/// Names of the files of all pictures of this run.
export const shotsTaken = [];
const MEDIA_MS = 15000;
/// A small camera, as a user may choose it: four pages with large ones are too much for two cores.
const SMALL_CAMERA = () => localStorage.setItem('lynks.small.video', 'yes');
const DRAWN_CAMERA = new URL('../support/drawn-camera.js', import.meta.url);

export class Visitor {
    constructor(page, name) {
        this.page = page;
        this.name = name;
        this.faults = [];
        page.setDefaultTimeout(MEDIA_MS);
        page.on('console', (message) => {
            // A refused request is the browser's to tell of, and the client's to handle.
            if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.faults.push(message.text());
        });
        page.on('pageerror', (error) => this.faults.push(error.stack ?? String(error)));
    }

    button(name, exact = true) { return this.page.getByRole('button', { name, exact }); }
    click(name, exact = true) { return this.button(name, exact).click(); }
    sees(text) { return this.page.getByText(text).first().waitFor(); }
    heading(name) { return this.page.getByRole('heading', { name }).first().waitFor(); }

    async signIn(url, username, password) {
        await this.page.goto(url);
        await this.page.getByLabel('Name', { exact: true }).fill(username);
        await this.page.getByLabel('Password').fill(password);
        await this.click('Sign in');
        await this.heading('Meetings');
    }

    /// From the link to being in, or to waiting.
    async join(link, { wait = false } = {}) {
        await this.page.goto(link);
        await this.page.getByLabel('Your name').fill(this.name);
        await this.click(wait ? 'Ask to join' : 'Join');
        if (wait) await this.sees('You will be let in');
        else await this.isIn();
    }

    isIn() { return this.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor(); }

    tile(name) { return this.page.getByRole('article', { name, exact: true }); }

    /// Frames that each tile's video has shown so far: name -> number.
    pictures() {
        return this.page.evaluate(() => Object.fromEntries([...document.querySelectorAll('.tile video')]
            .map((video) => [video.getAttribute('aria-label'), video.videoWidth > 0 ? video.getVideoPlaybackQuality().totalVideoFrames : 0])));
    }

    /// Sees moving pictures of these, and of nobody else but himself.
    async seesMoving(...names) {
        let first;
        await eventually(async () => {
            const now = await this.pictures();
            delete now[this.name];
            assert.deepEqual(Object.keys(now).sort(), [...names].sort());
            if (first === undefined || names.some((name) => now[name] < (first[name] ?? Infinity))) first = now;
            const still = names.filter((name) => now[name] <= first[name]);
            assert.deepEqual(still, []);
            return true;
        }, { within: MEDIA_MS, what: `${this.name} sees ${names}` });
    }

    async openPanel(name) {
        await this.page.getByRole('toolbar').getByRole('button', { name: new RegExp(`^${name}`) }).click();
        return this.page.getByRole('complementary', { name });
    }

    async menu(of, item) {
        await this.page.getByRole('complementary').getByRole('button', { name: `More for ${of}`, exact: true }).click();
        await this.page.getByRole('menuitem', { name: item, exact: true }).click();
    }

    async shot(name) {
        await mkdir(SHOTS, { recursive: true });
        const picture = join(SHOTS, `${name}.png`);
        await this.page.screenshot({ path: picture });
        shotsTaken.push(`${name}.png`);
        if (process.env.LYNKS_KEEP_SHOTS === '1' && documented.includes(`${name}.png`)) await copyFile(picture, join(KEPT_SHOTS, `${name}.png`));
    }

    /// Nothing that axe finds, and nothing that is wider than the page.
    async isAccessible(what) {
        await this.page.evaluate(`${await readFile(AXE, 'utf8')}; 0`);
        const found = await this.page.evaluate(async () => (await window.axe.run()).violations
            .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' ')}`));
        assert.deepEqual(found, [], what);
        assert.equal(await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0, `${what} is as wide as the page`);
    }
}

export async function startVisitors() {
    const browser = await launchPeople();
    const drawnCamera = (await readFile(DRAWN_CAMERA, 'utf8')).replace(/^\/\/.*\n/gm, '');
    const visitors = [];
    return {
        async visitor(name, options = {}) {
            const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, ...options });
            await page.addInitScript(SMALL_CAMERA);
            await page.addInitScript(`(${drawnCamera.trim()})(${JSON.stringify(name)})`);
            const visitor = new Visitor(page, name);
            visitors.push(visitor);
            return visitor;
        },
        faults: () => visitors.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`)),
        close: () => browser.close(),
    };
}
