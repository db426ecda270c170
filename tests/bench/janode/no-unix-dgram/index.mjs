export function createSocket() {
    throw new Error('no Unix sockets here');
}
