// Janus and coturn on the network of the host (deploy/compose.host.yaml), with the images that containers.mjs has built. Runs inside
// tests/compose/engine, whose network is the host's; the tests build on each other.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeMeeting, startVisitors } from '../e2e/visitors.mjs';
import { ask } from '../support/https-client.mjs';
import { credentialsFor, TurnClient } from '../support/turn-client.mjs';
import { eventually } from '../support/wait.mjs';
import { Containers } from './compose.mjs';

const run = promisify(execFile);
const ADDRESS = '192.0.2.1'; // of nobody (RFC 5737)
const JANUS_PORT = 5788;
const TURN_PORT = 3478;
const FORBIDDEN = 403;
const RUNNING = ['authsvc', 'certificate', 'door', 'gateway', 'janus-door', 'janus-host', 'janus-link', 'janusbridge', 'mysql', 'proxy', 'relay', 'roomsvc', 'turn-host']
    .map((name) => `${name}_1`);
const stack = new Containers({ LYNKS_PUBLIC_IP: ADDRESS, LYNKS_TURN: '1' }, ['deploy/compose.yaml', 'deploy/compose.host.yaml']);

let people;
let ann;
let ben;

// The interface that leads to others: there is none any more once the engine is offline.
before(async () => {
    await run('ip', ['link', 'add', 'media0', 'type', 'veth', 'peer', 'name', 'media1']);
    for (const name of ['media0', 'media1']) await run('ip', ['link', 'set', name, 'up']);
    await run('ip', ['address', 'add', `${ADDRESS}/30`, 'dev', 'media0']);
    await run('ip', ['route', 'replace', 'default', 'dev', 'media0']);
});
after(async () => {
    await people?.close();
    stack.agent.destroy();
    await run('ip', ['link', 'delete', 'media0']);
});

// What a process listens at: lines of ss, as { kind, address, port }.
async function listeners(program) {
    const { stdout } = await run('ss', ['-Hltunp']);
    return stdout.split('\n').filter((line) => line.includes(`(("${program}"`)).map((line) => line.split(/\s+/))
        .map(([kind, , , , local]) => ({ kind, address: local.slice(0, local.lastIndexOf(':')), port: Number(local.slice(local.lastIndexOf(':') + 1)) }));
}

const isOpen = async (host, port) => {
    const socket = net.connect(port, host);
    try {
        await once(socket, 'connect');
        return true;
    } catch {
        return false;
    } finally {
        socket.destroy();
    }
};

test('with a second file the same command starts Janus and coturn on the host\'s network, all healthy', async () => {
    await stack.compose('up', '--no-build', '--detach');
    await stack.allHealthy();
    const running = await stack.running();
    assert.deepEqual([...running.keys()], RUNNING);
    for (const name of ['janus-host_1', 'turn-host_1']) assert.equal(running.get(name).HostConfig.NetworkMode, 'host', name);
    for (const [name, one] of await stack.containers()) assert.equal(one.RestartCount, 0, `${name} was restarted`);
});

test('no port of media has a process of the engine, and Janus listens for the bridge alone, which has a secret', async () => {
    assert.deepEqual((await listeners('docker-proxy')).filter(({ kind }) => kind === 'udp'), []);
    assert.deepEqual((await listeners('janus')).filter(({ kind }) => kind === 'tcp'), [{ kind: 'tcp', address: '127.0.0.1', port: JANUS_PORT }]);
    for (const port of [JANUS_PORT, 8088, 8188, 8089, 7088, 7889]) assert.equal(await isOpen(ADDRESS, port), false, String(port));
    const tls = { servername: 'janus', rejectUnauthorized: false };
    const { json } = await ask(JANUS_PORT, '/janus', { method: 'POST', tls, body: { janus: 'create', transaction: 'x' } });
    assert.deepEqual([json.janus, json.error.code], ['error', 403]);
    assert.equal((await ask(JANUS_PORT, '/admin', { method: 'POST', tls, body: { janus: 'info', transaction: 'x' } })).status, 404);
});

test('two people meet by the host\'s own address', async () => {
    people = await startVisitors();
    [ann, ben] = [await people.visitor('Ann'), await people.visitor('Ben')];
    const link = await makeMeeting(stack, 'On the host');
    for (const one of [ann, ben]) await one.join(link);
    await Promise.all([ann.seesMoving('Ben'), ben.seesMoving('Ann')]);
    for (const one of [ann, ben]) await one.hears();
    const ports = (await listeners('janus')).filter(({ kind, address }) => kind === 'udp' && address === ADDRESS);
    assert.ok(ports.length >= 4 && ports.every(({ port }) => port >= 20000 && port <= 29999), JSON.stringify(ports));
});

test('TURN relays to Janus at the host\'s address, and to no container', async () => {
    const secret = (await stack.volume('secrets-turn')).get('turn-secret').trim();
    const client = await TurnClient.open({ host: ADDRESS, port: TURN_PORT }, credentialsFor(secret, '9', 60));
    try {
        assert.equal(await client.allocate(), undefined);
        assert.ok(client.relayedPort >= 30000 && client.relayedPort <= 32767, String(client.relayedPort));
        assert.equal(await client.permit(ADDRESS), undefined);
        const inner = [...(await stack.running()).values()].flatMap(({ NetworkSettings }) => Object.values(NetworkSettings.Networks))
            .flatMap(({ IPAddress, Gateway }) => [IPAddress, Gateway]).filter(Boolean);
        assert.ok(inner.length > 5);
        for (const peer of [...inner, '127.0.0.1', '192.0.2.2']) assert.equal(await client.permit(peer), FORBIDDEN, peer);
    } finally {
        client.close();
    }
});

test('the container of Janus dies: with ten thousand ports it is back at once, and who was in the meeting is again', async (t) => {
    const { State } = (await stack.running()).get('janus-host_1');
    const begin = performance.now();
    process.kill(State.Pid, 'SIGKILL');
    await eventually(async () => !await isOpen('127.0.0.1', JANUS_PORT), { what: 'it is gone' });
    await eventually(() => isOpen('127.0.0.1', JANUS_PORT), { within: 10000, what: 'Janus listens again' });
    t.diagnostic(`Janus listens again ${Math.round(performance.now() - begin)} ms after the death of its container`);
    await eventually(async () => {
        const token = await stack.token();
        return (await stack.create(token)).status === 200 && (await stack.list(token)).status === 200;
    }, { within: 10000, what: 'all works' });
    t.diagnostic(`all works ${Math.round(performance.now() - begin)} ms after it`);
    await Promise.all([ann.seesMoving('Ben'), ben.seesMoving('Ann')]);
    assert.deepEqual(people.faults(), []);
});

test('for clients that talk to Janus itself it takes an address', async () => {
    await people.close();
    people = undefined;
    stack.env.LYNKS_JANUS_BIND = '127.0.0.1';
    await stack.compose('up', '--no-build', '--detach');
    await stack.allHealthy();
    assert.equal((await stack.janus('', { janus: 'ping' })).janus, 'pong');
    assert.equal(await isOpen(ADDRESS, 8088), false);
    const token = await stack.token();
    assert.equal((await stack.create(token)).status, 200);
});

test('down -v takes everything away', async () => {
    await stack.compose('down', '--volumes');
    assert.equal((await stack.containers()).size, 0);
});
