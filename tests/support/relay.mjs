// Media as TURN relays it: a peer at an address of this machine, in Janus' place, that sends back what it gets.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import { TurnClient } from './turn-client.mjs';
import { eventually } from './wait.mjs';

// Not loopback, to which coturn does not relay.
async function startEcho() {
    const [, host] = /\bsrc (\S+)/.exec(execFileSync('ip', ['-4', '-o', 'route', 'get', '203.0.113.1']).toString());
    const socket = dgram.createSocket('udp4');
    socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
    await new Promise((resolve) => { socket.bind(0, host, resolve); });
    return { host, port: socket.address().port, close: () => socket.close() };
}

/// server and credentials as TurnClient takes them; passes(text) until it has come back by the same connection.
export async function openRelay(server, credentials) {
    const echo = await startEcho();
    const client = await TurnClient.open(server, credentials);
    const close = () => {
        client.close();
        echo.close();
    };
    try {
        assert.equal(await client.allocate(), undefined);
        assert.equal(await client.permit(echo.host), undefined);
    } catch (error) {
        close();
        throw error;
    }
    return {
        close,
        passes: async (text) => {
            await eventually(() => {
                client.say(echo.host, echo.port, text);
                return client.heard.includes(text);
            }, { what: `${text} comes back` });
            assert.equal(client.isClosed, undefined);
        },
    };
}
