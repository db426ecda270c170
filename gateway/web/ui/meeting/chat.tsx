// The chat: to all, or to one.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Message } from '../../core/room.js';
import type { Call } from '../../state/call.ts';
import { linked } from '../../state/chat.ts';
import { t, timeOfDay } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Form, Select, useAction, Wrong } from '../parts/form.tsx';
import { PanelFrame } from './panel.tsx';

const BYTES_MOST = 4096;

function Said({ message, call }: { message: Message; call: Call }) {
    const { from, to, text, time } = message;
    const isMine = from.id === call.id;
    const other = to === undefined ? undefined : call.room.value.participants.get(to)?.name ?? '';
    return (
        <li class={isMine ? 'said mine' : 'said'}>
            <div class="small quiet">
                <strong><bdi>{isMine ? t('chat.you') : from.name}</bdi></strong> {timeOfDay(time)}
                {to !== undefined && <> · {isMine ? <>{t('chat.to')} <bdi>{other}</bdi></> : t('chat.onlyYou')}</>}
            </div>
            <p>
                {linked(text).map((piece, index) => ('href' in piece
                    ? <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer">{piece.text}</a> : <bdi key={index}>{piece.text}</bdi>))}
            </p>
        </li>
    );
}

export function ChatPanel({ call, onClose }: { call: Call; onClose: () => void }) {
    const text = useSignal('');
    const to = useSignal('');
    const end = useRef<HTMLLIElement>(null);
    const input = useRef<HTMLTextAreaElement>(null);
    const messages = call.messages.value;
    const isTooLong = new TextEncoder().encode(text.value).length > BYTES_MOST;
    const others = [...call.room.value.participants.values()].filter(({ id }) => id !== call.id);
    const send = useAction(async () => {
        const said = text.value.trim();
        if (said === '' || isTooLong) return;
        await call.say(said, to.value === '' ? undefined : to.value);
        text.value = '';
    });
    useEffect(() => { end.current?.scrollIntoView({ block: 'end' }); }, [messages.length]);
    useEffect(() => { input.current?.focus(); }, []);
    return (
        <PanelFrame title={t('control.chat')} onClose={onClose}>
            <ul class="panel-scroll messages" aria-label={t('chat.messages')} tabIndex={0}>
                {messages.length === 0 && <li class="quiet">{t('chat.none')}</li>}
                {messages.map((message) => <Said key={message.id} message={message} call={call} />)}
                <li ref={end} aria-hidden="true" />
            </ul>
            <Form onSubmit={() => void send.run()} class="panel-foot" label={t('control.chat')}>
                {others.length > 0 && <Select label={t('chat.toWhom')} isLabelHidden value={to.value} onChange={(id) => { to.value = id; }}
                    options={[['', t('chat.toAll')], ...others.map(({ id, name }): [string, string] => [id, t('chat.toOne', { name })])]} />}
                <Wrong error={send.error} />
                <div class="write">
                    <textarea ref={input} class="input" rows={2} aria-label={t('chat.write')} placeholder={t('chat.write')} value={text.value} aria-invalid={isTooLong}
                        onInput={(event) => { text.value = event.currentTarget.value; }} onKeyDown={(event) => {
                            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
                            event.preventDefault();
                            void send.run();
                        }} />
                    <button type="submit" class="button icon" aria-label={t('chat.send')} disabled={send.isBusy || text.value.trim() === '' || isTooLong}><Icon name="send" /></button>
                </div>
            </Form>
        </PanelFrame>
    );
}
