// Waiting with a deadline for what tells nobody that it is done.

const PAUSE_MS = 25;
// Tests say how long something takes where nothing else runs. A busy machine gets that many times as long: a test
// that fails for want of a processor tells nothing.
const PATIENCE = 8;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/// Calls check until it neither throws nor gives false, null or undefined, and gives what it gave. At the
/// deadline, several times `within` for the sake of busy machines, the last reason is the error.
export async function eventually(check, { within = 5000, what = 'it' } = {}) {
    const end = performance.now() + PATIENCE * within;
    for (;;) {
        let reason = 'no such state';
        try {
            const result = await check();
            if (result !== false && result != null) return result;
        } catch (error) {
            reason = error.message;
        }
        if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE * within} ms: ${reason}`);
        await sleep(PAUSE_MS);
    }
}

/// The result of an asynchronous call and how long it took.
export async function timed(call) {
    const begin = performance.now();
    const result = await call();
    return { result, ms: performance.now() - begin };
}
