// What is known of a room: a pure function of the snapshot and the events after it. A state is never changed, another one is made.

/**
 * @typedef {import('./api_types.js').Participant} Participant
 * @typedef {import('./api_types.js').Message} Message
 * @typedef {Participant['tracks'][number]} Track what a participant sends
 * @typedef {Track['source']} Source
 *
 * @typedef {object} RoomState
 * @property {boolean} isKnown there was a snapshot, and no reset after it
 * @property {Record<string, any> | undefined} room
 * @property {ReadonlyMap<string, Participant>} participants who is in, in the order in which they came
 * @property {ReadonlyMap<string, Participant>} waiting who wants to come in, for those who may know
 * @property {ReadonlyMap<string, readonly Source[]>} sent what each who is in has sent so far
 * @property {{id: string | undefined, can: string[]}} me
 * @property {readonly Message[]} messages those that came since, the oldest first
 * @property {{reason: string} | undefined} over why one is out
 *
 * @typedef {import('./sse.js').StreamEvent} StreamEvent
 */

/** Who sends anything is likely to send these. @type {readonly Source[]} */
const USUAL = ['audio', 'video'];
/** Of the chat, as many as are kept: older ones can be asked for. */
const MESSAGES_MAX = 500;

/**
 * @param {string} [myId]
 * @returns {RoomState}
 */
export function emptyRoom(myId) {
    return {
        isKnown: false,
        room: undefined,
        participants: new Map(),
        waiting: new Map(),
        sent: new Map(),
        me: { id: myId, can: [] },
        messages: [],
        over: undefined,
    };
}

/** @param {Participant[] | undefined} people */
const byId = (people) => new Map((people ?? []).map((participant) => [participant.id, participant]));

/**
 * A copy in which the participant is what he is now, or is missing.
 * @param {ReadonlyMap<string, Participant>} people
 * @param {string} id
 * @param {Participant | undefined} participant
 */
function changed(people, id, participant) {
    if (participant === undefined && !people.has(id)) return people;
    const copy = new Map(people);
    if (participant === undefined) copy.delete(id);
    else copy.set(id, participant);
    return copy;
}

/**
 * @param {ReadonlyMap<string, readonly Source[]>} sent
 * @param {Participant} participant
 */
function withSent(sent, { id, state, tracks }) {
    const before = sent.get(id) ?? [];
    const more = state === 'joined' ? (tracks ?? []).map(({ source }) => source).filter((source) => !before.includes(source)) : [];
    if (state === 'joined' ? more.length === 0 : !sent.has(id)) return sent;
    const copy = new Map(sent);
    if (state === 'joined') copy.set(id, [...before, ...more]);
    else copy.delete(id);
    return copy;
}

/**
 * His state says where he belongs, whatever has happened to him.
 * @param {RoomState} state
 * @param {Participant} participant
 * @returns {RoomState}
 */
function withParticipant(state, participant) {
    const { id } = participant;
    return {
        ...state,
        participants: changed(state.participants, id, participant.state === 'joined' ? participant : undefined),
        waiting: changed(state.waiting, id, participant.state === 'waiting' ? participant : undefined),
        sent: withSent(state.sent, participant),
    };
}

/**
 * @param {RoomState} state
 * @param {Message} message
 * @returns {RoomState}
 */
function withMessage(state, message) {
    if (state.messages.some(({ id }) => id === message.id)) return state;
    return { ...state, messages: [...state.messages, message].slice(-MESSAGES_MAX) };
}

/**
 * @param {RoomState} state
 * @param {any} data
 * @returns {RoomState}
 */
function fromSnapshot(state, data) {
    const all = [...(data.participants ?? []), ...(data.waiting ?? [])];
    const joined = byId(all.filter((participant) => participant.state === 'joined'));
    return {
        ...state,
        isKnown: true,
        room: data.room,
        participants: joined,
        sent: [...joined.values()].reduce(withSent, new Map([...state.sent].filter(([id]) => joined.has(id)))),
        waiting: byId(all.filter((participant) => participant.state === 'waiting')),
        me: { ...state.me, can: data.me?.can ?? [] },
    };
}

/**
 * @param {RoomState} state
 * @param {StreamEvent} event
 * @returns {RoomState} the same one if nothing is another than before
 */
export function reduceRoom(state, event) {
    const { event: name, data } = event;
    if (name === 'snapshot') return fromSnapshot(state, data);
    if (name === 'reset') return { ...state, isKnown: false };
    if (name === 'me') return { ...state, me: { ...state.me, can: data.me?.can ?? [] } };
    if (name === 'end') return { ...state, over: { reason: data.reason } };
    const about = data?.data;
    if (about === undefined) return state;
    let next = state;
    if (about.participant !== undefined) next = withParticipant(next, about.participant);
    if (about.room !== undefined) next = { ...next, room: about.room };
    if (about.message !== undefined) next = withMessage(next, about.message);
    if (name === 'meeting.ended' || name === 'room.ended') next = { ...next, participants: new Map(), waiting: new Map(), sent: new Map() };
    return next;
}

/**
 * @param {RoomState} state
 * @returns {Participant | undefined} oneself
 */
export const meIn = (state) => (state.me.id === undefined ? undefined
    : state.participants.get(state.me.id) ?? state.waiting.get(state.me.id));

/** @param {RoomState} state */
const othersIn = (state) => [...state.participants.values()].filter(({ id }) => id !== state.me.id);

/**
 * All that others send, in the order in which they came.
 * @param {RoomState} state
 * @returns {(Track & {participant: string})[]}
 */
export function othersTracks(state) {
    return othersIn(state).flatMap(({ id, tracks }) => (tracks ?? []).map((track) => ({ ...track, participant: id })));
}

/**
 * What others may send next: of each who has sent anything what he has sent before, sound and pictures.
 * @param {RoomState} state
 * @returns {{participant: string, source: Source}[]}
 */
export function othersNextTracks(state) {
    return othersIn(state).filter(({ id }) => state.sent.has(id)).flatMap(({ id, tracks }) => {
        const sources = new Set([...USUAL, ...(state.sent.get(id) ?? [])]);
        for (const { source } of tracks ?? []) sources.delete(source);
        return [...sources].map((source) => ({ participant: id, source }));
    });
}
