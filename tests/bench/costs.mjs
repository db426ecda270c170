// Growth beyond one machine, on paper: from what a request costs each process to the load at which it is full.

import { HASHING } from './speed.mjs';

// What one client in a meeting asks for. Lists are asked for by clients that poll.
export const CLIENT = { listsPerSecond: 0.5, loginsPerHour: 1, createsPerHour: 1 };

// One event loop: one core is the end of it. Everything else has threads.
const PARTS = {
    gateway: { loop: true, scaled: 'more gateways behind the proxy: `--scale gateway=N`; they share nothing' },
    authsvc: { loop: true, scaled: 'more replicas, `--scale authsvc=N`; each session stays with one of them, so their caches add up' },
    roomsvc: { loop: true, scaled: 'more replicas, `--scale roomsvc=N`' },
    janusbridge: { loop: true, scaled: 'more Janus nodes, each with its own bridge' },
    janus: { loop: false, scaled: 'more Janus nodes (media costs far more than this; it sets their number)' },
    mysql: { loop: false, scaled: 'a machine of its own; then a larger one' },
    [HASHING]: { loop: false, scaled: 'cores for authsvc: replicas on other machines' },
};

const KINDS = ['list', 'create', 'login'];

// us of each process for one request of each kind, at 64 connections.
function costsOf({ speed }) {
    return Object.fromEntries(Object.keys(PARTS).map((name) =>
        [name, Object.fromEntries(KINDS.map((kind) => [kind, speed.get(`${kind} 64`).by[name]]))]));
}

/// Each process with its costs, and how many clients fill a core of it; the first to be full first.
export function limits(results) {
    const rows = Object.entries(costsOf(results)).map(([name, by]) => {
        const perClient = by.list * CLIENT.listsPerSecond
            + (by.create * CLIENT.createsPerHour + by.login * CLIENT.loginsPerHour) / 3600;
        return { name, ...by, loop: PARTS[name].loop, scaled: PARTS[name].scaled, clients: 1e6 / perClient,
            listsPerSecond: 1e6 / by.list };
    });
    return rows.sort((a, b) => a.clients - b.clients);
}

const whole = (n) => (Number.isFinite(n) && n < 1e9 ? Math.round(n).toLocaleString('en') : '-');

export function costsMarkdown(results) {
    return ['| process | list µs | create µs | login µs | lists/s that fill a core | clients that fill a core | then |',
        '| --- | ---: | ---: | ---: | ---: | ---: | --- |',
        ...limits(results).map((r) => `| ${r.name}${r.loop ? ' (one loop)' : ''} | ${r.list.toFixed(1)} | ${r.create.toFixed(1)
        } | ${r.login.toFixed(1)} | ${whole(r.listsPerSecond)} | ${whole(r.clients)} | ${r.scaled} |`)].join('\n');
}
