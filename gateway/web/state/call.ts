// One meeting as it is shown: the one store that the views of it read. What is known of the room comes from core; here is what the
// page adds to it: the own devices, who speaks, which pictures are wanted, how good the network is.
import { batch, computed, signal } from '@preact/signals';
import type { Api } from '../core/api.js';
import type { Env } from '../core/env.js';
import type { Stream } from '../core/media/watch.js';
import { Meeting, type Coming } from '../core/meeting.js';
import type { Message, RoomState, Source } from '../core/room.js';
import { emptyRoom, meIn } from '../core/room.js';
import { merged } from './chat.ts';
import type { LocalMedia } from './local_media.ts';
import { OwnVoice } from './own_voice.ts';
import { isSent } from './people.ts';
import { nextQuality, wholeQuality } from './quality.ts';
import { sameOr, Speakers } from './speakers.ts';
import { Statistics } from './statistics.ts';
import { type Picture, seenOf, type Shown, wishOf } from './wish.ts';

const LEVELS_MS = 200;
const STATISTICS_MS = 1000;
/** A connection that is back sooner was not missed. */
const TROUBLE_MS = 2000;
/** Sound that is due comes many times a second, silence too: after so many without any, the connection is dead for now. */
const STILL_S = 2;
const HISTORY_PAGE = 25;
const HISTORY_PAGES_MOST = 8;

export class Call {
    readonly room = signal<RoomState>(emptyRoom());
    readonly streams = signal<readonly Stream[]>([]);
    readonly screen = signal<MediaStreamTrack | null>(null);
    readonly speakers = signal<ReadonlySet<string>>(new Set());
    readonly quality = signal(wholeQuality);
    /** Parts of the watching connection that come badly. */
    readonly poor = signal<ReadonlySet<string>>(new Set());
    readonly inTrouble = signal(false);
    /** Media has never come through, although the rest has. */
    readonly mediaFails = signal(false);
    readonly history = signal<readonly Message[]>([]);
    readonly audioOnly = signal(false);
    readonly joinedAt = Date.now();

    readonly me = computed(() => meIn(this.room.value));
    readonly over = computed(() => this.room.value.over?.reason);
    readonly messages = computed(() => merged(this.history.value, this.room.value.messages));
    readonly micIsOn = computed(() => this.media.microphone.track.value !== null && !this.#isMuted('audio')
        && (!this.#unpublishesMic.value || this.#sendsMic.value));
    readonly cameraIsOn = computed(() => this.media.camera.track.value !== null && !this.#isMuted('video'));
    /** How much is wanted of the others: what the network takes, or less by the user's own wish. */
    readonly step = computed(() => (this.audioOnly.value ? 3 : this.quality.value.step));
    readonly sharesScreen = computed(() => this.screen.value !== null);

    readonly media: LocalMedia;
    readonly ownVoice: OwnVoice;
    #env;
    #api;
    #meeting!: Meeting;
    #path;
    #sendsMic = signal(false);
    /** In such a room who is mute stays so: to be silent for a moment is to send no sound. */
    #unpublishesMic = computed(() => this.room.value.room?.unmute === 'moderators' && !this.room.value.me.can.includes('admit'));
    #pictures: readonly Picture[] = [];
    #isHidden = false;
    #floating: Shown | undefined;
    #voices = new Speakers();
    #statistics = new Statistics();
    #ends: (() => void)[] = [];
    #troubleSince: number | undefined;
    /** The connection by which something has come. */
    #cameBy: RTCPeerConnection | undefined;
    /** Seconds on end in which nothing came any more by that one, of what is due. */
    #still = 0;
    #wasUp = false;
    #mutedByMe = new Set<Source>();

    private constructor(env: Env, api: Api, code: string, media: LocalMedia) {
        this.#env = env;
        this.#api = api;
        this.#path = `/v1/rooms/${encodeURIComponent(code)}`;
        this.media = media;
        this.ownVoice = new OwnVoice(env);
    }

    /** @throws Problem if one is not let in */
    static async join(env: Env, api: Api, code: string, media: LocalMedia, coming: Coming): Promise<Call> {
        const call = new Call(env, api, code, media);
        const meeting = await Meeting.join(env, api, code, coming, {
            onChange: (changed) => call.#take(changed),
        });
        call.#start(meeting);
        return call;
    }

    /** Goes on as a participant who was in. */
    static resume(env: Env, api: Api, code: string, media: LocalMedia, { id, token }: { id: string; token: string }): Call {
        const call = new Call(env, api, code, media);
        call.#start(Meeting.resume(env, api.withToken(token), code, id, { onChange: (changed) => call.#take(changed) }));
        return call;
    }

    /** Whether one is in, or waits to be: resolves when it is known. */
    isIn(): Promise<boolean> {
        return new Promise((resolve) => {
            this.#once(() => this.room.value.isKnown || this.over.value !== undefined, () => resolve(this.over.peek() === undefined));
        });
    }

    get id() { return this.#meeting.id; }

    /** To come back with after the page was loaded anew. */
    get token() { return this.#meeting.token; }

    // ---- what the user does ----

    async setMicrophone(isOn: boolean): Promise<void> {
        const { microphone } = this.media;
        if (this.#unpublishesMic.value) {
            this.#sendsMic.value = isOn;
            await this.#send('audio', isOn ? await microphone.open() : null);
        } else if (isOn) {
            const track = await microphone.open();
            if (track === null) return;
            await this.#send('audio', track);
            await this.#mute('audio', false);
        } else {
            await this.#mute('audio', true);
        }
    }

    async setCamera(isOn: boolean): Promise<void> {
        const { camera } = this.media;
        if (!isOn) camera.close();
        const track = isOn ? await camera.open() : null;
        await this.#send('video', track);
        if (track !== null && this.#isMuted('video')) await this.#mute('video', false);
    }

    /** Another microphone or camera takes the place of the one that is sent. */
    async chooseDevice(kind: 'microphone' | 'camera', deviceId: string): Promise<void> {
        const input = this.media[kind];
        const track = await input.choose(deviceId);
        if (track !== null) await this.#send(input.kind, track);
    }

    async setSmallCamera(isSmall: boolean): Promise<void> {
        const track = await this.media.camera.setSmall(isSmall);
        if (track !== null) await this.#send('video', track);
    }

    async startScreen(): Promise<void> {
        const track = await this.media.devices.openScreen();
        track.addEventListener('ended', () => { void this.stopScreen(); });
        this.screen.value = track;
        await this.#send('screen', track).catch((error) => {
            this.#dropScreen();
            throw error;
        });
    }

    async stopScreen(): Promise<void> {
        if (this.screen.value === null) return;
        this.#dropScreen();
        await this.#send('screen', null);
    }

    setHand(isRaised: boolean, id = this.id) { return this.#asMe.patch(`${this.#path}/participants/${id}`, { hand: isRaised }); }

    say(text: string, to?: string) {
        return this.#asMe.post(`${this.#path}/messages`, to === undefined ? { text } : { text, to }, { key: this.#env.randomId() });
    }

    admit(id: string) { return this.#asMe.post(`${this.#path}/participants/${id}/admit`, {}, { key: this.#env.randomId() }); }
    deny(id: string) { return this.#asMe.post(`${this.#path}/participants/${id}/deny`, {}, { key: this.#env.randomId() }); }
    admitAll(ids: string[]) { return this.#asMe.post(`${this.#path}/admit-all`, { participants: ids }, { key: this.#env.randomId() }); }
    muteOther(id: string, source: Source) { return this.#asMe.post(`${this.#path}/participants/${id}/mute`, { sources: [source] }); }
    muteAll() { return this.#asMe.post(`${this.#path}/mute-all`, { sources: ['audio'] }); }
    setRole(id: string, role: string) { return this.#asMe.patch(`${this.#path}/participants/${id}`, { role }); }
    remove(id: string) { return this.#asMe.delete(`${this.#path}/participants/${id}`); }
    ban(id: string, by: string[]) {
        return this.#asMe.post(`${this.#path}/bans`, { participant: id, by }, { key: this.#env.randomId() });
    }
    endForAll() { return this.#asMe.post(`${this.#path}/end`, {}); }

    /** What is on the page of the others, the most important first. */
    setPictures(pictures: readonly Picture[]): void {
        this.#pictures = pictures;
        this.#wish();
    }

    /**
     * @param isHidden nobody looks at the page: its pictures are not wanted for now, sound is
     * @param floating the one that is seen all the same, in a window of its own
     */
    setHidden(isHidden: boolean, floating: Shown | undefined): void {
        this.#isHidden = isHidden;
        this.#floating = floating;
        this.#wish();
    }

    setAudioOnly(isOn: boolean): void {
        this.audioOnly.value = isOn;
        this.#wish();
    }

    /** The network is back, the page is seen again. */
    wake(): void { this.#meeting.wake(); }

    async leave(): Promise<void> {
        this.#stop();
        await this.#meeting.leave().catch(() => {}); // who cannot say so is away, and goes by himself
    }

    /** Ends what runs here; the participant stays. */
    close(): void {
        this.#stop();
        this.#meeting.close();
    }

    #stop() {
        for (const end of this.#ends.splice(0)) end();
        this.ownVoice.stop();
        this.#dropScreen();
        this.media.release();
    }

    // ---- what happens ----

    get #asMe(): Api { return this.#api.withToken(this.token ?? ''); }

    #start(meeting: Meeting) {
        this.#meeting = meeting;
        this.#take(meeting);
        this.#every(LEVELS_MS, () => this.#lookAtLevels());
        this.#every(STATISTICS_MS, () => { void this.#lookAtStatistics(); });
        this.#once(() => this.me.value?.state === 'joined', () => { void this.#readHistory(); });
        // Who was let in is told what he may a moment later; a viewer may be made a participant.
        this.#once(() => this.me.value?.state === 'joined' && this.room.value.me.can.includes('publish'), () => { void this.#begin(); });
        this.#ends.push(this.media.microphone.track.subscribe((track) => this.ownVoice.listenTo(track)));
        for (const input of [this.media.microphone, this.media.camera]) this.#followPlug(input);
    }

    #once(condition: () => boolean, act: () => void) {
        const isMet = computed(condition);
        let isDone = false;
        this.#ends.push(isMet.subscribe((isNow) => {
            if (!isNow || isDone) return;
            isDone = true;
            act();
        }));
    }

    /** Sends what is on. */
    async #begin() {
        const { microphone, camera } = this.media;
        if (!microphone.isWanted.value) this.#mutedByMe.add('audio');
        this.#sendsMic.value = microphone.track.value !== null;
        const sends = [[microphone, 'audio'], [camera, 'video']] as const;
        await Promise.all(sends.map(([{ track }, source]) => (track.value === null ? undefined : this.#send(source, track.value).catch(() => {}))));
    }

    async #readHistory() {
        let after = '';
        for (let page = 0; page < HISTORY_PAGES_MOST; page += 1) {
            const answer = await this.#asMe.get(`${this.#path}/messages?limit=${HISTORY_PAGE}${after}`).catch(() => ({ items: [], more: false }));
            this.history.value = [...this.history.value, ...answer.items];
            if (!answer.more) return;
            after = `&after=${answer.items.at(-1).seq}`;
        }
    }

    #take(meeting: Meeting) {
        if (this.#meeting === undefined) return;
        batch(() => {
            this.room.value = meeting.state;
            this.streams.value = meeting.watcher.streams;
        });
        this.#lookAtTrouble(meeting);
        this.#wish();
    }

    /** A device that comes late, or back, is sent; one that goes is not sent any more. */
    #followPlug(input: LocalMedia['camera']) {
        let before = input.track.value;
        let isGone = input.fault.peek() === 'unplugged'; // the room may not know yet
        this.#ends.push(input.track.subscribe((track) => {
            const isNew = isGone || (before === null && !this.#meeting.sends(input.kind));
            before = track;
            if (track === null && input.fault.peek() === 'unplugged') {
                isGone = true;
                void this.#send(input.kind, null).catch(() => {});
            } else if (track !== null) {
                isGone = false;
                if (isNew && input.isWanted.peek() && this.me.peek()?.state === 'joined') void this.#send(input.kind, track).catch(() => {});
            }
        }));
    }

    async #send(source: Source, track: MediaStreamTrack | null) { await this.#meeting.setTrack(source, track); }

    #isMuted(source: Source) { return this.me.value?.muted.includes(source) ?? false; }

    /** Whether it was the user himself who made it mute. */
    mutedMyself(source: Source) { return this.#mutedByMe.has(source); }

    async #mute(source: Source, isMuted: boolean) {
        if (isMuted) this.#mutedByMe.add(source);
        else this.#mutedByMe.delete(source);
        const others = (this.me.peek()?.muted ?? []).filter((one) => one !== source);
        await this.#meeting.publisher.setMuted(isMuted ? [...others, source] : others);
    }

    #dropScreen() {
        this.screen.value?.stop();
        this.screen.value = null;
    }

    #wish() {
        const step = this.step.value;
        const pictures = seenOf(this.#pictures, this.#isHidden, this.#floating);
        this.#meeting?.setWish((room) => wishOf(room, pictures, step));
    }

    // ---- what is looked at all the time ----

    #every(ms: number, look: () => void) {
        const timer = setInterval(look, ms);
        this.#ends.push(() => clearInterval(timer));
    }

    #lookAtLevels() {
        const now = performance.now();
        const levels = new Map<string, number>();
        const receivers = new Map(this.#meeting.watcher.peer?.getTransceivers().map(({ mid, receiver }) => [mid, receiver]));
        for (const { mid, participant, source } of this.streams.value) {
            // Of who is mute, and where nothing comes any more, the browser keeps the last level for a while.
            if (this.#still > 0 || source !== 'audio' || !isSent(this.room.value.participants.get(participant), 'audio')) continue;
            const level = receivers.get(mid)?.getSynchronizationSources()[0]?.audioLevel;
            levels.set(participant, level ?? 0);
        }
        const isOn = this.micIsOn.peek();
        if (isOn) levels.set(this.id, this.ownVoice.level);
        this.speakers.value = sameOr(this.speakers.value, this.#voices.take(levels, now));
        this.ownVoice.look(now, isOn);
    }

    /** Who has spoken for a while, the longest first: a page may turn to them. */
    speakingFor(ms: number): string[] { return this.#voices.speakingFor(ms, performance.now()); }

    async #lookAtStatistics() {
        this.#lookAtTrouble(this.#meeting);
        const { peer } = this.#meeting.watcher;
        const report = await peer?.getStats();
        if (report === undefined) {
            this.#still = 0;
            return;
        }
        const { sample, pictures } = this.#statistics.take(report.values() as Iterable<never>);
        if (sample.received > 0) this.#cameBy = peer;
        this.#still = sample.received === 0 && this.#cameBy === peer && this.#isSoundDue() ? this.#still + 1 : 0;
        const before = this.quality.value;
        this.quality.value = nextQuality(before, sample);
        this.poor.value = sameOr(this.poor.value, new Set(pictures.filter(({ isPoor }) => isPoor).map(({ mid }) => mid)));
        if (before.step !== this.quality.value.step) this.#wish();
    }

    #isSoundDue() {
        return this.streams.value.some(({ participant, source }) => source === 'audio'
            && isSent(this.room.value.participants.get(participant), 'audio'));
    }

    #lookAtTrouble(meeting: Meeting) {
        const now = performance.now();
        const isHeard = ['open', 'polling'].includes(meeting.eventsState);
        const media = [meeting.publisher.state, meeting.watcher.state];
        if (media.includes('up')) this.#wasUp = true;
        const isBroken = !isHeard || this.#still >= STILL_S || (this.#wasUp && media.includes('connecting') && !media.includes('up'));
        if (isBroken) this.#troubleSince ??= now;
        else this.#troubleSince = undefined;
        this.inTrouble.value = this.#troubleSince !== undefined && now - this.#troubleSince > TROUBLE_MS && this.over.peek() === undefined;
        const neverCame = !this.#wasUp && media.includes('connecting') && Date.now() - this.joinedAt > 12000;
        this.mediaFails.value = isHeard && neverCame;
    }
}
