// Devices while one is in, and the keys.
import { useEffect } from 'preact/hooks';
import type { Call } from '../../state/call.ts';
import { t } from '../i18n.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Check } from '../parts/form.tsx';
import { showError } from '../parts/toasts.tsx';
import { DevicePickers, InputHelp, Meter } from '../views/join.tsx';
import { keysAreOn, KEYS, setKeysOn } from './shortcuts.ts';

export function DeviceDialog({ call, onClose }: { call: Call; onClose: () => void }) {
    const { media } = call;
    useEffect(() => { void media.look(); }, []);
    return (
        <Dialog title={t('control.devices')} onClose={onClose}>
            <Meter track={media.microphone.track.value} />
            <DevicePickers media={media} onChoose={(kind, id) => void call.chooseDevice(kind, id).catch(showError)} />
            <Check label={t('device.small')} help={t('device.smallHelp')} checked={media.camera.isSmall.value}
                onChange={(isSmall) => void call.setSmallCamera(isSmall).catch(showError)} />
            <InputHelp input={media.microphone} />
            <InputHelp input={media.camera} />
        </Dialog>
    );
}

export function KeysDialog({ onClose }: { onClose: () => void }) {
    return (
        <Dialog title={t('control.keys')} onClose={onClose}>
            <dl class="keys">
                {KEYS.map(({ key, text }) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{t(text)}</dd></div>)}
            </dl>
            <Check label={t('keys.on')} checked={keysAreOn.value} onChange={setKeysOn} />
        </Dialog>
    );
}
