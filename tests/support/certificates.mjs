// Authorities and certificates of tests, by openssl.
import { execFile } from 'node:child_process';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/// An authority in this folder. issue writes file.pem and file.key for the name, each in one step.
export async function makeAuthority(folder) {
    const [rootPem, rootKey] = [join(folder, 'root.pem'), join(folder, 'root.key')];
    await run('openssl', ['req', '-x509', ...EC, '-days', '2', '-subj', '/CN=authority of a test', '-keyout', rootKey, '-out', rootPem]);
    let count = 0;
    return {
        file: rootPem,
        pem: await readFile(rootPem),
        async issue(name, file, days = 60) {
            const [pem, key] = [join(folder, `${file}.pem`), join(folder, `${file}.key`)];
            const fresh = join(folder, `new-${count += 1}`);
            await writeFile(`${fresh}.ext`, `subjectAltName=${/^[0-9.]+$/.test(name) ? 'IP' : 'DNS'}:${name}\n`);
            await run('openssl', ['req', '-new', ...EC, '-subj', `/CN=${name}`, '-keyout', `${fresh}.key`, '-out', `${fresh}.csr`]);
            await run('openssl', ['x509', '-req', '-in', `${fresh}.csr`, '-CA', rootPem, '-CAkey', rootKey, '-CAcreateserial',
                '-days', String(days), '-extfile', `${fresh}.ext`, '-out', `${fresh}.pem`]);
            await rename(`${fresh}.key`, key);
            await rename(`${fresh}.pem`, pem);
            return { pem, key };
        },
    };
}
