#!/usr/bin/env node
// What a user would write instead of Lynks: HTTP in, janode out, over one WebSocket and a few handles. It answers
// /list_participants as Lynks does, without sessions of its own: any token is good.
//
//   server.mjs PORT JANUS_URL HANDLES
import http from 'node:http';
import Janode from 'janode';
import VideoRoom from 'janode/plugins/videoroom';

const [port, url, handleCount] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const BODY_BYTES_MAX = 65536;

const connection = await Janode.connect({ is_admin: false, address: { url } });
const session = await connection.create();
const handles = [];
while (handles.length < handleCount) handles.push(await session.attach(VideoRoom));
connection.once(Janode.EVENT.CONNECTION_ERROR, () => process.exit(1));

let turn = 0;

async function list(body) {
    const { room_id: room } = JSON.parse(body);
    turn = (turn + 1) % handles.length;
    const { participants } = await handles[turn].listParticipants({ room });
    return { action: 'success', room_id: room, publishers: participants.filter((one) => one.publisher).map((one) => one.feed) };
}

function answer(response, status, value) {
    const text = JSON.stringify(value);
    response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
}

const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece) => {
        body += piece;
        if (body.length > BODY_BYTES_MAX) request.destroy();
    });
    request.on('end', () => {
        if (request.method !== 'POST' || request.url !== '/list_participants' || !request.headers.authorization) {
            answer(response, 404, { action: 'failed' });
            return;
        }
        list(body).then((value) => answer(response, 200, value), () => answer(response, 503, { action: 'failed' }));
    });
});
server.listen(port, '127.0.0.1');
