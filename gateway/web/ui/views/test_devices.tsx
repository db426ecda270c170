// The checks of what one sees and hears with.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { playTone, watchLoudness } from '../../core/loudness.js';
import type { Input } from '../../state/local_media.ts';
import { browserName, env } from '../env.ts';
import { hasText, t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Line } from './test_line.tsx';

const HEARD = 0.02;
const SILENT_MS = 6000;

/** Why there is none, and what to do about it in this browser. */
function faultText(what: 'camera' | 'mic', fault: NonNullable<Input['fault']['value']>): string {
    const text = t(`fault.${what}.${fault}`);
    if (fault !== 'denied') return text;
    const steps = `help.${browserName()?.toLowerCase() ?? 'other'}`;
    return `${text} ${hasText(steps) ? t(steps) : t('help.other')}`;
}

export function CameraCheck({ input, isStarted }: { input: Input; isStarted: boolean }) {
    const title = t('device.camera');
    const fault = input.fault.value;
    const track = input.track.value;
    if (fault !== undefined) return <Line state="failed" title={title} text={faultText('camera', fault)} />;
    if (track !== null) return <Line state="ok" title={title} text={t('test.camera.ok')} />;
    return <Line state={isStarted ? 'busy' : 'open'} title={title} text={t(isStarted ? 'test.running' : 'test.devices.open')} />;
}

export function MicrophoneCheck({ input, isStarted }: { input: Input; isStarted: boolean }) {
    const heard = useSignal<'no' | 'yes' | 'silent'>('no');
    const track = input.track.value;
    useEffect(() => {
        heard.value = 'no';
        if (track === null) return undefined;
        const cancel = env.after(SILENT_MS, () => { if (heard.peek() === 'no') heard.value = 'silent'; });
        const stop = watchLoudness(env, track, (level) => { if (level > HEARD) heard.value = 'yes'; });
        return () => {
            cancel();
            stop();
        };
    }, [track]);
    const title = t('device.mic');
    const fault = input.fault.value;
    if (fault !== undefined) return <Line state="failed" title={title} text={faultText('mic', fault)} />;
    if (track === null) return <Line state={isStarted ? 'busy' : 'open'} title={title} text={t(isStarted ? 'test.running' : 'test.devices.open')} />;
    if (heard.value === 'yes') return <Line state="ok" title={title} text={t('test.mic.ok')} />;
    return heard.value === 'silent' ? <Line state="warn" title={title} text={t('warn.silent')} /> : <Line state="busy" title={title} text={t('test.mic.speak')} />;
}

export function SpeakerCheck({ speakerId }: { speakerId: string }) {
    const said = useSignal<'open' | 'asked' | 'ok' | 'warn'>('open');
    const play = () => {
        said.value = 'asked';
        void playTone(env, speakerId);
    };
    const state = said.value === 'asked' ? 'open' : said.value;
    return (
        <Line state={state} title={t('device.speaker')} text={t(`test.speaker.${said.value}`)}>
            {said.value === 'asked' ? (
                <>
                    <button type="button" class="button" onClick={() => { said.value = 'ok'; }}>{t('test.speaker.yes')}</button>
                    <button type="button" class="button" onClick={() => { said.value = 'warn'; }}>{t('test.speaker.no')}</button>
                </>
            ) : <button type="button" class="button" onClick={play}><Icon name="speaker" size={20} />{t('join.testSound')}</button>}
        </Line>
    );
}
