// What has to be undone however the program ends, Ctrl-C included. The signals themselves are turned into an ordinary
// exit by support/stack.mjs, which takes its stacks down then.
const actions = new Set();

function runAll() {
    for (const action of actions) action();
}

/// Runs action (synchronous) at exit, after what others have asked to be run then up to now: a stack's folder goes
/// when the stack is down. The function that is returned takes it back.
export function atExit(action) {
    actions.add(action);
    process.off('exit', runAll);
    process.on('exit', runAll);
    return () => actions.delete(action);
}
