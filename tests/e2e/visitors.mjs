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
const picturesIn = (page) => [...readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8').matchAll(/screenshots\/([\w-]+\.png)\)/g)].map(([, name]) => name);
/// Names of those that the client's README shows, and of those of OPERATING, which other tests take.
export const documented = picturesIn('gateway/web/README.md');
export const documentedElsewhere = picturesIn('deploy/OPERATING.md');
// Playwright gives this style, "body {}", to a page in Firefox of which it makes a picture; the page refuses it.
const STYLE_OF_SHOTS = 'sha256-YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT+SmwNZWA=';
/// Names of the files of all pictures of this run.
export const shotsTaken = [];
const MEDIA_MS = 15000;
/// Of what is clicked and looked for: a busy machine takes its time.
const PATIENCE_MS = 60000;
/// A small camera, as a user may choose it: four pages with large ones are too much for two cores.
const SMALL_CAMERA = () => localStorage.setItem('lynks.small.video', 'yes');
// As an expression, for a page.
async function inPage(name) {
    const text = await readFile(new URL(`../support/${name}`, import.meta.url), 'utf8');
    return text.replace(/^\/\/.*\n/gm, '').trim();
}

export class Visitor {
    constructor(page, name) {
        this.page = page;
        this.name = name;
        this.faults = [];
        page.setDefaultTimeout(PATIENCE_MS);
        page.on('console', (message) => {
            // A refused request is the browser's to tell of, and the client's to handle.
            if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.faults.push(message.text());
        });
        page.on('pageerror', (error) => {
            if (!error.message.includes(STYLE_OF_SHOTS)) this.faults.push(`${error.message}\n${error.stack ?? ''}`);
        });
    }

    button(name, exact = true) { return this.page.getByRole('button', { name, exact }); }
    click(name, exact = true) { return this.button(name, exact).click(); }
    sees(text) { return this.page.getByText(text).first().waitFor(); }
    heading(name) { return this.page.getByRole('heading', { name }).first().waitFor(); }

    async signIn(url, username, password) {
        const [signedIn, refused] = [this.page.getByRole('heading', { name: 'Meetings' }), this.page.getByRole('alert')];
        // A machine that is too busy to look at a password in time says so.
        await eventually(async () => {
            await this.page.goto(url);
            await this.page.getByLabel('Name', { exact: true }).fill(username);
            await this.page.getByLabel('Password').fill(password);
            await this.click('Sign in');
            await signedIn.or(refused).first().waitFor();
            return signedIn.isVisible();
        }, { what: `${username} is signed in` });
    }

    /// From the link to being in, or to waiting.
    async join(link, { wait = false } = {}) {
        await this.page.goto(link);
        await this.page.getByLabel('Your name').fill(this.name);
        await this.click(wait ? 'Ask to join' : 'Join');
        if (wait) await this.sees(/You will be let in|The meeting has not begun/);
        else await this.isIn();
    }

    isIn() { return this.page.getByRole('toolbar', { name: 'Meeting controls' }).waitFor(); }

    tile(name) { return this.page.getByRole('article', { name, exact: true }); }

    /// Frames that each tile's video has shown so far: name -> number.
    pictures() {
        return this.page.evaluate(() => Object.fromEntries([...document.querySelectorAll('.tile video')]
            .map((video) => [video.getAttribute('aria-label'), video.videoWidth > 0 ? window.memory.framesOf(video) : 0])));
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

    /// What the page's memory tells (tests/support/page-memory.js).
    remembers(what) { return this.page.evaluate((name) => window.memory[name](), what); }

    /// Sound comes, and it is not silence.
    async hears() {
        const first = await this.remembers('comes');
        await eventually(async () => {
            const now = await this.remembers('comes');
            if (now.audioPackets < first.audioPackets) Object.assign(first, now);
            return now.audioPackets > first.audioPackets && now.audioEnergy > first.audioEnergy;
        }, { within: MEDIA_MS, what: `${this.name} hears something` });
    }

    /// Camera and microphone are not in use any more, and no connection is left.
    async hasLetGo() {
        await eventually(async () => {
            assert.deepEqual(await this.remembers('liveTracks'), []);
            assert.equal(await this.remembers('openPeers'), 0);
            return true;
        }, { what: `${this.name} has let go of camera and microphone` });
    }

    async say(text) {
        if (await this.page.getByLabel('Write a message').count() === 0) await this.openPanel('Chat');
        await this.page.getByLabel('Write a message').fill(text);
        await this.page.keyboard.press('Enter');
    }

    /// It is told, in the chat that is open.
    async isTold(text) {
        if (await this.page.getByLabel('Write a message').count() === 0) await this.openPanel('Chat');
        await this.page.getByRole('listitem').getByText(text, { exact: true }).waitFor();
    }

    /// Tiles of these, himself among them, and of nobody else.
    async shows(...names) {
        await eventually(async () => {
            const all = await this.page.getByRole('article').evaluateAll((tiles) => tiles.map((tile) => tile.getAttribute('aria-label')));
            assert.deepEqual(all.sort(), names.sort());
            return true;
        }, { within: 10000, what: `${this.name} has tiles of ${names}` });
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
        if (process.env.LYNKS_KEEP_SHOTS === '1' && [...documented, ...documentedElsewhere].includes(`${name}.png`)) await copyFile(picture, join(KEPT_SHOTS, `${name}.png`));
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

/// browser: as launchPeople gives it.
export async function startVisitors(browser = launchPeople()) {
    const { newPage, close } = await browser;
    const drawnCamera = await inPage('drawn-camera.js');
    const memory = await inPage('page-memory.js');
    const visitors = [];
    return {
        /// options: of playwright's context. beside: whose browser profile it is, as another tab; hasSmallCamera: as a user may choose it.
        async visitor(name, { beside, hasSmallCamera = true, ...options } = {}) {
            const page = beside === undefined ? await newPage({ viewport: { width: 1280, height: 720 }, ...options }) : await beside.page.context().newPage();
            // Not in the empty page before, which may neither keep anything nor have a camera.
            await page.addInitScript(`if (location.protocol.startsWith('http')) {
                ${hasSmallCamera ? `(${SMALL_CAMERA})();` : ''}
                (${drawnCamera})(${JSON.stringify(name)});
                (${memory})();
            }`);
            const visitor = new Visitor(page, name);
            visitors.push(visitor);
            return visitor;
        },
        faults: () => visitors.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`)),
        close,
    };
}

/// A meeting of testuser's that the API makes, in which guests need not wait; its link.
export async function makeMeeting(stack, name, options = {}) {
    // A machine that is too busy to look at a password in time says so.
    const token = await eventually(async () => (await stack.request('/v1/sessions', { body: { username: 'testuser', password: 'test123' } })).json?.token,
        { what: 'testuser is signed in' });
    const made = await stack.request('/v1/rooms', { token: `Bearer ${token}`, body: { name, guests_wait: false, ...options } });
    assert.equal(made.status, 201, made.text);
    return `http://127.0.0.1:${stack.ports.http}/${made.json.code}`;
}
