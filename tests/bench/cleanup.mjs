// What has to be undone however the program ends, Ctrl-C included. The signals themselves are turned into an ordinary
// exit by support/stack.mjs, which takes its stacks down first.
const actions = new Set();

process.on('exit', () => {
    for (const action of actions) action();
});

/// Runs action (synchronous) at exit; the function that is returned takes it back.
export function atExit(action) {
    actions.add(action);
    return () => actions.delete(action);
}
