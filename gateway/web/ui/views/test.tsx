// Whether camera, microphone, speaker and connection are fit for a meeting. Needs no account; says only what was tested.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { LocalMedia } from '../../state/local_media.ts';
import { devices } from '../env.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { kept, keep } from '../kept.ts';
import { Page } from '../parts/page.tsx';
import { DevicePickers, Meter, SelfVideo } from './join.tsx';
import { ConnectionChecks } from './test_connection.tsx';
import { CameraCheck, MicrophoneCheck, SpeakerCheck } from './test_devices.tsx';

export function Test() {
    const media = useMemo(() => new LocalMedia(devices, { read: kept, write: keep }), []);
    const isStarted = useSignal(false);
    useEffect(() => () => media.release(), []);
    const start = async () => {
        isStarted.value = true;
        await media.microphone.open();
        await media.camera.open();
        await media.look();
    };
    const camera = media.camera.track.value;
    const hasTrack = camera !== null || media.microphone.track.value !== null; // before one was allowed, devices have no names
    return (
        <Page title={t('nav.test')}>
            <div class="stack">
                <h1>{t('nav.test')}</h1>
                <div class="columns test">
                    <div class="stack">
                        <div class="preview stage">
                            {camera !== null ? <SelfVideo track={camera} /> : (
                                <div class="off centre">
                                    {isStarted.value ? <span class="quiet">{t('join.cameraOff')}</span> : (
                                        <button type="button" class="button primary" onClick={() => void start()}><Icon name="camera" size={20} />{t('test.start')}</button>
                                    )}
                                </div>
                            )}
                        </div>
                        {isStarted.value && <Meter track={media.microphone.track.value} />}
                        {hasTrack && <DevicePickers media={media} />}
                        <p class="quiet small">{t('test.private')}</p>
                    </div>
                    <div class="stack">
                        <section class="card" aria-label={t('test.devices')}>
                            <h2>{t('test.devices')}</h2>
                            <ul class="list" aria-live="polite">
                                <CameraCheck input={media.camera} isStarted={isStarted.value} />
                                <MicrophoneCheck input={media.microphone} isStarted={isStarted.value} />
                                <SpeakerCheck speakerId={media.speakerId.value} />
                            </ul>
                        </section>
                        <ConnectionChecks />
                    </div>
                </div>
            </div>
        </Page>
    );
}
