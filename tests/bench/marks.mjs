// What has to be reached, and what was.

const LIST_OF_NGINX = 0.42;
const LIST_OF_JANUS = 1.5;
const LIST_P99_MS = 10;
const LIST_ALONE_P50_MS = 0.24;
const LIST_ALONE_OF_JANODE = 1;
const LOGIN_OF_HASHES = 0.9;
const P99_BESIDE_LOGINS = 3;
const P99_BESIDE_STRANGERS = 3;
const SESSION_OF_LOGIN = 0.95;
const ME_OF_NGINX = 0.35;
const USERS_P50_MS = 5;
const GROWN_RATE = 0.85;
const SESSION_BYTES = 300;
const CONNECTION_KIB = 12;
const BESIDE_STREAMS = 0.8;
const STREAM_BYTES = 2048;
const EVENT_HOLDS_MS = 5;
const LEAVING_SEEN_MS = 1000;
const JOIN_P50_MS = 3;
const INVITED_P50_MS = 4;
const P99_BESIDE_GUESSES = 3;
export const JOIN_OF_BARE = 0.5;
const HEARD_P50_MS = 4;
const HEARD_P99_MS = 30;
const CROWD_HEARD_MS = 60;
const RATE_HEARD_P99_MS = 100;
const RATE_OF_ASKED = 0.99;
const TAIL_MS = 20;
const JOURNAL_MS = 60;
const ROOM_STREAM_BYTES = 4096;
const PUBLISH_OVER_JANUS_MS = 4;
const LISTS_BESIDE_JOINS = 2;
const TRACK_TOLD_P99_MS = 150;
const MEDIA_CONNECTION_KIB = 8;
const CROWD_PUBLISH_P99_MS = 150;
const CROWD_BRIDGE_PERCENT = 25;
const FIRST_FRAME_MS = 1500;
const FIRST_FRAME_OVER_JANUS_MS = 200;
const IDLE_PSS_MB = 24;
// Of all four processes together: what the rounding of the allocator may make of nothing.
const FLAT_KIB = 1024;

const number = (n) => n.toLocaleString('en');

function mark(name, figure, bound, atLeast, unit = '', digits = 2) {
    const text = (value, places) => `${value.toFixed(places)}${unit && ` ${unit}`}`;
    return { name, figure, bound, unit, passed: Number.isFinite(figure) && (atLeast ? figure >= bound : figure <= bound),
        found: text(figure, digits), asked: `${atLeast ? '≥' : '≤'} ${String(bound)}${unit && ` ${unit}`}` };
}
const least = (name, figure, bound, unit, digits) => mark(name, figure, bound, true, unit, digits);
const most = (name, figure, bound, unit, digits) => mark(name, figure, bound, false, unit, digits);

function speedMarks({ speed, hash, beside }) {
    const list = speed.get('list 64');
    return [
        least('list, 64 connections: rate, of nginx return 200', list.rate / speed.get('nginx 64').rate, LIST_OF_NGINX),
        least('list, 64 connections: rate, of Janus directly', list.rate / speed.get('janus 64').rate, LIST_OF_JANUS),
        most('list, 64 connections: p99', list.p99, LIST_P99_MS, 'ms'),
        least('list, 64 connections: answered well', 100 * (1 - list.bad), 100, '%'),
        most('list, 1 connection: p50', speed.get('list 1').p50, LIST_ALONE_P50_MS, 'ms', 3),
        least('list, 1 connection: rate, of a Node server on janode', speed.get('list 1').rate / speed.get('janode 1').rate,
            LIST_ALONE_OF_JANODE),
        least('login, 64 connections: rate, of cores / time of one hash',
            speed.get('login 64').rate / (hash.cores / (hash.aloneUs / 1e6)), LOGIN_OF_HASHES),
        most(`list, ${beside.connections} connections, while logins saturate: p99, of that without`,
            beside.beside.p99 / beside.alone.p99, P99_BESIDE_LOGINS, '×'),
    ];
}

function peopleMarks({ people: { nginx, me, login, session, users, count, strangers } }) {
    return [
        least('GET /v1/users/me, 64 connections: rate, of nginx return 200', me.rate / nginx.rate, ME_OF_NGINX),
        least('POST /v1/sessions, 64 connections: rate, of /login', session.rate / login.rate, SESSION_OF_LOGIN),
        most(`a page of 100 of ${number(count)} users, 1 connection: p50`, users.p50, USERS_P50_MS, 'ms'),
        most(`list, ${strangers.connections} connections, while strangers ask with tokens they made up: p99, of that without`,
            strangers.beside.p99 / strangers.alone.p99, P99_BESIDE_STRANGERS, '×'),
    ];
}

function growthMarks({ growth: { small, rooms, sessions, idle } }) {
    return [
        least(`${small.rooms} → ${number(rooms.rows.at(-1).rooms)} rooms: rate, of the rate before`, rooms.ratio, GROWN_RATE),
        least(`${number(small.sessions)} → ${number(sessions.sessions)} sessions: rate, of the rate before`, sessions.ratio,
            GROWN_RATE),
        most('memory of a session', sessions.bytesEach, SESSION_BYTES, 'bytes', 0),
        least(`${small.idle} → ${number(idle.idle)} idle connections: rate, of the rate before`, idle.ratio, GROWN_RATE),
        most('memory of an idle connection', idle.kibEach, CONNECTION_KIB, 'KiB', 1),
    ];
}

function memoryMarks({ idlePssKib, connections, steady }) {
    return [
        most('memory of the four processes idle (PSS)', idlePssKib * 1024 / 1e6, IDLE_PSS_MB, 'MB', 1),
        most(`memory left by ${number(connections.opened)} connections opened and closed`, connections.kib, FLAT_KIB,
            'KiB', 0),
        most(`memory under full load, growth from second ${steady.warmSeconds} to ${steady.seconds}`, steady.kib, FLAT_KIB,
            'KiB', 0),
    ];
}

function streamMarks({ streams }) {
    return [
        least(`beside ${number(streams.streams)} event streams: rate, of the rate without`, streams.ratio, BESIDE_STREAMS),
        most('memory of an event stream', streams.bytes_each, STREAM_BYTES, 'bytes', 0),
        most(`an event to ${number(streams.readers)} readers: holds the loop`, streams.held_ms, EVENT_HOLDS_MS, 'ms', 1),
        most(`${streams.leavers} readers that leave: seen after`, streams.left_ms, LEAVING_SEEN_MS, 'ms', 0),
    ];
}

// In percent, of those of these measurements in which nothing went wrong.
const good = (...found) => 100 * found.filter(({ bad, whole = true }) => bad === 0 && whole).length / found.length;

/// Of rooms: joins, events, replays.
export function roomMarks({ rooms: { joins: { alone, byInvitation, many, bare }, delivery: { hundred, thousand }, replay, memory, rate } }) {
    return [
        most('join a room, 1 connection: p50', alone.p50, JOIN_P50_MS, 'ms'),
        most('join by invitation, 1 connection: p50', byInvitation.p50, INVITED_P50_MS, 'ms'),
        least(`join, ${many.connections} connections over ${number(many.rooms)} rooms: rate, of the bare transaction`, many.rate / bare.rate, JOIN_OF_BARE),
        most(`command answered to event read, a room of ${hundred.streams} streams: p50`, hundred.p50, HEARD_P50_MS, 'ms'),
        most(`command answered to event read, a room of ${hundred.streams} streams: p99`, hundred.p99, HEARD_P99_MS, 'ms'),
        most(`an event to ${number(thousand.streams)} streams of a room: the last one has it, p50`, thousand.last_p50, CROWD_HEARD_MS, 'ms'),
        most(`${number(rate.rooms)} rooms with ${number(rate.streams)} streams, ${rate.rate.toFixed(0)} commands/s: answered to read, p99`,
            rate.p99, RATE_HEARD_P99_MS, 'ms'),
        least('commands of these, of those that were to be given', rate.rate / rate.asked, RATE_OF_ASKED),
        least('joins and commands answered well, and events read by all', good(alone, byInvitation, many, hundred, thousand, rate), 100, '%', 0),
        most('memory of gateway and roomsvc meanwhile: growth', rate.kib, FLAT_KIB, 'KiB', 0),
        most(`replay of ${number(replay.events)} events that the gateway has`, replay.tail, TAIL_MS, 'ms'),
        most(`replay of ${number(replay.events)} events from the journal`, replay.journal, JOURNAL_MS, 'ms'),
        most('memory of a stream of a room', memory.bytesEach, ROOM_STREAM_BYTES, 'bytes', 0),
    ];
}

/// Of joins beside those who guess.
export function guessMarks({ guesses }) {
    return Object.entries({ 'wrong PINs': guesses.pins, 'wrong invitations': guesses.invitations }).flatMap(([name, { alone, beside, guesses: wrong }]) => [
        most(`joins, ${alone.connections} connections, beside ${number(wrong.asked)} ${name}/s: p99, of that without`,
            beside.p99 / alone.p99, P99_BESIDE_GUESSES, '×'),
        least(`${name}, of those that were to come`, wrong.rate / wrong.asked, RATE_OF_ASKED),
        least(`joins beside ${name} answered well, and no guess`, good(alone, beside, wrong), 100, '%', 0),
    ]);
}

/// Of connections for media.
export function mediaMarks({ media: { publish, lists, memory, telling } }) {
    return [
        most('publish, 1 connection: p50, over that of Janus asked directly', publish.ours.p50 - publish.theirs.p50, PUBLISH_OVER_JANUS_MS, 'ms'),
        most(`list, 1 connection, beside ${lists.joins} joins, one after the other: p99, of that without`, lists.beside / lists.alone, LISTS_BESIDE_JOINS, '', 2),
        most(`list, 1 connection, beside ${lists.joins} joins in ${lists.seconds} s: p99, of that without`, lists.besideSome / lists.alone,
            LISTS_BESIDE_JOINS, '', 2),
        most(`a connection up to the event at ${telling.listeners} others: p99`, telling.p99, TRACK_TOLD_P99_MS, 'ms', 0),
        most('memory of a connection in the bridge', memory.kibEach, MEDIA_CONNECTION_KIB, 'KiB', 1),
    ];
}

/// Of a crowd whose media flows.
export function crowdMarks({ crowd: { people, wanted, found, publish, coming } }) {
    const all = (of) => of.publishers + of.watchers + of.streams;
    return [
        least(`${people} who send and watch: connections that are up, streams that carry packets`, (100 * all(found)) / all(wanted), 100, '%'),
        most('publish, while they come: p99', publish.p99, CROWD_PUBLISH_P99_MS, 'ms', 0),
        most('the bridge meanwhile, of a core', 100 * coming.servers.janusbridge.used, CROWD_BRIDGE_PERCENT, '%', 1),
    ];
}

/// Of pages that are opened, medians in ms: the web client's, and one on janus.js.
export function firstFrameMarks({ web, bare }) {
    return [
        most('opened to the first picture of another: median', web, FIRST_FRAME_MS, 'ms', 0),
        most('over that of a page on janus.js', web - bare, FIRST_FRAME_OVER_JANUS_MS, 'ms', 0),
    ];
}

/// { name, found, asked, passed, figure, bound, unit } of each.
export function marksOf(results) {
    return [...speedMarks(results), ...peopleMarks(results), ...growthMarks(results), ...streamMarks(results),
        ...roomMarks(results), ...guessMarks(results), ...mediaMarks(results), ...crowdMarks(results), ...memoryMarks(results)];
}
