// A client of TURN (RFC 8656) over UDP, TCP or TLS that says what a server answers: for what no browser tries.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import net from 'node:net';
import tls from 'node:tls';

const COOKIE = 0x2112a442;
const ALLOCATE = 0x003;
const REFRESH = 0x004;
const CREATE_PERMISSION = 0x008;
const SEND_INDICATION = 0x016;
const DATA_INDICATION = 0x017;
const ATTRIBUTE = { username: 0x0006, integrity: 0x0008, error: 0x0009, lifetime: 0x000d, peer: 0x0012, data: 0x0013, realm: 0x0014, nonce: 0x0015,
    relayed: 0x0016, family: 0x0017, transport: 0x0019, software: 0x8022, fingerprint: 0x8028 };
const UDP = 17;
const ANSWER_MS = 5000;

/// As the gateway makes them: good for so many seconds from now.
export function credentialsFor(secret, name, seconds) {
    const username = `${Math.floor(Date.now() / 1000) + seconds}:${name}`;
    return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

function attribute(type, value) {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(value.length, 2);
    return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

const words = (...numbers) => Buffer.concat(numbers.map((number) => { const word = Buffer.alloc(4); word.writeUInt32BE(number >>> 0); return word; }));

function ipBytes(address) {
    if (net.isIPv4(address)) return Buffer.from(address.split('.').map(Number));
    const [head, tail] = address.split('::');
    const groups = (text) => (text ? text.split(':').flatMap((group) => (group.includes('.') ? [...ipBytes(group)] : [parseInt(group, 16) >> 8, parseInt(group, 16) & 255])) : []);
    const [before, after] = [groups(head), groups(tail)];
    return Buffer.from([...before, ...Array(16 - before.length - after.length).fill(0), ...after]);
}

// XOR-PEER-ADDRESS and the like (RFC 8489, section 14.2).
function xorAddress(address, port, transaction) {
    const ip = ipBytes(address);
    const mask = Buffer.concat([words(COOKIE), transaction]);
    const head = Buffer.from([0, ip.length === 4 ? 1 : 2, 0, 0]);
    head.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
    return Buffer.concat([head, Buffer.from(ip.map((byte, i) => byte ^ mask[i]))]);
}

function message(type, transaction, attributes, key) {
    const sized = (body, more) => {
        const head = Buffer.alloc(4);
        head.writeUInt16BE(type, 0);
        head.writeUInt16BE(body.length + more, 2);
        return Buffer.concat([head, words(COOKIE), transaction, body]);
    };
    const body = Buffer.concat(attributes);
    if (key === undefined) return sized(body, 0);
    return Buffer.concat([sized(body, 24), attribute(ATTRIBUTE.integrity, createHmac('sha1', key).update(sized(body, 24)).digest())]);
}

function parse(packet) {
    const attributes = new Map();
    for (let at = 20; at + 4 <= packet.length;) {
        const length = packet.readUInt16BE(at + 2);
        attributes.set(packet.readUInt16BE(at), packet.subarray(at + 4, at + 4 + length));
        at += 4 + length + ((4 - (length % 4)) % 4);
    }
    const error = attributes.get(ATTRIBUTE.error);
    return { type: packet.readUInt16BE(0), transaction: packet.subarray(8, 20).toString('hex'), attributes, error: error && (error[2] & 7) * 100 + error[3] };
}

export class TurnClient {
    #waiting = new Map();
    #rest = Buffer.alloc(0);
    #data = [];

    /// server: {host, port, transport: 'udp', 'tcp' or 'tls'}, and in tls what Node takes of that; of credentials: username and credential, as the gateway gives them.
    static async open({ host, port, transport = 'udp', tls: secure }, { username, credential }) {
        const client = new TurnClient();
        client.credentials = { username, credential };
        if (transport === 'udp') {
            const socket = dgram.createSocket(net.isIPv6(host) ? 'udp6' : 'udp4');
            socket.on('message', (packet) => client.#take(packet));
            client.send = (packet) => socket.send(packet, port, host);
            client.close = () => socket.close();
        } else {
            const socket = transport === 'tls' ? tls.connect({ port, host, ...secure }) : net.connect(port, host);
            socket.on('error', () => {});
            socket.on('data', (bytes) => client.#takeStream(bytes));
            client.send = (packet) => socket.write(packet);
            client.close = () => socket.destroy();
            socket.once('close', () => { client.isClosed = true; });
        }
        return client;
    }

    #takeStream(bytes) {
        this.#rest = Buffer.concat([this.#rest, bytes]);
        while (this.#rest.length >= 20 && this.#rest.length >= 20 + this.#rest.readUInt16BE(2)) {
            const length = 20 + this.#rest.readUInt16BE(2);
            this.#take(this.#rest.subarray(0, length));
            this.#rest = this.#rest.subarray(length);
        }
    }

    #take(packet) {
        const answer = parse(packet);
        if (answer.type === DATA_INDICATION) this.#data.push(answer.attributes.get(ATTRIBUTE.data).toString());
        this.#waiting.get(answer.transaction)?.(answer);
    }

    /// What peers have sent back.
    get heard() { return this.#data; }

    async #ask(type, attributesFor, key) {
        const transaction = randomBytes(12);
        const packet = message(type, transaction, attributesFor(transaction), key);
        let again;
        try {
            return await new Promise((resolve, reject) => {
                this.#waiting.set(transaction.toString('hex'), resolve);
                this.send(packet);
                const end = Date.now() + ANSWER_MS;
                again = setInterval(() => (Date.now() > end ? reject(new Error('the TURN server does not answer')) : this.send(packet)), 500);
            });
        } finally {
            clearInterval(again);
            this.#waiting.delete(transaction.toString('hex'));
        }
    }

    // The first answer to who has not said who he is tells realm and nonce.
    async #askAs(type, attributesFor) {
        for (let attempt = 0; ; attempt += 1) {
            const { username, credential } = this.credentials;
            const known = this.realm !== undefined;
            const answer = await this.#ask(type, (transaction) => [...attributesFor(transaction), ...(known ? [attribute(ATTRIBUTE.username, Buffer.from(username)),
                attribute(ATTRIBUTE.realm, this.realm), attribute(ATTRIBUTE.nonce, this.nonce)] : [])],
            known ? createHash('md5').update(`${username}:${this.realm}:${credential}`).digest() : undefined);
            const isAskedAgain = attempt === 0 && (answer.error === 438 || (answer.error === 401 && !known));
            if (!isAskedAgain) return answer;
            this.realm = answer.attributes.get(ATTRIBUTE.realm);
            this.nonce = answer.attributes.get(ATTRIBUTE.nonce);
        }
    }

    /// Each resolves with the error's code, or undefined. transport: of what is relayed; family: 1 is IPv4, 2 IPv6.
    async allocate({ transport = UDP, family } = {}) {
        const { error, attributes } = await this.#askAs(ALLOCATE, () => [attribute(ATTRIBUTE.transport, Buffer.from([transport, 0, 0, 0])),
            ...(family === undefined ? [] : [attribute(ATTRIBUTE.family, Buffer.from([family, 0, 0, 0]))])]);
        this.software = attributes.get(ATTRIBUTE.software)?.toString();
        this.hasFingerprint = attributes.has(ATTRIBUTE.fingerprint);
        this.relayedPort = attributes.has(ATTRIBUTE.relayed) ? attributes.get(ATTRIBUTE.relayed).readUInt16BE(2) ^ (COOKIE >>> 16) : undefined;
        return error;
    }

    /// seconds: 0 gives it back.
    async refresh(seconds) { return (await this.#askAs(REFRESH, () => [attribute(ATTRIBUTE.lifetime, words(seconds))])).error; }

    async permit(address) {
        return (await this.#askAs(CREATE_PERMISSION, (transaction) => [attribute(ATTRIBUTE.peer, xorAddress(address, 0, transaction))])).error;
    }

    /// Nobody answers this: what a peer sends back is heard.
    say(address, port, text) {
        const transaction = randomBytes(12);
        this.send(message(SEND_INDICATION, transaction, [attribute(ATTRIBUTE.peer, xorAddress(address, port, transaction)), attribute(ATTRIBUTE.data, Buffer.from(text))]));
    }
}
