// Before a meeting: how one looks and sounds, and under which name one comes.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Problem } from '../../core/api.js';
import { playTone, watchLoudness } from '../../core/loudness.js';
import type { Input, LocalMedia } from '../../state/local_media.ts';
import { deviceOf } from '../../state/local_media.ts';
import { user } from '../../state/session.ts';
import { browserName, env } from '../env.ts';
import { hasText, t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { kept } from '../kept.ts';
import { Field, Form, Select, Wrong } from '../parts/form.tsx';
import { Page } from '../parts/page.tsx';
import { usePlayed } from '../parts/played.ts';
import { fieldProblem } from '../problem.ts';
import { Link } from '../router.tsx';
import type { JoinInfo } from './door.tsx';

/** Moves with the microphone: one sees that one is heard. */
export function Meter({ track }: { track: MediaStreamTrack | null }) {
    const bar = useRef<HTMLSpanElement>(null);
    useEffect(() => {
        if (track === null) return undefined;
        const stop = watchLoudness(env, track, (level) => {
            if (bar.current !== null) bar.current.style.transform = `scaleX(${Math.min(1, level ** 0.6 * 1.3)})`;
        });
        return () => {
            stop();
            if (bar.current !== null) bar.current.style.transform = '';
        };
    }, [track]);
    return <div class="meter" role="img" aria-label={t('join.meter')}><span ref={bar} /></div>;
}

export function SelfVideo({ track }: { track: MediaStreamTrack | null }) {
    const video = useRef<HTMLVideoElement>(null);
    usePlayed(video, track);
    return <video ref={video} autoplay muted playsInline aria-label={t('join.self')} />;
}

function InputToggle({ input, on, off }: { input: Input; on: string; off: string }) {
    const isOn = input.track.value !== null;
    const what = input.kind === 'audio' ? 'mic' : 'camera';
    return (
        <button type="button" class={`control round${isOn ? '' : ' off'}`} aria-pressed={isOn} title={isOn ? off : on} aria-label={isOn ? off : on}
            onClick={() => { if (isOn) input.close(); else void input.open(); }}>
            <Icon name={isOn ? what : `${what}Off`} />
        </button>
    );
}

/** What is to be done when there is no camera or microphone, for this browser. */
export function InputHelp({ input }: { input: Input }) {
    const fault = input.fault.value;
    if (fault === undefined) return null;
    const what = input.kind === 'audio' ? 'mic' : 'camera';
    const steps = `help.${browserName()?.toLowerCase() ?? 'other'}`;
    return (
        <div class="note warn" role="status">
            <Icon name={`${what}Off`} size={20} />
            <div>
                <span>{t(`fault.${what}.${fault}`)}</span>
                {fault === 'denied' && <small>{hasText(steps) ? t(steps) : t('help.other')}</small>}
            </div>
        </div>
    );
}

const named = (list: MediaDeviceInfo[], word: string): [string, string][] =>
    list.map(({ deviceId, label }, index) => [deviceId, label || `${word} ${index + 1}`]);

/** The one in use, else the one that would be, the first. */
const chosen = (list: MediaDeviceInfo[], id: string) => (list.some(({ deviceId }) => deviceId === id) ? id : list[0]!.deviceId);

export function DevicePickers({ media, onChoose }: { media: LocalMedia; onChoose?: (kind: 'microphone' | 'camera', id: string) => void }) {
    const { microphones, cameras, speakers } = media.lists.value;
    const choose = onChoose ?? ((kind: 'microphone' | 'camera', id: string) => { void media[kind].choose(id); });
    return (
        <div class="devices">
            {microphones.length > 0 && <Select label={t('device.mic')} icon="mic" isLabelHidden value={chosen(microphones, deviceOf(media.microphone.track) || media.microphone.deviceId.value)}
                options={named(microphones, t('device.mic'))} onChange={(id) => choose('microphone', id)} />}
            {cameras.length > 0 && <Select label={t('device.camera')} icon="camera" isLabelHidden value={chosen(cameras, deviceOf(media.camera.track) || media.camera.deviceId.value)}
                options={named(cameras, t('device.camera'))} onChange={(id) => choose('camera', id)} />}
            {speakers.length > 0 && 'setSinkId' in HTMLMediaElement.prototype && (
                <Select label={t('device.speaker')} icon="speaker" isLabelHidden value={media.speakerId.value}
                    options={[['', t('device.systemSpeaker')], ...named(speakers.filter(({ deviceId }) => deviceId !== 'default'), t('device.speaker'))]} onChange={(id) => media.chooseSpeaker(id)} />
            )}
            <button type="button" class="button" onClick={() => void playTone(env, media.speakerId.value)}><Icon name="speaker" size={20} />{t('join.testSound')}</button>
        </div>
    );
}

interface JoinProps {
    code: string;
    info: JoinInfo;
    media: LocalMedia;
    isJoining: boolean;
    isElsewhere: boolean;
    error?: unknown;
    onJoin: (name: string, pin: string) => void;
}

export function JoinPage({ info, media, isJoining, isElsewhere, error, onJoin }: JoinProps) {
    const name = useSignal(user.value?.display_name ?? kept('name') ?? '');
    const pin = useSignal('');
    const camera = media.camera.track.value;
    const isWatching = info.role === 'viewer';
    useEffect(() => { if (!isWatching) void media.openWanted(); }, [media]);
    useSignalEffect(() => { if (media.microphone.track.value ?? media.camera.track.value) void media.look(); });
    const isPinWrong = error instanceof Problem && error.code === 'wrong_pin';
    const nameProblem = error instanceof Problem && error.code === 'name_taken' ? t('problem.name_taken') : fieldProblem(error, '/name');
    return (
        <Page title={info.name}>
            <div class="columns join">
                <div class="stack tight look">
                    {!isWatching && (
                        <>
                            <div class="preview stage">
                                {camera !== null ? <SelfVideo track={camera} /> : (
                                    <div class="off"><span class="quiet">{media.camera.isWanted.value && media.camera.fault.value === undefined
                                        ? t('join.cameraStarts') : t('join.cameraOff')}</span></div>
                                )}
                                <div class="preview-bar">
                                    <InputToggle input={media.microphone} on={t('control.micOn')} off={t('control.micOff')} />
                                    <InputToggle input={media.camera} on={t('control.cameraOn')} off={t('control.cameraOff')} />
                                </div>
                            </div>
                            <Meter track={media.microphone.track.value} />
                            <InputHelp input={media.microphone} />
                            <InputHelp input={media.camera} />
                        </>
                    )}
                    {isWatching && <p class="note"><Icon name="info" size={20} /><span>{t('join.viewer')}</span></p>}
                </div>
                <Form onSubmit={() => onJoin(name.value.trim(), pin.value)} label={t('join.title')}>
                    <div class="stack tight">
                        <h1><bdi>{info.name}</bdi></h1>
                        <p class="quiet">{info.waits ? t(info.begun ? 'join.lobby' : 'join.notBegun') : info.begun ? t('join.begun') : t('join.empty')}</p>
                    </div>
                    {isElsewhere && <p class="note" role="status"><Icon name="info" size={20} /><span>{t('join.otherTab')}</span></p>}
                    <Field label={t('join.name')} value={name.value} onInput={(text) => { name.value = text; }} required maxLength={64}
                        autocomplete="name" wrong={nameProblem} />
                    {info.pin && <Field label={t('join.pin')} value={pin.value} onInput={(text) => { pin.value = text; }} required
                        autocomplete="off" inputMode="numeric" wrong={isPinWrong ? t('problem.wrong_pin') : undefined} />}
                    {!isPinWrong && nameProblem === undefined && <Wrong error={error} />}
                    <button type="submit" class="button primary wide" disabled={isJoining}>
                        {isJoining ? t('join.joining') : info.waits ? t('join.ask') : t('join.submit')}
                    </button>
                    <small class="quiet"><Link to="/test">{t('nav.test')}</Link></small>
                </Form>
                {!isWatching && <DevicePickers media={media} />}
            </div>
        </Page>
    );
}
