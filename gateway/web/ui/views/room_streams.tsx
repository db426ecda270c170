// Programs that send to the room, such as OBS or a camera: where to, by which key, and whether it arrives.
import { useSignal } from '@preact/signals';
import type { Room } from '../../state/rooms.ts';
import { makeStreamKey, readStreamKeys, removeStreamKey, stateOf, type MadeStreamKey, type StreamKey } from '../../state/stream_keys.ts';
import { api, env } from '../env.ts';
import { dateAndTime, t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Confirm, Dialog } from '../parts/dialog.tsx';
import { Field, Form, Select, useAction, Wrong } from '../parts/form.tsx';
import { usePolled } from '../parts/load.ts';
import { Section } from '../parts/section.tsx';
import { VALID_FOR, validForOptions, type ValidFor } from '../parts/valid_for.ts';
import { fieldProblem } from '../problem.ts';
import { TextToCopy } from './room_share.tsx';

const LOOK_MS = 3000;

const Server = ({ url }: { url: string }) => (
    <TextToCopy label={t('streams.server')} text={url} said={t('streams.serverCopied')}>{t('streams.copyServer')}</TextToCopy>
);

function MadeKey({ made }: { made: MadeStreamKey }) {
    return (
        <>
            <p class="note"><Icon name="info" size={20} /><span>{t('streams.once')}</span></p>
            <Server url={made.url!} />
            <TextToCopy label={t('streams.key')} text={made.key} said={t('streams.keyCopied')}>{t('streams.copyKey')}</TextToCopy>
            <p class="quiet">{t('streams.how')}</p>
        </>
    );
}

function NewKey({ room, onMade, onClose }: { room: Room; onMade: () => Promise<void>; onClose: () => void }) {
    const made = useSignal<MadeStreamKey | undefined>(undefined);
    const label = useSignal('OBS');
    const validFor = useSignal<ValidFor>('ever');
    const make = useAction(async () => {
        made.value = await makeStreamKey(api, env, room, { label: label.value, validForMs: VALID_FOR[validFor.value] }, Date.now());
        await onMade();
    });
    return (
        <Dialog title={t('streams.new')} onClose={onClose}>
            {made.value !== undefined ? <MadeKey made={made.value} /> : (
                <Form onSubmit={() => void make.run()} label={t('streams.new')}>
                    <Field label={t('streams.label')} help={t('streams.labelHelp')} value={label.value} maxLength={64} autocomplete="off" required
                        onInput={(text) => { label.value = text; }} wrong={fieldProblem(make.error, '/label')} />
                    <Select label={t('streams.validFor')} value={validFor.value} onChange={(key) => { validFor.value = key as ValidFor; }} options={validForOptions()} />
                    <Wrong error={make.error} />
                    <button type="submit" class="button primary" disabled={make.isBusy}>{t('streams.make')}</button>
                </Form>
            )}
        </Dialog>
    );
}

function KeyRow({ room, streamKey, onChanged }: { room: Room; streamKey: StreamKey; onChanged: () => Promise<void> }) {
    const isAsked = useSignal(false);
    const { id, label, use, made_by: maker, expires_at: end } = streamKey;
    const state = stateOf(streamKey, Date.now());
    const remove = useAction(async () => {
        await removeStreamKey(api, room, id);
        await onChanged();
    });
    return (
        <li>
            <span class="what">
                <span class="name"><bdi>{label}</bdi></span>
                <small class="quiet">
                    {maker !== undefined && <>{t('streams.madeBy', { name: maker })} · </>}
                    {end === null ? t('validFor.ever') : t('invitations.until', { when: dateAndTime(end) })}
                </small>
                <Wrong error={remove.error} />
            </span>
            {use === 'watch' && <span class="badge">{t('streams.watches')}</span>}
            <span class={`light ${state}`}><span class="dot" aria-hidden="true" />{t(`streams.state.${state}`)}</span>
            <button type="button" class="button small" disabled={remove.isBusy} aria-label={t('streams.removeWhich', { label })} onClick={() => { isAsked.value = true; }}>
                {t('streams.remove')}
            </button>
            {isAsked.value && <Confirm title={t('streams.removeTitle', { label })} text={t('streams.removeText')} action={t('streams.remove')}
                onConfirm={() => void remove.run()} onClose={() => { isAsked.value = false; }} />}
        </li>
    );
}

export function Streams({ room }: { room: Room }) {
    const keys = usePolled(() => readStreamKeys(api, room), LOOK_MS);
    const isMaking = useSignal(false);
    const url = keys.value?.find((one) => one.url !== undefined)?.url;
    return (
        <Section title={t('streams.title')} text={t('streams.text')}
            action={<button type="button" class="button" onClick={() => { isMaking.value = true; }}><Icon name="plus" size={20} />{t('streams.new')}</button>}>
            <Wrong error={keys.error} />
            {url !== undefined && <Server url={url} />}
            {keys.value !== undefined && keys.value.length > 0 && (
                <ul class="list">
                    {keys.value.map((one) => <KeyRow key={one.id} room={room} streamKey={one} onChanged={keys.reload} />)}
                </ul>
            )}
            {isMaking.value && <NewKey room={room} onMade={keys.reload} onClose={() => { isMaking.value = false; }} />}
        </Section>
    );
}
