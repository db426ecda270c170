// What processes use, from /proc.
import { readdir, readFile } from 'node:fs/promises';

const TICKS_PER_SECOND = 100; // USER_HZ, the same on every Linux

const sum = (values) => values.reduce((a, b) => a + b, 0);

// CPU time of a process so far, all its threads, in microseconds.
async function ownCpuMicroseconds(pid) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * (1e6 / TICKS_PER_SECOND);
}

/// CPU time of the children that a process has now (authsvc has some that hash), in microseconds.
export async function childrenCpuMicroseconds(pid) {
    return sum(await Promise.all((await childrenOf(pid)).map(ownCpuMicroseconds)));
}

/// CPU time of a process and of its children so far, in microseconds.
export async function cpuMicroseconds(pid) {
    return await ownCpuMicroseconds(pid) + await childrenCpuMicroseconds(pid);
}

/// How long the threads that a process has now have been ready to run and had no processor so far, in microseconds.
export async function waitedMicroseconds(pid) {
    const tasks = await readdir(`/proc/${pid}/task`);
    // A thread may have ended since.
    const texts = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/schedstat`, 'utf8').catch(() => '0 0 0')));
    return sum(texts.map((text) => Number(text.split(' ')[1]) / 1000));
}

/// Resident memory in KiB, its children's too: all of it, with what is shared divided among those who share it, and what
/// is nobody else's and in no file (heap and stacks: what grows when something is kept, whoever else starts or ends
/// meanwhile).
export async function memoryKib(pid) {
    const all = await Promise.all([pid, ...await childrenOf(pid)].map(memoryOf));
    return Object.fromEntries(['rss', 'pss', 'own'].map((key) => [key, sum(all.map((one) => one[key]))]));
}

async function memoryOf(pid) {
    const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    const value = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)[1]);
    return { rss: value('Rss'), pss: value('Pss'), own: value('Anonymous') };
}

/// Ids of the processes whose parent is pid.
export async function childrenOf(pid) {
    const tasks = await readdir(`/proc/${pid}/task`);
    // A thread may have ended since.
    const lists = await Promise.all(tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')));
    return lists.join(' ').split(' ').filter(Boolean).map(Number);
}
