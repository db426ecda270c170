// The meeting: people, and one bar. Everything else comes when it is asked for.
import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Call } from '../../state/call.ts';
import { t, timeOfDay } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { useTitle, Waiting } from '../parts/page.tsx';
import { navigate } from '../router.tsx';
import type { JoinInfo } from '../views/door.tsx';
import { useAnnouncements } from './announce.ts';
import { Sound, soundIsBlocked } from './audio.tsx';
import { Bar } from './bar.tsx';
import { ChatPanel } from './chat.tsx';
import { invite, PeoplePanel } from './people.tsx';
import { DeviceDialog, KeysDialog } from './settings.tsx';
import { useShortcuts } from './shortcuts.ts';
import { Stage } from './stage.tsx';
import { useHiding, useWakeLock, useWaking } from './wake.ts';

export type Panel = 'people' | 'chat' | undefined;
export type Sheet = 'devices' | 'keys' | 'end' | undefined;

export function MeetingRoom({ call, info, code }: { call: Call; info: JoinInfo; code: string }) {
    const panel = useSignal<Panel>(undefined);
    const sheet = useSignal<Sheet>(undefined);
    const readUpTo = useSignal(0);
    const isWaiting = call.me.value?.state === 'waiting';
    const isStaff = call.room.value.me.can.includes('admit');
    useTitle(call.room.value.room?.name ?? info.name);
    useAnnouncements(call, panel);
    useShortcuts(call, panel, sheet);
    useWakeLock();
    useWaking(call);
    useHiding(call);
    // What is said while the chat is open is read.
    useSignalEffect(() => {
        const last = call.messages.value.at(-1)?.seq ?? 0;
        if (panel.value === 'chat') readUpTo.value = last;
    });
    // What was said before one came is there to be read, but nothing new.
    const unread = useComputed(() => call.room.value.messages.filter(({ seq, from }) => seq > readUpTo.value && from.id !== call.id).length);

    // Drawn when there is something to draw: what comes first is heard sooner.
    if (!call.room.value.isKnown && call.me.value === undefined) return <div class="stage meeting lobby"><Waiting /></div>;
    if (isWaiting) return <InLobby call={call} info={info} />;
    return (
        <div class="stage meeting">
            <Header call={call} name={call.room.value.room?.name ?? info.name} />
            <div class="meeting-body">
                <main class="meeting-stage" aria-label={t('meeting.stage')}>
                    <Banner call={call} code={code} />
                    <Stage call={call}><Warnings call={call} /></Stage>
                </main>
                {panel.value === 'people' && <PeoplePanel call={call} code={code} isStaff={isStaff} onClose={() => { panel.value = undefined; }} />}
                {panel.value === 'chat' && <ChatPanel call={call} onClose={() => { panel.value = undefined; }} />}
            </div>
            <Bar call={call} panel={panel} sheet={sheet} unread={unread.value} />
            <Sound call={call} />
            {sheet.value === 'devices' && <DeviceDialog call={call} onClose={() => { sheet.value = undefined; }} />}
            {sheet.value === 'keys' && <KeysDialog onClose={() => { sheet.value = undefined; }} />}
        </div>
    );
}

function Header({ call, name }: { call: Call; name: string }) {
    const now = useSignal(Date.now());
    useEffect(() => {
        const timer = setInterval(() => { now.value = Date.now(); }, 10000);
        return () => clearInterval(timer);
    }, []);
    const { room, participants } = call.room.value;
    const step = call.audioOnly.value ? 0 : call.step.value; // what the user wanted himself is not told
    return (
        <header class="meeting-head">
            <h1><bdi>{name}</bdi></h1>
            <span class="quiet">{t('meeting.people', { count: participants.size })}</span>
            <span class="quiet">{timeOfDay(now.value)}</span>
            <span class="grow" />
            {step > 0 && <span class="state warn"><Icon name="signal" size={18} />{t(`quality.step${step as 1 | 2 | 3}`)}</span>}
            {room?.locked && <span class="state"><Icon name="lock" size={18} />{t('room.locked')}</span>}
        </header>
    );
}

function Banner({ call, code }: { call: Call; code: string }) {
    if (call.inTrouble.value) return <div class="banner" role="status"><span class="spinner" />{t('trouble.reconnecting')}</div>;
    if (call.mediaFails.value) {
        return (
            <div class="banner" role="status">
                {t('trouble.media')}
                <button type="button" class="button small" onClick={() => { open(`/test?room=${code}`, '_blank', 'noopener'); }}>{t('trouble.test')}</button>
            </div>
        );
    }
    if (call.room.value.isKnown && call.room.value.participants.size === 1) {
        return (
            <div class="banner" role="status">
                {t('meeting.alone')}
                <button type="button" class="button small" onClick={() => invite(call, code)}>{t('invite.copy')}</button>
            </div>
        );
    }
    return null;
}

/** What is wrong with what the others get of one: one line above the bar, over the tiles: they stay where they are. */
function Warnings({ call }: { call: Call }) {
    const { microphone, camera } = call.media;
    if (soundIsBlocked.value) {
        return <Line text={t('warn.autoplay')} action={t('warn.autoplayAction')} act={() => { soundIsBlocked.value = false; }} />;
    }
    if (call.ownVoice.talksMuted.value) return <Line text={t('warn.talksMuted')} action={t('control.micOn')} act={() => void call.setMicrophone(true)} />;
    if (microphone.fault.value === 'unplugged') return <Line text={t('fault.mic.unplugged')} />;
    if (camera.fault.value === 'unplugged') return <Line text={t('fault.camera.unplugged')} />;
    if (call.ownVoice.isSilent.value) return <Line text={t('warn.silent')} />;
    return null;
}

function Line({ text, action, act }: { text: string; action?: string; act?: () => void }) {
    return (
        <div class="warning" role="status">
            <Icon name="alert" size={20} /><span>{text}</span>
            {action !== undefined && <button type="button" class="button small primary" onClick={act}>{action}</button>}
        </div>
    );
}

function InLobby({ call, info }: { call: Call; info: JoinInfo }) {
    const leave = () => {
        void call.leave();
        navigate('/');
    };
    return (
        <div class="stage meeting lobby">
            <div class="stack words" role="status">
                <span class="spinner" />
                <h1><bdi>{info.name}</bdi></h1>
                <p class="lead quiet">{t(info.begun ? 'lobby.waiting' : 'lobby.notBegun')}</p>
                <div class="row"><button type="button" class="button" onClick={leave}>{t('control.leave')}</button></div>
            </div>
        </div>
    );
}
