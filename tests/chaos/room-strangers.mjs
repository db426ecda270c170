// Those who come into the rooms of the chaos test by its code or by invitations, and what becomes of them: they wait, are let in
// or not, leave and come back, are banned and try to come again.
import { Person, pick } from './room-people.mjs';

const ROLES = ['viewer', 'participant', 'participant', 'moderator'];
const DECISIONS = ['admit', 'admit', 'deny', 'withdraw', 'admitAll', 'admitAll', 'two', 'two', 'banWaiting'];
const OF_TWO = ['admit', 'deny', 'withdraw', 'banWaiting'];

const byChance = (percent) => Math.random() * 100 < percent;

export class Strangers {
    /// commands: that they are a part of; users: tokens of those who have signed in, by their ids.
    constructor(commands, users) {
        this.commands = commands;
        this.users = [...users];
        this.addresses = 0;
    }

    /// What comes to nothing, because there is nobody to whom it could be done, gives undefined.
    #find(isRight) {
        return pick(this.commands.places.flatMap(({ strangers }) => strangers).filter((one) => !one.isBusy && isRight(one)));
    }

    // Nobody else picks him meanwhile.
    async #hold(one, act) {
        one.isBusy = true;
        await act(one).finally(() => { one.isBusy = false; });
    }

    /* ---- coming ---- */

    come(number) {
        const place = pick(this.commands.places);
        const how = { device: `device ${number}`, invitation: byChance(50) ? pick(place.invitations) : undefined,
            user: byChance(20) ? pick(this.users) : undefined };
        const names = byChance(35) ? [`stranger ${number} a`, `stranger ${number} b`] : [`stranger ${number}`];
        return Promise.all(names.map((name) => this.join(place, { ...how, name })));
    }

    /// invitation, user, device: by which he comes, if any.
    async join(place, { name, invitation, user, device }) {
        const { commands } = this;
        this.addresses += 1;
        const address = `127.2.${(this.addresses >> 7) & 255}.${1 + (this.addresses & 127)}`;
        const record = { kind: 'join', room: place.room, name, device, user: user?.id, invitation: invitation?.id };
        await commands.insist(record, { room: place.code, path: '/participants', token: user?.token, address,
            body: { name, device, ...(invitation === undefined ? {} : { invitation: invitation.secret }) } });
        if (record.code?.startsWith('invitation_')) place.invitations = place.invitations.filter((one) => one !== invitation);
        if (record.outcome !== 'done') return record;
        const { participant: { id, role, state }, token } = record.answer;
        record.id = id;
        const one = new Person(place, { id, token, name, role, state, address, device, user: user?.id, invitation: invitation?.id });
        one.read(state === 'waiting' ? 2 : 1, commands.ports);
        place.strangers.push(one);
        return record;
    }

    leave() {
        const one = this.#find(({ state }) => state === 'joined');
        return one && this.#hold(one, () => this.#goes(one, 'left'));
    }

    async #goes(one, state) {
        const record = { kind: 'leave', room: one.room, id: one.id };
        await this.commands.send(record, one, 'DELETE', `/participants/${one.id}`);
        one.become({ done: state, unknown: 'unsure' }[record.outcome] ?? 'out');
    }

    comeBack() {
        const one = this.#find(({ state }) => state === 'left');
        return one && this.#hold(one, async () => {
            const record = await this.commands.insist({ kind: 'back', room: one.room, id: one.id },
                { path: '/participants', token: one.token, address: one.address, body: {} });
            one.become(record.outcome === 'done' ? 'joined' : 'out');
            one.goOn();
        });
    }

    /* ---- the lobby ---- */

    decide(number) {
        const one = this.#find(({ state }) => state === 'waiting');
        if (one === undefined) return undefined;
        const kind = pick(DECISIONS);
        return this.#hold(one, () => (kind !== 'two' ? this[kind](one, number)
            : Promise.all([this[pick(OF_TWO)](one, number), this[pick(OF_TWO)](one, number + 0.5)])));
    }

    async admit(one) {
        const record = { kind: 'admit', room: one.room, ids: [one.id] };
        await this.commands.send(record, pick(one.place.staff), 'POST', `/participants/${one.id}/admit`);
    }

    async deny(one) {
        const record = { kind: 'deny', room: one.room, ids: [one.id] };
        await this.commands.send(record, pick(one.place.staff), 'POST', `/participants/${one.id}/deny`);
    }

    withdraw(one) {
        return this.#goes(one, 'out');
    }

    // Those whom one has seen waiting.
    async admitAll({ place, room }) {
        const by = pick(place.staff);
        const ids = [...by.seen];
        await this.commands.send({ kind: 'admit', all: true, room, ids }, by, 'POST', '/admit-all', { participants: ids });
    }

    banWaiting(one, number) {
        return this.#bans(one, number);
    }

    /* ---- bans ---- */

    ban(number) {
        const one = this.#find(({ state }) => state === 'joined') ?? this.#find(({ state }) => state === 'left');
        return one && this.#hold(one, async () => {
            const { place, device } = one;
            // By the same device, at the same moment: before the ban or after it.
            const other = byChance(40) ? this.join(place, { name: `stranger ${number} c`, device }) : undefined;
            await Promise.all([this.#bans(one, number), other]);
        });
    }

    async #bans(one, number) {
        const { commands } = this;
        const owner = one.place.staff[0];
        const by = one.isStaff ? owner : pick(one.place.staff);
        const ways = ['device', 'user', 'invitation'].filter((way) => one[way] !== undefined);
        const chosen = ways.filter(() => byChance(60));
        const of = chosen.length > 0 ? chosen : [pick(ways)];
        const named = Object.fromEntries(of.map((way) => [way, one[way]]));
        const record = await commands.insist({ kind: 'ban', room: one.room, id: one.id, by: by.role, note: `ban ${number}`, ...named },
            { path: '/bans', token: by.token, body: { participant: one.id, by: of, note: `ban ${number}` } });
        if (record.outcome !== 'done') return;
        record.ban = record.answer.id;
        one.become('out');
        await Promise.all([...of.map((way) => this.#triesAgain(one, way, number)), this.#resumes(one)]);
    }

    async #triesAgain(one, way, number) {
        const how = { device: { device: one.device }, user: { user: this.users.find(({ id }) => id === one.user), device: `device ${number} x` },
            invitation: { invitation: one.place.invitations.find(({ id }) => id === one.invitation), device: `device ${number} y` } }[way];
        if (Object.values(how).includes(undefined)) return; // it was taken back
        const record = await this.join(one.place, { name: `stranger ${number} after ${way}`, ...how });
        if (record.outcome !== 'refused') record.outcome = 'failed';
    }

    // With his token he is told that he is out; who was denied, or has left, before he was banned is, too.
    async #resumes(one) {
        const record = await this.commands.insist({ kind: 'back', room: one.room, id: one.id },
            { path: '/participants', token: one.token, address: one.address, body: {} });
        if (record.outcome !== 'refused') record.outcome = 'failed';
    }

    /* ---- invitations ---- */

    inviteMore(number) {
        return this.invite(pick(this.commands.places), { role: pick(ROLES), label: `label ${number}`,
            ...(byChance(70) ? { max_uses: 1 + Math.floor(Math.random() * 4) } : {}) });
    }

    async invite(place, body) {
        const record = await this.commands.insist({ kind: 'invite', room: place.room, ...body },
            { path: '/invitations', token: place.staff[0].token, body });
        if (record.outcome !== 'done') return record;
        record.id = record.answer.id;
        place.invitations.push({ id: record.id, secret: record.answer.secret });
        return record;
    }

    changeInvitation(number) {
        const place = pick(this.commands.places.filter(({ invitations }) => invitations.length > 1));
        if (place === undefined) return undefined;
        const invitation = pick(place.invitations);
        const path = `/invitations/${invitation.id}`;
        const record = { room: place.room, id: invitation.id, label: `label ${number}` };
        if (byChance(50)) return this.commands.send({ ...record, kind: 'relabel' }, place.staff[0], 'PATCH', path, { label: record.label });
        place.invitations = place.invitations.filter((one) => one !== invitation);
        return this.commands.send({ ...record, kind: 'revoke' }, place.staff[0], 'DELETE', path);
    }
}
