// Holds up the commits of a stack's database, so that a process can be killed between its commit and its answer.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './wait.mjs';

// Of a transaction that has done all that it has to do. Leases of nodes, which are renewed all the time, change one row. InnoDB
// looks at its transactions anew only when nobody has asked for them for 100 ms.
const WAITING = `DO SLEEP(0.11); SELECT COUNT(*) FROM information_schema.innodb_trx t
    JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
    WHERE p.state LIKE '%backup lock%' AND t.trx_rows_modified >= 2;`.replace(/\s+/g, ' ');

/// Nothing is committed from now on. The services give up waiting after a second or two.
export async function blockCommits(stack) {
    const client = spawn('mariadb', ['--no-defaults', '--batch', '--unbuffered', '--skip-column-names', '--socket=mysql.sock', '--user=root'],
        { cwd: join(stack.state, 'mysql', 'data'), stdio: ['pipe', 'pipe', 'inherit'],
            env: { ...process.env, MYSQL_PWD: await stack.secret('mysql-root-password') } });
    client.stdin.on('error', () => {}); // it is gone, as is told below
    const waiting = [];
    createInterface({ input: client.stdout }).on('line', (line) => waiting.shift()?.(line));
    const gone = new Promise((resolve) => { client.on('exit', resolve); });
    const ask = (sql) => {
        client.stdin.write(`${sql}\n`);
        return Promise.race([new Promise((resolve) => { waiting.push(resolve); }), gone.then((code) => { throw new Error(`mariadb: ${code}`); })]);
    };
    await ask('BACKUP STAGE START; BACKUP STAGE FLUSH; BACKUP STAGE BLOCK_DDL; BACKUP STAGE BLOCK_COMMIT; SELECT 1;');
    return {
        /// A command has done everything and asks for its commit.
        async isWaiting() {
            await eventually(async () => Number(await ask(WAITING)) > 0, { within: 2000, what: 'a command waits for its commit' });
        },
        /// What waits is committed, whoever waits for it.
        async end() {
            await ask('BACKUP STAGE END; SELECT 1;');
            client.stdin.end();
            await gone;
        },
    };
}
