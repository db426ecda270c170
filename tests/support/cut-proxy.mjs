// A TCP proxy to a port of this machine, whose connections can be cut, delayed and spoilt.
import net from 'node:net';

// One whose end is on its way cannot be reset: Node then never comes to its own end.
function reset(socket) {
    if (socket.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
}

// From one socket to the other, in order, each piece as late as rough says when it comes.
function carry(from, to, rough) {
    const waiting = [];
    let timer;
    const pass = () => {
        timer = undefined;
        while (waiting.length > 0 && waiting[0].due <= performance.now()) {
            const { piece } = waiting.shift();
            if (piece === undefined) {
                to.end();
            } else if (!to.write(piece)) {
                from.pause();
                to.once('drain', () => from.resume());
            }
        }
        if (waiting.length > 0) timer = setTimeout(pass, waiting[0].due - performance.now());
    };
    const take = (piece) => {
        waiting.push({ piece, due: performance.now() + rough.delayMs });
        if (timer === undefined) pass();
    };
    from.on('data', (piece) => {
        if (rough.cuts > 0) {
            rough.cuts -= 1;
            reset(from);
            reset(to);
            return;
        }
        if (rough.spoils > 0) {
            rough.spoils -= 1;
            piece.fill(0x5a, piece.length >> 1);
        }
        take(piece);
    });
    from.once('end', () => take(undefined));
    from.once('close', () => clearTimeout(timer));
}

export async function startCutProxy(port) {
    const sockets = new Set();
    const rough = { delayMs: 0, spoils: 0, cuts: 0 };
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
        }
        carry(from, to, { delayMs: 0, spoils: 0, cuts: 0 });
        carry(to, from, rough);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const cut = () => {
        const open = [...sockets].filter(({ destroyed }) => !destroyed);
        for (const socket of open) reset(socket);
        return Math.ceil(open.length / 2);
    };
    return {
        port: server.address().port,
        /// Resets all connections; how many there were.
        cut,
        /// Likewise; where there is none, the next one as soon as something comes from the port: each call cuts one.
        cutNext() {
            if (cut() === 0) rough.cuts += 1;
        },
        /// Of these, how many have found nothing so far.
        cutsDue() {
            return rough.cuts;
        },
        /// What comes from the port from now on is this much late.
        delay(ms) {
            rough.delayMs = ms;
        },
        /// The next piece that comes from the port arrives with another half.
        spoil() {
            rough.spoils = 1;
        },
        /// New connections go to this port.
        lead(to) {
            port = to;
        },
        close() {
            cut();
            return new Promise((resolve) => server.close(resolve));
        },
    };
}
