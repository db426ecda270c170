// From a link to being in, and out again: what the room is like, the join page, the wait, the meeting, and why one is out.
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Problem } from '../../core/api.js';
import type { JoinInfo } from '../../core/api_types.js';
import type { Call } from '../../state/call.ts';
import { LocalMedia } from '../../state/local_media.ts';
import { user } from '../../state/session.ts';
import { api, deviceId, devices, env } from '../env.ts';
import { invitationFor } from '../invitation.ts';
import { keep, keepHere, kept, keptHere } from '../kept.ts';
import { later } from '../parts/later.tsx';
import { Waiting } from '../parts/page.tsx';
import { ownedElsewhere, ownHere } from '../tabs.ts';
import { JoinPage } from './join.tsx';
import { Over } from './over.tsx';

export type { JoinInfo };

type Stage =
    | { at: 'looking' }
    | { at: 'join'; info: JoinInfo; error?: unknown }
    | { at: 'call'; info: JoinInfo; call: Call }
    | { at: 'over'; name: string; reason: string; error?: unknown };

const loadCall = () => import('../../state/call.ts');
const loadRoom = () => import('../meeting/room.tsx');
const MeetingRoom = later(async () => (await loadRoom()).MeetingRoom);

const memory = { read: kept, write: keep };

/** Codes of problems that the join page can do something about; at others there is no way in from here. */
const MENDED_HERE = ['wrong_pin', 'name_taken'];
const isMendable = (error: unknown) => !(error instanceof Problem) || error.isPassing || error.status === 422 || MENDED_HERE.includes(error.code);

/** @param whoIAm resolves when it is known who is signed in */
export function MeetingDoor({ code, whoIAm }: { code: string; whoIAm: Promise<void> }) {
    const stage = useSignal<Stage>({ at: 'looking' });
    const isJoining = useSignal(false);
    /** Another tab of this browser is in. */
    const isElsewhere = useSignal(false);
    const media = useRef<LocalMedia | undefined>(undefined);
    /** As whom one comes back, until it is known whether one can. */
    const coming = useRef<Call | undefined>(undefined);
    const place = `participant.${code}`;

    const freshMedia = () => {
        media.current?.release();
        media.current = new LocalMedia(devices, memory);
        return media.current;
    };

    const enter = async (info: JoinInfo, call: Call) => {
        keepHere(place, `${call.token} ${call.id}`);
        ownHere({ token: call.token!, code });
        stage.value = { at: 'call', info, call };
        const unsubscribe = call.over.subscribe((reason) => {
            if (reason === undefined) return;
            queueMicrotask(() => unsubscribe());
            call.close();
            keepHere(place, undefined);
            ownHere(undefined);
            stage.value = { at: 'over', name: info.name, reason };
        });
    };

    const join = async (info: JoinInfo, name: string, pin: string) => {
        isJoining.value = true;
        try {
            const { Call: CallClass } = await loadCall();
            const invitation = invitationFor(code);
            keep('name', name);
            const call = await CallClass.join(env, api, code, media.current ?? freshMedia(), {
                ...(user.value == null || name !== user.value.display_name ? { name } : {}),
                ...(pin === '' ? {} : { pin }),
                ...(invitation === undefined ? {} : { invitation }),
                device: deviceId(),
            });
            await enter(info, call);
        } catch (error) {
            if (isMendable(error)) stage.value = { at: 'join', info, error };
            else stage.value = { at: 'over', name: info.name, reason: (error as Problem).code, error };
        } finally {
            isJoining.value = false;
        }
    };

    /** The page was loaded anew in the middle of a meeting: the same participant goes on, unless another tab is he. */
    const resume = async (participant: { id: string; token: string }): Promise<Call | undefined> => {
        void Promise.all([loadCall(), loadRoom()]).catch(() => {}); // needed soon; then it is said
        if (await ownedElsewhere(participant.token)) return undefined;
        const own = freshMedia();
        void own.openWanted(); // what opens is sent then
        const { Call: CallClass } = await loadCall();
        coming.current = CallClass.resume(env, api, code, own, participant);
        return coming.current;
    };

    const look = async () => {
        stage.value = { at: 'looking' };
        const invitation = invitationFor(code);
        const [token, id] = keptHere(place)?.split(' ') ?? [];
        const resuming = token === undefined || id === undefined ? undefined : resume({ id, token });
        try {
            const info: JoinInfo = await api.post('/v1/join-info', { room: code, ...(invitation === undefined ? {} : { invitation }) },
                { key: env.randomId() });
            const call = await resuming;
            if (call !== undefined && await call.isIn()) {
                await enter(info, call);
                return;
            }
            if (call !== undefined) {
                call.close();
                keepHere(place, undefined);
            }
            await whoIAm;
            freshMedia();
            stage.value = { at: 'join', info };
            isElsewhere.value = await ownedElsewhere(code);
        } catch (error) {
            void resuming?.then((call) => call?.close(), () => {});
            await whoIAm.catch(() => {});
            stage.value = { at: 'over', name: '', reason: error instanceof Problem ? error.code : 'network', error };
        }
    };

    // At once: an effect of the other kind waits until something is painted.
    useLayoutEffect(() => {
        void look();
        return () => {
            const now = stage.peek();
            if (now.at === 'call') void now.call.leave();
            else coming.current?.close();
            media.current?.release();
        };
    }, []);

    const now = stage.value;
    switch (now.at) {
        case 'looking': return <Waiting />;
        case 'join':
            return <JoinPage code={code} info={now.info} media={media.current!} isJoining={isJoining.value} isElsewhere={isElsewhere.value} error={now.error}
                onJoin={(name, pin) => void join(now.info, name, pin)} />;
        case 'call': return <MeetingRoom call={now.call} info={now.info} code={code} />;
        case 'over': return <Over code={code} name={now.name} reason={now.reason} error={now.error} onAgain={() => void look()} />;
    }
}
