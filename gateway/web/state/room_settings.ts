// What is set of a room, and who may set what: what a form shows, and what of it is to be sent. Pure functions and requests.
import type { Api } from '../core/api.js';
import type { Ban, Invitation as MadeInvitation, Member } from '../core/api_types.js';
import type { Env } from '../core/env.js';
import { localInput, timeOfInput } from './local_time.ts';
import type { Room } from './rooms.ts';
import type { User } from './session.ts';

export type Role = NonNullable<Room['role']>;
export type GivenRole = Exclude<Role, 'owner'>;

export type { Ban, Member };
/** Secret and link are told of one that was just made only. */
export type Invitation = Omit<MadeInvitation, 'secret'>;

/** As the fields of the form have it. */
export interface Options {
    name: string;
    access: Room['access'];
    guests_wait: boolean;
    lobby: boolean;
    locked: boolean;
    hasPin: boolean;
    /** Empty: the one that there is. */
    pin: string;
    chat: boolean;
    screen_share: boolean;
    mute_on_entry: boolean;
    unmute: Room['unmute'];
    participants_max: string;
    /** In kbit/s; empty: as the service says. */
    bitrate: string;
    ends: boolean;
    endsAt: string;
}

export const optionsOf = (room: Room): Options => ({
    name: room.name,
    access: room.access,
    guests_wait: room.guests_wait,
    lobby: room.lobby,
    locked: room.locked,
    hasPin: room.has_pin,
    pin: '',
    chat: room.chat,
    screen_share: room.screen_share,
    mute_on_entry: room.mute_on_entry,
    unmute: room.unmute,
    participants_max: String(room.participants_max),
    bitrate: room.bitrate === undefined ? '' : String(Math.round(room.bitrate / 1000)),
    ends: room.expires_at !== undefined,
    endsAt: room.expires_at === undefined ? '' : localInput(new Date(room.expires_at)),
});

const AS_THEY_ARE = ['name', 'access', 'guests_wait', 'lobby', 'locked', 'chat', 'screen_share', 'mute_on_entry', 'unmute'] as const;

/** The merge patch that makes the room what the form says: what is the same is not in it. */
export function changesOf(room: Room, form: Options): Record<string, unknown> {
    const was = optionsOf(room);
    const changes: Record<string, unknown> = {};
    for (const key of AS_THEY_ARE) if (form[key] !== was[key]) changes[key] = form[key];
    if (form.participants_max !== was.participants_max) changes.participants_max = Number(form.participants_max);
    if (form.bitrate !== was.bitrate) changes.bitrate = Number(form.bitrate) === 0 ? null : 1000 * Number(form.bitrate);
    if (!form.hasPin && was.hasPin) changes.pin = null;
    if (form.hasPin && form.pin !== '') changes.pin = form.pin;
    if (!form.ends && was.ends) changes.expires_at = null;
    if (form.ends && form.endsAt !== was.endsAt) changes.expires_at = timeOfInput(form.endsAt);
    return changes;
}

/** As what one acts in a room: an admin may do what its owner may. */
export const ownRole = (room: Room, user: User): Role | undefined => (user.role === 'admin' ? 'owner' : room.role);

export const isStaff = (role: Role | undefined) => role === 'owner' || role === 'moderator';

/** The roles that one may give: less than one's own. */
export function rolesBelow(role: Role | undefined): GivenRole[] {
    if (role === 'owner') return ['viewer', 'participant', 'moderator'];
    return role === 'moderator' ? ['viewer', 'participant'] : [];
}

const pathOf = (room: Room) => `/v1/rooms/${encodeURIComponent(room.id)}`;

export interface ReadRoom { room: Room; tag: string | undefined }

export async function readRoom(api: Api, id: string): Promise<ReadRoom> {
    const { body, tag } = await api.tagged('GET', `/v1/rooms/${encodeURIComponent(id)}`);
    return { room: body, tag };
}

/** Refused as stale, if somebody else has changed it since it was read. */
export async function changeRoom(api: Api, { room, tag }: ReadRoom, changes: Record<string, unknown>): Promise<ReadRoom> {
    const answer = await api.tagged('PATCH', pathOf(room), { body: changes, ...(tag === undefined ? {} : { match: tag }) });
    return { room: answer.body, tag: answer.tag };
}

/** @param who an id, or exactly the user name; digits are an id */
export const setMember = (api: Api, room: Room, who: string, role: Role): Promise<Member> =>
    api.put(`${pathOf(room)}/members/${encodeURIComponent(who)}`, { role });

export const removeMember = (api: Api, room: Room, id: string) => api.delete(`${pathOf(room)}/members/${encodeURIComponent(id)}`);

export interface NewInvitation { role: Role; label: string; maxUses: string; validForMs: number | undefined }

export const makeInvitation = (api: Api, env: Env, room: Room, wanted: NewInvitation, now: number): Promise<Invitation> =>
    api.post(`${pathOf(room)}/invitations`, {
        role: wanted.role,
        ...(wanted.label === '' ? {} : { label: wanted.label }),
        ...(wanted.maxUses === '' ? {} : { max_uses: Number(wanted.maxUses) }),
        ...(wanted.validForMs === undefined ? {} : { expires_at: new Date(now + wanted.validForMs).toISOString() }),
    }, { key: env.randomId() });

export const revokeInvitation = (api: Api, room: Room, id: string, removesPeople: boolean) =>
    api.delete(`${pathOf(room)}/invitations/${id}${removesPeople ? '?participants=remove' : ''}`);

export const liftBan = (api: Api, room: Room, id: string) => api.delete(`${pathOf(room)}/bans/${id}`);

export const closeRoom = (api: Api, room: Room) => api.delete(pathOf(room));
