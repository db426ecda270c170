#!/usr/bin/env -S node --test-reporter=tap
// The session in a cookie, in a real browser: our own page works with it, and a page of anybody else can do nothing with
// it and read nothing, though the browser sends it along from another port and from a sister's name. Over HTTPS under a
// name, and over plain HTTP on loopback.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { launchBrowser } from '../support/browser.mjs';
import { makeCertificate, servePage, startFront } from '../support/front.mjs';
import { startStack } from '../support/stack.mjs';

const DAY_S = 24 * 3600;
const PASSWORD = 'test123';

/// A stack behind a front of its own, pages of others, and a browser that finds all of them on this machine.
class World {
    static async start(host, certificate) {
        const world = new World();
        world.scheme = certificate ? 'https' : 'http';
        world.host = host;
        world.front = await startFront(certificate);
        world.pages = [await servePage(certificate), await servePage(certificate)];
        // The page of another port that may use the API with a token.
        world.allowed = `${world.scheme}://${host}:${world.pages[1].port}`;
        world.url = `${world.scheme}://${host}:${world.front.port}`;
        world.stack = await startStack({ LYNKS_PUBLIC_URL: world.url, LYNKS_CORS_ORIGINS: world.allowed,
            LYNKS_LOGIN_ADDRESS_BURST: '1000', LYNKS_UNKNOWN_TOKEN_BURST: '1000' });
        world.front.target.port = world.stack.ports.http;
        await world.stack.sql("INSERT INTO users (username, password) SELECT 'mallory', password FROM users WHERE username = 'testuser'");
        world.browser = await launchBrowser(['--host-resolver-rules=MAP *.test 127.0.0.1'], { ignoreHTTPSErrors: true });
        return world;
    }

    async end() {
        await this.browser?.close();
        await this.stack?.remove();
        for (const server of [this.front, ...(this.pages ?? [])]) await server?.close();
    }

    origin(host, server = this.pages[0]) {
        return `${this.scheme}://${host}:${server.port}`;
    }

    /// A page of ours, in the browser.
    async ownPage() {
        const page = await this.browser.newPage();
        await page.goto(`${this.url}/v1/info`);
        return page;
    }
}

// ---- in the page ----

const call = (page, method, path, body, headers = {}) => page.evaluate(async ([how, where, json, more]) => {
    const answer = await fetch(where, { method: how, ...(json ? { body: JSON.stringify(json) } : {}),
        headers: { ...(json ? { 'content-type': 'application/json' } : {}), ...more } });
    const text = await answer.text();
    return { status: answer.status, json: text ? JSON.parse(text) : undefined };
}, [method, path, body, headers]);

const signIn = (page) => call(page, 'POST', '/v1/sessions', { username: 'testuser', password: PASSWORD, device: 'browser', cookie: true });

/// What a page of somebody else tries, each without leaving itself; what it got: "read ..." is what it must not.
const attack = ([target, password]) => {
    const json = { 'content-type': 'application/json' };
    const asMallory = JSON.stringify({ username: 'mallory', password, cookie: true });
    const include = { credentials: 'include' };
    const outcome = async (path, options) => {
        try {
            const answer = await fetch(`${target}${path}`, options);
            return answer.type === 'opaque' ? 'opaque' : `read ${answer.status} ${await answer.text()}`;
        } catch {
            return 'refused';
        }
    };
    const image = () => new Promise((resolve) => {
        const element = new Image();
        element.onload = () => resolve('read an image');
        element.onerror = () => resolve('refused');
        element.src = `${target}/v1/users/me`;
    });
    const stream = () => new Promise((resolve) => {
        const source = new EventSource(`${target}/v1/events`, { withCredentials: true });
        source.onopen = () => resolve('read a stream');
        source.onerror = () => { source.close(); resolve('refused'); };
    });
    // Its origin is "null".
    const sandboxed = (options) => new Promise((resolve) => {
        const frame = document.createElement('iframe');
        addEventListener('message', ({ data }) => resolve(data), { once: true });
        frame.sandbox = 'allow-scripts';
        frame.srcdoc = `<script>fetch('${target}/v1/users/me', ${JSON.stringify(options)})
            .then((answer) => answer.type === 'opaque' ? 'opaque' : answer.text().then((text) => 'read ' + text))
            .catch(() => 'refused').then((got) => parent.postMessage(got, '*'));</script>`;
        document.body.append(frame);
    });
    return (async () => ({
        read: await outcome('/v1/users/me', include),
        readSessions: await outcome('/v1/sessions', include),
        readUnseen: await outcome('/v1/users/me', { ...include, mode: 'no-cors' }),
        rename: await outcome('/v1/users/me', { ...include, method: 'PATCH', headers: { ...json, 'if-match': '*' }, body: '{"display_name":"pwned"}' }),
        endOthers: await outcome('/v1/sessions', { ...include, method: 'DELETE' }),
        signOut: await outcome('/v1/sessions/current', { ...include, method: 'DELETE' }),
        signInAsMallory: await outcome('/v1/sessions', { ...include, method: 'POST', headers: json, body: asMallory }),
        signInAsMalloryWithout: await outcome('/v1/sessions', { method: 'POST', headers: json, body: asMallory }),
        signInAsMalloryUnseen: await outcome('/v1/sessions', { ...include, mode: 'no-cors', method: 'POST', body: asMallory }),
        image: await image(),
        stream: await stream(),
        sandboxed: await sandboxed(include),
        sandboxedUnseen: await sandboxed({ ...include, mode: 'no-cors' }),
    }))();
};

/// A form's body that is JSON, too: the name, an =, the value.
const submit = ([action, name, value]) => {
    const form = document.createElement('form');
    form.method = 'post';
    form.enctype = 'text/plain';
    form.action = action;
    const input = document.createElement('input');
    [input.name, input.value] = [name, value];
    form.append(input);
    document.body.append(form);
    form.submit();
};

/// What page does takes it to another address; that one's answer.
async function navigate(page, does, argument) {
    const [response] = await Promise.all([page.waitForNavigation(), page.evaluate(does, argument).catch(() => {})]);
    return response;
}

// ---- both worlds ----

function describe(name, { host, secure, hostile, cookieName }) {
    let world;
    let bearer;
    after(() => world?.end());

    // Each world begins with its first test, and ends with its last one.
    test(`${name}: signing in with a cookie, and using it`, async () => {
        world = await World.start(host, secure ? await makeCertificate() : undefined);
        const page = await world.ownPage();
        const opened = await signIn(page);
        assert.equal(opened.status, 201, JSON.stringify(opened));
        assert.equal(opened.json.token, undefined);
        const cookies = await world.browser.cookies();
        assert.equal(cookies.length, 1);
        const { value, expires, ...cookie } = cookies[0];
        assert.deepEqual(cookie, { name: cookieName(world), domain: host, path: '/', httpOnly: true, secure, sameSite: 'Strict' });
        assert.match(value, /^[0-9a-f]{64}$/);
        assert.ok(Math.abs(expires - Date.now() / 1000 - 30 * DAY_S) < DAY_S, String(expires));
        assert.equal(await page.evaluate(() => document.cookie), '');
        assert.equal((await call(page, 'GET', '/v1/users/me')).json.username, 'testuser');
        const renamed = await call(page, 'PATCH', '/v1/users/me', { display_name: 'Tess' }, { 'if-match': '*' });
        assert.equal(renamed.json?.display_name, 'Tess', JSON.stringify(renamed));
        const me = await page.evaluate(() => new Promise((resolve, reject) => {
            const source = new EventSource('/v1/events');
            source.addEventListener('snapshot', ({ data }) => { source.close(); resolve(JSON.parse(data).me); });
            source.onerror = reject;
        }));
        assert.equal(me.display_name, 'Tess');
        // A token that is shown wins, and the original three know no cookie.
        assert.equal((await call(page, 'GET', '/v1/users/me', undefined, { authorization: 'Bearer x' })).status, 401);
        assert.equal((await call(page, 'POST', '/create', {})).status, 401);
        // Somebody may also come here by typing the address.
        assert.equal((await page.goto(`${world.url}/v1/users/me`)).status(), 200);
        await page.close();
    });

    test(`${name}: pages of others do nothing with it, and read nothing`, async () => {
        bearer = (await world.stack.request('/v1/sessions', { body: { username: 'testuser', password: PASSWORD } })).json.token;
        let withCookie = 0;
        for (const origin of hostile(world)) {
            const page = await world.browser.newPage();
            await page.goto(`${origin}/`);
            world.front.seen.length = 0;
            for (const [what, got] of Object.entries(await page.evaluate(attack, [world.url, PASSWORD]))) {
                // The page that CORS allows is told why.
                const isTold = origin === world.allowed && got.startsWith('read 403 ') && got.includes('foreign_page');
                assert.ok(isTold || got === 'opaque' || got === 'refused', `${origin}: ${what}: ${got}`);
            }
            const form = await navigate(page, submit, [`${world.url}/v1/sessions`,
                `{"username":"mallory","password":"${PASSWORD}","cookie":true,"device":"`, '"}']);
            assert.ok([403, 415].includes(form.status()), `${origin}: form: ${form.status()}`);
            for (const path of ['/v1/users/me', '/v1/sessions']) {
                await page.goto(`${origin}/`);
                const visited = await navigate(page, (url) => { window.location.href = url; }, `${world.url}${path}`);
                assert.ok([401, 403].includes(visited.status()), `${origin}: ${path}: ${visited.status()}`);
            }
            assert.ok(world.front.seen.length >= 7, JSON.stringify(world.front.seen));
            for (const { method, path, headers, status } of world.front.seen) {
                const carries = headers.cookie?.includes(cookieName(world)) ?? false;
                withCookie += carries ? 1 : 0;
                assert.ok(method === 'OPTIONS' || (carries ? status === 403 : status >= 400 || path === '/v1/events' && status === 307), `${origin}: ${method} ${path}: ${status}`);
            }
            await page.close();
        }
        assert.ok(withCookie >= 10, `the browser sent it ${withCookie} times`);
        await isUntouched();
    });

    /// Signed in as before, called as before, the other session goes on, and nobody has signed in as mallory.
    async function isUntouched() {
        const page = await world.ownPage();
        const me = await call(page, 'GET', '/v1/users/me');
        assert.equal(me.status, 200);
        assert.equal(me.json.username, 'testuser');
        assert.equal(me.json.display_name, 'Tess');
        assert.equal((await world.stack.request('/v1/sessions/current', { method: 'GET', token: bearer })).status, 200);
        assert.deepEqual(await world.stack.sql("SELECT COUNT(*) FROM sessions WHERE user_id = (SELECT id FROM users WHERE username = 'mallory')"), [['0']]);
        await page.close();
    }

    test(`${name}: a name that somebody else lets point here is not ours`, async () => {
        const page = await world.browser.newPage();
        const address = `${world.scheme}://rebound.test:${world.front.port}`;
        assert.equal((await page.goto(`${address}/v1/users/me`)).status(), 421);
        for (const [method, path, body] of [['GET', '/v1/users/me'], ['DELETE', '/v1/sessions/current'],
            ['POST', '/v1/sessions', { username: 'mallory', password: PASSWORD, cookie: true }]]) {
            assert.equal((await call(page, method, path, body)).status, 421, `${method} ${path}`);
        }
        await page.close();
        await isUntouched();
    });

    test(`${name}: a page that CORS allows uses a token as before, another one cannot`, async () => {
        for (const origin of [world.allowed, world.origin('evil.test')]) {
            const page = await world.browser.newPage();
            await page.goto(`${origin}/`);
            const got = await page.evaluate(async ([url, token]) => {
                try {
                    const answer = await fetch(`${url}/v1/users/me`, { headers: { authorization: `Bearer ${token}` } });
                    return [answer.status, answer.headers.get('etag') !== null, (await answer.json()).username];
                } catch {
                    return 'refused';
                }
            }, [world.url, bearer]);
            assert.deepEqual(got, origin === world.allowed ? [200, true, 'testuser'] : 'refused', origin);
            await page.close();
        }
    });

    test(`${name}: signing out takes the cookie away, and ends the stream of events`, async () => {
        const page = await world.ownPage();
        await page.evaluate(() => {
            window.heard = [];
            window.source = new EventSource('/v1/events');
            for (const event of ['snapshot', 'end']) {
                window.source.addEventListener(event, ({ data }) => window.heard.push([event, JSON.parse(data)]));
            }
        });
        await page.waitForFunction(() => window.heard.length === 1);
        const me = (await call(page, 'GET', '/v1/users/me')).json;
        assert.equal((await call(page, 'DELETE', '/v1/sessions/current')).status, 204);
        assert.deepEqual(await world.browser.cookies(), []);
        assert.equal((await call(page, 'GET', '/v1/users/me')).status, 401);
        // It asks again as EventSource does, and takes the 401 for the end.
        await page.waitForFunction(() => window.source.readyState === EventSource.CLOSED);
        assert.deepEqual(await page.evaluate(() => window.heard), [['snapshot', { me, rooms: [] }], ['end', { reason: 'session_ended' }]]);
        await world.end();
        world = undefined;
    });
}

describe('HTTPS', { host: 'meet.example.test', secure: true, cookieName: () => '__Host-lynks',
    hostile: (world) => [world.origin('evil.test'), world.origin('evil.example.test'), world.origin(world.host), world.allowed] });
describe('loopback', { host: '127.0.0.1', secure: false, cookieName: (world) => `lynks-${world.front.port}`,
    hostile: (world) => [world.origin('evil.test'), world.origin('localhost'), world.origin(world.host), world.allowed] });
