// People in rooms of /v1 in one browser, a profile each, with the test page that has nothing but the client's core
// (page/people.js). What a page says on its console, and what it fails at without a word, is kept.
import assert from 'node:assert/strict';
import { launchPeople } from '../support/browser.mjs';
import { eventually } from '../support/wait.mjs';
import { servePages } from './pages.mjs';

const MEDIA_MS = 8000;

class Guest {
    constructor(page, name) {
        this.page = page;
        this.name = name;
        this.faults = [];
        page.on('console', (message) => {
            // A refused request is the browser's to tell of, and the core's to handle.
            if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.faults.push(message.text());
        });
        page.on('pageerror', (error) => this.faults.push(error.stack ?? String(error)));
    }

    /// Calls a method of the page's window.person.
    call(method, ...args) {
        return this.page.evaluate(([name, list]) => window.person[name](...list), [method, args]);
    }

    seen() { return this.call('seen'); }
    status() { return this.call('status'); }

    /// Comes in, as a guest unless there is a session's token.
    async enter(gateway, room, token) {
        this.id = await this.call('enter', gateway, room, this.name, token);
    }

    async share() {
        const done = this.call('share');
        await this.page.click('#share');
        await done;
    }

    /// Of these and nobody else's these sources come, all of them moving.
    async gets(wanted) {
        const keys = wanted.flatMap(([other, ...sources]) => sources.map((source) => `${other.id}/${source}`)).sort();
        const amount = (seen, key) => (key.endsWith('/audio') ? seen[key]?.packets : seen[key]?.frames) ?? 0;
        let first;
        await eventually(async () => {
            const seen = await this.seen();
            assert.deepEqual(Object.keys(seen).sort(), keys);
            first ??= seen;
            // A connection that was made anew counts from the beginning.
            for (const key of keys) if (amount(seen, key) < amount(first, key)) first[key] = seen[key];
            const still = keys.filter((key) => amount(seen, key) <= amount(first, key));
            assert.deepEqual(still, [], `does not move for ${this.name}`);
            return true;
        }, { within: MEDIA_MS, what: `${this.name} gets ${wanted.map(([{ name }, ...sources]) => `${name}'s ${sources}`).join(', ')}` });
    }
}

/// Starts a browser and the server of its pages. origin: for LYNKS_CORS_ORIGINS of the stack. under: a command that the browser runs
/// under; beside: what this function has given before, whose pages these people load, too.
export async function startPeople({ under = [], beside } = {}) {
    const pages = beside?.pages ?? await servePages();
    const closePages = () => (beside === undefined ? pages.close() : undefined);
    const browser = await launchPeople([], under).catch(async (error) => {
        await closePages();
        throw error;
    });
    const guests = [];
    return {
        pages,
        origin: pages.url.replace(/\/$/, ''),
        /// A new page; the person is in no room yet.
        async person(name) {
            const guest = new Guest(await browser.newPage(), name);
            guests.push(guest);
            await guest.page.goto(`${pages.url}people`);
            await guest.page.waitForFunction(() => window.person);
            return guest;
        },
        /// What any page has complained of.
        faults: () => guests.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`)),
        /// The browser ends without a word.
        kill: () => browser.kill(),
        async close() {
            await browser.close();
            await closePages();
        },
    };
}
