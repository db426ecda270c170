// A TCP proxy to a port of this machine, whose connections can be cut.
import net from 'node:net';

export async function startCutProxy(port) {
    const sockets = new Set();
    const server = net.createServer((from) => {
        const to = net.connect(port, '127.0.0.1');
        for (const [socket, other] of [[from, to], [to, from]]) {
            sockets.add(socket);
            socket.setNoDelay(true);
            socket.on('error', () => {});
            socket.once('close', () => {
                sockets.delete(socket);
                other.destroy();
            });
            socket.pipe(other);
        }
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const cut = () => {
        const count = sockets.size / 2;
        for (const socket of sockets) socket.resetAndDestroy();
        return count;
    };
    return {
        port: server.address().port,
        /// Resets all connections; how many there were.
        cut,
        close() {
            cut();
            return new Promise((resolve) => server.close(resolve));
        },
    };
}
