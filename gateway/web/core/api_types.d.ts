// What the API answers, as its document says: made of /v1/openapi.json. Not to be changed by hand:
//     LYNKS_KEEP_TYPES=1 tests/run e2e/test_openapi

export interface Account {
    /** @description He may not sign in. */
    disabled: boolean;
    /** @description What others see; the user name where none was given. */
    display_name: string;
    /** @description Opaque. */
    id: string;
    /** @description What he may do. */
    role: "member" | "admin";
    /** @description To sign in with. */
    username: string;
}

export interface Ban {
    /** @description What it names of him. */
    by: ("user" | "invitation" | "device")[];
    created_at: string;
    /** @description Until when it holds; null: until it is lifted. */
    expires_at: string | null;
    /** @description Opaque. */
    id: string;
    /** @description The id of the invitation, by which nobody else comes. */
    invitation?: string;
    /** @description Of the participant when he was banned. */
    name: string;
    note?: string;
    /** @description The id of the user. */
    user?: string;
}

export interface Invitation {
    created_at: string;
    /** @description Until when; null: for ever. */
    expires_at: string | null;
    /** @description Opaque. */
    id: string;
    /** @description Absent: it has none. */
    label?: string;
    /** @description How many may come by it; null: any number. */
    max_uses: number | null;
    /** @description From when on it is good; null: always. */
    not_before: string | null;
    /** @description In which they come who come by it. */
    role: "viewer" | "participant" | "moderator" | "owner";
    /** @description For who is to come; told only here. */
    secret: string;
    /** @description The link with it, whose part after # browsers keep to themselves. */
    url?: string;
    /** @description How many have. */
    uses: number;
}

export interface JoinInfo {
    /** @description Somebody is in. */
    begun: boolean;
    /** @description The room's, for who has an invitation to it. */
    code?: string;
    /** @description One has to be let in. */
    lobby: boolean;
    /** @description Nobody else comes in for now. */
    locked: boolean;
    /** @description The room's. */
    name: string;
    /** @description The PIN is needed. */
    pin: boolean;
    /** @description In which one comes. */
    role: "viewer" | "participant" | "moderator" | "owner";
    /** @description Who came in now would wait. */
    waits: boolean;
}

export interface Joining {
    /** @description For the iceServers of an RTCPeerConnection, good for two minutes; none for who waits, or where there is no TURN. */
    ice_servers: {
        credential: string;
        urls: string[];
        username: string;
    }[];
    me: {
        /** @description The actions that one's role is enough for; on oneself one may more. */
        can: string[];
    };
    participant: {
        /** @description He has not signed in. */
        guest: boolean;
        /** @description Since when he wants to speak; absent: his hand is down. */
        hand_raised_at?: string;
        /** @description Opaque. */
        id: string;
        /** @description When he came in, for the last time; of who waits, since when. */
        joined_at: string;
        /** @description A stream has come by a stream key. */
        kind: "person" | "stream";
        /** @description What others are not to get of him. */
        muted: ("audio" | "video" | "screen")[];
        name: string;
        role: "viewer" | "participant" | "moderator" | "owner";
        state: "waiting" | "joined" | "left" | "removed" | "denied" | "ended";
        /** @description What he sends. */
        tracks: {
            /** @description Does it arrive? Lost: it has, and does not now. */
            media: "flowing" | "lost";
            /** @description Others are not to get it. */
            muted: boolean;
            source: "audio" | "video" | "screen";
        }[];
    };
    /** @description For Authorization, as the participant. With it he comes back as whom he was, for ten minutes after he has left. */
    token: string;
}

export interface Member {
    /** @description Absent of the owner. */
    added_at?: string;
    role: "viewer" | "participant" | "moderator" | "owner";
    user: {
        display_name: string;
        /** @description Of the user. */
        id: string;
    };
}

export interface Message {
    from: {
        /** @description Of the participant. */
        id: string;
        /** @description Then. */
        name: string;
    };
    /** @description Opaque. */
    id: string;
    /** @description Its place among all that happened in the room; numbers between may be missing. */
    seq: number;
    text: string;
    time: string;
    /** @description The id of the only other participant who sees it; absent: it is for all. */
    to?: string;
}

export interface Participant {
    /** @description He has not signed in. */
    guest: boolean;
    /** @description Since when he wants to speak; absent: his hand is down. */
    hand_raised_at?: string;
    /** @description Opaque. */
    id: string;
    /** @description When he came in, for the last time; of who waits, since when. */
    joined_at: string;
    /** @description A stream has come by a stream key. */
    kind: "person" | "stream";
    /** @description What others are not to get of him. */
    muted: ("audio" | "video" | "screen")[];
    name: string;
    role: "viewer" | "participant" | "moderator" | "owner";
    state: "waiting" | "joined" | "left" | "removed" | "denied" | "ended";
    /** @description What he sends. */
    tracks: {
        /** @description Does it arrive? Lost: it has, and does not now. */
        media: "flowing" | "lost";
        /** @description Others are not to get it. */
        muted: boolean;
        source: "audio" | "video" | "screen";
    }[];
}

export interface Publication {
    /** @description For /v1/rtc/{connection}. */
    connection: string;
    /** @description The answer, with all its candidates. */
    sdp: string;
    /** @description How many offers there were. */
    seq: number;
}

export interface Room {
    /** @description Who may come in: whoever has the link, whoever has signed in, or members only. */
    access: "open" | "members" | "invited";
    /** @description Bits a second that each who publishes may send; absent: as the service says. */
    bitrate?: number;
    chat: boolean;
    /** @description Stands for the room wherever its id does; absent of rooms that /create has made. */
    code?: string;
    created_at: string;
    /** @description For how long the media server keeps it when nobody is in it. */
    empty_timeout_s: number;
    /** @description When it ends for good; absent: never. */
    expires_at?: string;
    /** @description Guests wait until somebody is in who is none. */
    guests_wait: boolean;
    /** @description A pin is needed to come in. */
    has_pin: boolean;
    /** @description Opaque. */
    id: string;
    /** @description Whoever is no member waits to be let in. */
    lobby: boolean;
    /** @description Nobody else comes in. */
    locked: boolean;
    mute_on_entry: boolean;
    name: string;
    /** @description The media server that it is on; for admins. */
    node?: string;
    /** @description Absent: nobody owns it. */
    owner?: {
        display_name: string;
        /** @description Of the user. */
        id: string;
    };
    participants_max: number;
    publishers_max: number;
    /** @description What one is in it; absent: nothing yet. */
    role?: "viewer" | "participant" | "moderator" | "owner";
    /** @description Participants may share their screens; moderators always may. */
    screen_share: boolean;
    /** @description Who ends it when somebody is mute. */
    unmute: "self" | "moderators";
    /** @description The link to it. */
    url?: string;
}

export interface Session {
    /** @description Where it was opened from: IPv4 or IPv6. */
    address?: string;
    created_at: string;
    /** @description It is the one that this was asked with. */
    current: boolean;
    /** @description As it was called when it was opened. */
    device?: string;
    /** @description When it ends if it is not used again. */
    expires_at: string;
    /** @description Opaque; not secret. */
    id: string;
    /** @description web: of POST /v1/sessions; original: of /login, which lives for minutes. */
    kind: string;
    /** @description May be half a minute behind. */
    last_used_at: string;
}

export interface Stats {
    /** @description By which somebody has a stream of a room; others report nothing. */
    gateways?: {
        /** @description Drawn when it starts. */
        id: string;
        /** @description Who have a stream of a room there. */
        participants: number;
        /** @description When it was heard last. */
        seen_at: string;
    }[];
    /** @description Of /v1/rtc. */
    media?: {
        /** @description Connections by which somebody sends. */
        publishing: number;
        /** @description Connections by which somebody gets what others send. */
        watching: number;
    };
    /** @description The Janus that there are. */
    nodes?: {
        /** @description For media. */
        connections: number;
        /** @description A bridge acts there. */
        held: boolean;
        /** @description Of a Janus. */
        name: string;
        /** @description When a bridge was heard there last; null: never. */
        seen_at: string | null;
    }[];
    participants?: {
        /** @description Who are in a room. */
        joined: number;
        /** @description Who wait before one. */
        waiting: number;
    };
    rooms?: {
        /** @description Open, those of /create among them. */
        total: number;
        /** @description In which somebody is. */
        with_people: number;
    };
    /** @description What the gateway that answers needs, as its /readyz tells it. */
    services: {
        /** @description What is needed. */
        name: string;
        /** @description It can be used now. */
        ready: boolean;
        /** @description Why not. */
        reason?: string;
    }[];
    /** @description When this was so. */
    time: string;
    users?: {
        /** @description Of them, who may not sign in. */
        disabled: number;
        /** @description Sign-ins that go on, of all devices. */
        sessions: number;
        /** @description Who have an account. */
        total: number;
    };
    /** @description What somebody should look at; empty: all is well. */
    warnings: {
        /** @description not_ready: something that is needed cannot be used; node_without_bridge: nobody gets media there; not_counted: something is left out here. More may come. */
        code: string;
        /** @description For people. */
        text: string;
    }[];
}

export interface StreamKey {
    created_at: string;
    /** @description Until when it is good; null: for ever. */
    expires_at: string | null;
    /** @description Opaque. */
    id: string;
    /** @description The bearer token for the program; told only here. */
    key: string;
    /** @description The name of its participant. */
    label: string;
    /** @description The display name of who has made it; absent: he is not there any more. */
    made_by?: string;
    /** @description The id of who is in by it; absent: nobody is. */
    participant?: string;
    /** @description Something that it sends arrives now. */
    receives: boolean;
    /** @description Of one that publishes: where to send to (WHIP). */
    url?: string;
    use: "publish" | "watch";
}

export interface User {
    /** @description What others see; the user name where none was given. */
    display_name: string;
    /** @description Opaque. */
    id: string;
    /** @description What he may do. */
    role: "member" | "admin";
    /** @description To sign in with. */
    username: string;
}

export interface Watching {
    /** @description For /v1/rtc/{connection}. */
    connection: string;
    /** @description Of the last offer; 0: there was none. */
    seq: number;
}

export interface WatchOffer {
    /** @description For /v1/rtc/{connection}. */
    connection: string;
    /** @description The offer, with all its candidates. */
    sdp: string;
    /** @description Its number, for the answer. */
    seq: number;
    /** @description What comes in which part of it. */
    streams: {
        /** @description Of the part. */
        mid: string;
        /** @description Whose it is; absent: nothing comes in it. */
        participant?: string;
        source?: "audio" | "video" | "screen";
    }[];
}
