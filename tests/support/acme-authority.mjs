// An authority that gives certificates by ACME (Debian's pebble), with a name server for which every name is this machine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { join } from 'node:path';
import { makeAuthority } from './certificates.mjs';
import { eventually } from './wait.mjs';

/// Has its own certificate from an authority in this folder, which bundle trusts, besides all that the machine does: a
/// command runs with it in the machine's place under `under`. Takes four ports from the first on. name, host: by which others reach it.
export async function prepareAcmeAuthority(folder, firstPort, { name = 'localhost', host = '127.0.0.1' } = {}) {
    const authority = await makeAuthority(folder);
    const own = await authority.issue(name, 'pebble');
    const bundle = join(folder, 'bundle.pem');
    await writeFile(bundle, Buffer.concat([await readFile('/etc/ssl/certs/ca-certificates.crt'), authority.pem]));
    const [port, managementPort, namePort, unusedPort] = [0, 1, 2, 3].map((n) => firstPort + n);
    const url = `https://${name}:${port}/dir`;
    return {
        url,
        bundle,
        under: ['unshare', '--mount', 'bash', '-c', 'mount --bind "$0" /etc/ssl/certs/ca-certificates.crt && exec "$@"', bundle],
        /// It looks at names at httpPort, and gives certificates for so many seconds. Forgets all when it ends.
        async start({ httpPort, validS = 90 * 86400 }) {
            const config = join(folder, 'pebble.json');
            await writeFile(config, JSON.stringify({ pebble: { listenAddress: `${host}:${port}`,
                managementListenAddress: `127.0.0.1:${managementPort}`, certificate: own.pem, privateKey: own.key, httpPort, tlsPort: 1,
                certificateValidityPeriod: validS } }));
            // Without a management port it would take 80.
            const names = spawn('pebble-challtestsrv', ['-dns01', `127.0.0.1:${namePort}`, '-defaultIPv6', '', '-http01', '', '-https01', '',
                '-tlsalpn01', '', '-management', `127.0.0.1:${unusedPort}`], { stdio: 'ignore' });
            const pebble = spawn('pebble', ['-config', config, '-dnsserver', `127.0.0.1:${namePort}`],
                { stdio: 'ignore', env: { PATH: process.env.PATH, PEBBLE_VA_NOSLEEP: '1' } });
            const get = (where, path) => new Promise((resolve, reject) => {
                https.get({ host: where === port ? host : '127.0.0.1', port: where, path, ca: authority.pem, servername: name }, async (response) => {
                    let text = '';
                    for await (const piece of response) text += piece;
                    resolve(text);
                }).on('error', reject);
            });
            await eventually(() => get(port, '/dir'), { what: 'pebble answers' });
            return {
                root: await get(managementPort, '/roots/0'),
                async end() {
                    for (const child of [pebble, names]) {
                        if (child.exitCode === null && child.signalCode === null) {
                            child.kill();
                            await once(child, 'exit');
                        }
                    }
                },
            };
        },
    };
}
