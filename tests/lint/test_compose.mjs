#!/usr/bin/env node
// Whatever can be set natively can be set in containers: each variable of a program stands at its service in compose.yaml.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const SERVICES = ['gateway', 'authsvc', 'roomsvc', 'janusbridge', 'migrate'];
// The images and the private networks of compose.yaml settle these.
const SETTLED = ['LYNKS_OPS_PORT', 'LYNKS_HASH_PROGRAM', 'LYNKS_SQL_DIR', 'LYNKS_MYSQL_DATABASE', 'LYNKS_MYSQL_TLS', 'LYNKS_MYSQL_CA_FILE',
    'LYNKS_JANUS_API_SECRET', 'LYNKS_JANUS_PID_FILE', 'LYNKS_WEB_ROOT'];

// What starts a program in its container makes others of these.
const STARTS = { gateway: ['LYNKS_TURN', 'LYNKS_TURN_PORT', 'LYNKS_PUBLIC_IP', 'LYNKS_TLS'] };

const read = (file) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n');

// service -> its variables; a secret is given as a file.
function variablesOfPrograms() {
    const found = Object.fromEntries(SERVICES.map((name) => [name, []]));
    for (const line of read('deploy/lib/variables')) {
        const [variable, ...programs] = line.split(' ');
        for (const program of programs) found[program.replace('lynks-', '')]?.push(variable);
    }
    return found;
}

function variablesOfContainers() {
    const found = {};
    let service;
    for (const line of read('deploy/compose.yaml')) {
        service = /^ {2}(\w[\w-]*):$/.exec(line)?.[1] ?? service;
        const variable = /^ +(LYNKS_\w+?)(_FILE)?:/.exec(line);
        if (variable) (found[service] ??= []).push(variable[1]);
    }
    return found;
}

test('each variable of a program stands at its service', () => {
    const [programs, containers] = [variablesOfPrograms(), variablesOfContainers()];
    for (const service of SERVICES) {
        assert.ok(programs[service].length > 5, service);
        const missing = programs[service].filter((name) => !SETTLED.includes(name) && !containers[service].includes(name.replace(/_FILE$/, '')));
        assert.deepEqual(missing, [], service);
    }
});

test('no variable stands there that no program knows', () => {
    const [programs, containers] = [variablesOfPrograms(), variablesOfContainers()];
    for (const service of SERVICES) {
        const known = programs[service].map((name) => name.replace(/_FILE$/, ''));
        assert.deepEqual(containers[service].filter((name) => !known.includes(name) && !STARTS[service]?.includes(name)), [], service);
    }
});
