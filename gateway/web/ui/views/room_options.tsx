// What a room is like. The owner sets everything; a moderator who comes in.
import { useSignal } from '@preact/signals';
import { Problem } from '../../core/api.js';
import { changeRoom, changesOf, optionsOf, type Options, type ReadRoom } from '../../state/room_settings.ts';
import { api } from '../env.ts';
import { t } from '../i18n.ts';
import { Check, Field, Form, Select, useAction, Wrong } from '../parts/form.tsx';
import { Section } from '../parts/section.tsx';
import { showToast } from '../parts/toasts.tsx';
import { fieldProblem } from '../problem.ts';

interface PartProps {
    form: Options;
    set: (edit: Partial<Options>) => void;
    error: unknown;
}

function WhoComesIn({ form, set, error, isOwner, hadPin }: PartProps & { isOwner: boolean; hadPin: boolean }) {
    return (
        <fieldset class="stack">
            <legend>{t('options.access')}</legend>
            {isOwner && (
                <Select label={t('options.access')} isLabelHidden value={form.access} onChange={(access) => set({ access: access as Options['access'] })}
                    options={(['open', 'members', 'invited'] as const).map((key) => [key, t(`access.${key}`)])} />
            )}
            <div class="checks">
                <Check label={t('options.locked')} help={t('options.lockedHelp')} checked={form.locked} onChange={(locked) => set({ locked })} />
                <Check label={t('options.lobby')} help={t('options.lobbyHelp')} checked={form.lobby} onChange={(lobby) => set({ lobby })} />
                {isOwner && <Check label={t('options.guestsWait')} help={t('options.guestsWaitHelp')} checked={form.guests_wait}
                    onChange={(waits) => set({ guests_wait: waits })} />}
                {isOwner && <Check label={t('options.hasPin')} help={t('options.hasPinHelp')} checked={form.hasPin} onChange={(hasPin) => set({ hasPin })} />}
            </div>
            {isOwner && form.hasPin && (
                <Field label={hadPin ? t('options.newPin') : t('join.pin')} help={hadPin ? t('options.newPinHelp') : t('options.pinHelp')} value={form.pin}
                    onInput={(pin) => set({ pin })} required={!hadPin} minLength={4} maxLength={32} inputMode="numeric" autocomplete="off"
                    wrong={fieldProblem(error, '/pin')} />
            )}
        </fieldset>
    );
}

function WhatItIsLike({ form, set, error }: PartProps) {
    return (
        <fieldset class="stack">
            <legend>{t('options.inside')}</legend>
            <div class="checks">
                <Check label={t('control.chat')} checked={form.chat} onChange={(chat) => set({ chat })} />
                <Check label={t('options.screenShare')} help={t('options.screenShareHelp')} checked={form.screen_share}
                    onChange={(shares) => set({ screen_share: shares })} />
                <Check label={t('options.muteOnEntry')} checked={form.mute_on_entry} onChange={(mutes) => set({ mute_on_entry: mutes })} />
            </div>
            <div class="two">
                <Select label={t('options.unmute')} value={form.unmute} onChange={(unmute) => set({ unmute: unmute as Options['unmute'] })}
                    options={[['self', t('unmute.self')], ['moderators', t('unmute.moderators')]]} />
                <Field label={t('options.most')} type="number" min="1" max="1000" value={form.participants_max} required
                    onInput={(most) => set({ participants_max: most })} wrong={fieldProblem(error, '/participants_max')} />
                <Field label={t('options.bitrate')} help={t('options.bitrateHelp')} type="number" min="0" max="100000" value={form.bitrate}
                    onInput={(bitrate) => set({ bitrate })} wrong={fieldProblem(error, '/bitrate') && t('options.bitrateHelp')} />
            </div>
            <Check label={t('options.ends')} help={t('options.endsHelp')} checked={form.ends} onChange={(ends) => set({ ends })} />
            {form.ends && <Field label={t('options.endsAt')} type="datetime-local" value={form.endsAt} required onInput={(endsAt) => set({ endsAt })}
                wrong={fieldProblem(error, '/expires_at')} />}
        </fieldset>
    );
}

interface OptionsProps {
    read: ReadRoom;
    isOwner: boolean;
    onChanged: (read: ReadRoom) => void;
    /** Somebody else has changed the room. */
    onStale: () => Promise<void>;
}

export function RoomOptions({ read, isOwner, onChanged, onStale }: OptionsProps) {
    const edits = useSignal<Partial<Options>>({});
    const form = { ...optionsOf(read.room), ...edits.value };
    const changes = changesOf(read.room, form);
    const set = (edit: Partial<Options>) => { edits.value = { ...edits.value, ...edit }; };
    const save = useAction(async () => {
        try {
            onChanged(await changeRoom(api, read, changes));
        } catch (error) {
            if (error instanceof Problem && error.code === 'stale') await onStale();
            throw error;
        }
        edits.value = {};
        showToast({ text: t('saved') });
    });
    return (
        <Section title={t('options.title')}>
            <Form onSubmit={() => void save.run()} label={t('options.title')}>
                {isOwner && <Field label={t('home.newName')} value={form.name} maxLength={64} required onInput={(name) => set({ name })}
                    autocomplete="off" wrong={fieldProblem(save.error, '/name')} />}
                <WhoComesIn form={form} set={set} error={save.error} isOwner={isOwner} hadPin={read.room.has_pin} />
                {isOwner && <WhatItIsLike form={form} set={set} error={save.error} />}
                <Wrong error={save.error} />
                <div><button type="submit" class="button primary" disabled={save.isBusy || Object.keys(changes).length === 0}>{t('save')}</button></div>
            </Form>
        </Section>
    );
}
