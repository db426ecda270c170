// What happens in a meeting, for who does not look at it: joins and leaves (several at once in one sentence), hands, the chat while it
// is closed, who waits, and what is done to oneself.
import type { Signal } from '@preact/signals';
import { computed } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { playTone } from '../../core/loudness.js';
import type { RoomState } from '../../core/room.js';
import type { Call } from '../../state/call.ts';
import { env } from '../env.ts';
import { t } from '../i18n.ts';
import { announce, showError, showToast } from '../parts/toasts.tsx';
import type { Panel } from './room.tsx';

const BATCH_MS = 1500;

class Batch {
    #joined: string[] = [];
    #left: string[] = [];
    #timer: ReturnType<typeof setTimeout> | undefined;

    joined(name: string) { this.#add(this.#joined, name); }
    left(name: string) { this.#add(this.#left, name); }
    stop() { clearTimeout(this.#timer); }

    #add(list: string[], name: string) {
        list.push(name);
        this.#timer ??= setTimeout(() => this.#say(), BATCH_MS);
    }

    #say() {
        this.#timer = undefined;
        const texts = [sentence('announce.joined', this.#joined.splice(0)), sentence('announce.left', this.#left.splice(0))];
        const text = texts.filter(Boolean).join(' ');
        if (text === '') return;
        announce(text);
        showToast({ text });
    }
}

function sentence(key: 'announce.joined' | 'announce.left', names: string[]): string {
    return names.length === 0 ? '' : t(key, { count: names.length, name: names[0]! });
}

export function useAnnouncements(call: Call, panel: Signal<Panel>): void {
    useEffect(() => {
        const batch = new Batch();
        let before: RoomState | undefined;
        let lastSeq = Infinity;
        let wasInTrouble = false;
        const unsubscribes = [
            call.room.subscribe((room) => {
                if (before?.isKnown && room.isKnown && room !== before) tellOfPeople(call, panel, batch, before, room);
                if (room.isKnown) before = room;
            }),
            call.messages.subscribe((messages) => {
                const last = messages.at(-1);
                if (last !== undefined && last.seq > lastSeq && last.from.id !== call.id && panel.peek() !== 'chat') {
                    announce(t('announce.message', { name: last.from.name, text: last.text.slice(0, 200) }));
                }
                lastSeq = last?.seq ?? 0;
            }),
            call.inTrouble.subscribe((isBad) => {
                if (isBad) {
                    announce(t('trouble.reconnecting'));
                } else if (wasInTrouble && call.over.peek() === undefined) {
                    announce(t('trouble.back'));
                    showToast({ text: t('trouble.back') });
                }
                wasInTrouble = isBad;
            }),
        ];
        return () => {
            batch.stop();
            for (const unsubscribe of unsubscribes) unsubscribe();
        };
    }, [call]);
}

function tellOfPeople(call: Call, panel: Signal<Panel>, batch: Batch, before: RoomState, room: RoomState) {
    if (!before.participants.has(call.id)) return; // those who were in before oneself have not come now
    for (const [id, { name, hand_raised_at: hand }] of room.participants) {
        const was = before.participants.get(id);
        if (id === call.id) continue;
        if (was === undefined) batch.joined(name);
        if (hand !== undefined && was?.hand_raised_at === undefined) announce(t('announce.hand', { name }));
    }
    for (const [id, { name }] of before.participants) if (!room.participants.has(id) && id !== call.id) batch.left(name);
    for (const [id, { name }] of room.waiting) if (!before.waiting.has(id) && id !== call.id) tellOfWaiting(call, panel, id, name);
    tellOfMe(call, before, room);
}

function tellOfWaiting(call: Call, panel: Signal<Panel>, id: string, name: string) {
    void playTone(env, call.media.speakerId.peek());
    const text = t('announce.waits', { name });
    announce(text);
    if (panel.peek() === 'people') return;
    const holds = computed(() => call.room.value.waiting.has(id) && call.over.value === undefined);
    showToast({ text, holds, action: { text: t('people.admit'), act: () => void call.admit(id).catch(showError) } });
}

/** Made mute by somebody else: the own wish is said by core before the room tells it. */
function tellOfMe(call: Call, before: RoomState, room: RoomState) {
    const was = before.participants.get(call.id)?.muted ?? [];
    const now = room.participants.get(call.id)?.muted ?? [];
    if (!now.includes('audio') || was.includes('audio') || call.mutedMyself('audio')) return;
    const mayUnmute = room.room?.unmute !== 'moderators' || room.me.can.includes('admit');
    announce(t('announce.muted'));
    showToast({
        text: t('announce.muted'),
        ...(mayUnmute ? { action: { text: t('control.micOn'), act: () => void call.setMicrophone(true).catch(showError) } } : {}),
    });
}
