// Keys of the meeting: one letter each, not while one writes.
import type { Signal } from '@preact/signals';
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Call } from '../../state/call.ts';
import type { Key } from '../i18n.ts';
import { keep, kept } from '../kept.ts';
import { showError } from '../parts/toasts.tsx';
import type { Panel, Sheet } from './room.tsx';

export const KEYS: readonly { key: string; text: Key }[] = [
    { key: 'M', text: 'control.mic' }, { key: 'V', text: 'control.camera' }, { key: 'S', text: 'control.share' }, { key: 'H', text: 'control.hand' },
    { key: 'C', text: 'control.chat' }, { key: 'P', text: 'control.people' }, { key: 'Esc', text: 'keys.close' }, { key: '?', text: 'control.keys' },
];

export const keysAreOn = signal(kept('keys') !== 'off');

export function setKeysOn(isOn: boolean): void {
    keysAreOn.value = isOn;
    keep('keys', isOn ? undefined : 'off');
}

const isWriting = (target: EventTarget | null) => target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));

export function useShortcuts(call: Call, panel: Signal<Panel>, sheet: Signal<Sheet>): void {
    useEffect(() => {
        const toggle = (which: Panel) => { panel.value = panel.value === which ? undefined : which; };
        const can = (action: string) => call.room.peek().me.can.includes(action);
        const does: Record<string, () => unknown> = {
            m: () => can('publish') && call.setMicrophone(!call.micIsOn.peek()),
            v: () => can('publish') && call.setCamera(!call.cameraIsOn.peek()),
            s: () => can('publish') && call.media.devices.canShareScreen && (call.sharesScreen.peek() ? call.stopScreen() : call.startScreen()),
            h: () => call.setHand(call.me.peek()?.hand_raised_at === undefined),
            c: () => call.room.peek().room?.chat !== false && toggle('chat'),
            p: () => toggle('people'),
            '?': () => { sheet.value = 'keys'; },
        };
        const onKey = (event: KeyboardEvent) => {
            if (event.key === 'Escape' && sheet.peek() === undefined) panel.value = undefined;
            if (!keysAreOn.peek() || event.ctrlKey || event.metaKey || event.altKey || event.repeat || isWriting(event.target)) return;
            if (sheet.peek() !== undefined || call.me.peek()?.state !== 'joined') return;
            const act = does[event.key.toLowerCase()];
            if (act === undefined) return;
            event.preventDefault();
            Promise.resolve(act()).catch((error) => { if (error.fault !== 'denied') showError(error); });
        };
        addEventListener('keydown', onKey);
        return () => removeEventListener('keydown', onKey);
    }, [call]);
}
