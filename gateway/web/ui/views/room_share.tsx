// How others learn of a room: its link, the text of an invitation, a picture of the link, an event for a calendar.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';
import { calendarFile } from '../../state/calendar.ts';
import { localInput, nextHour, timeOfInput } from '../../state/local_time.ts';
import type { Room } from '../../state/rooms.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field, Form, Select } from '../parts/form.tsx';
import { copyText, invitationText, linkOf } from '../parts/invite.tsx';
import { later } from '../parts/later.tsx';
import { Section } from '../parts/section.tsx';
import { Link } from '../router.tsx';

const QrCode = later(async () => (await import('../parts/qr.tsx')).QrCode);

/** Says by itself that it has worked: what is said at the bottom of the page is under a dialog. */
export function CopyButton({ text, said, isPrimary, children }: { text: string; said: string; isPrimary?: boolean; children: ComponentChildren }) {
    const isCopied = useSignal(false);
    const copy = async () => { isCopied.value = await copyText(text, said); };
    return (
        <button type="button" class={isPrimary ? 'button primary' : 'button'} onClick={() => void copy()}>
            <Icon name={isCopied.value ? 'check' : 'copy'} size={20} />{children}
        </button>
    );
}

/** A text that can be read, marked and copied. */
export function TextToCopy({ label, isLabelHidden, text, said, children }:
    { label: string; isLabelHidden?: boolean; text: string; said: string; children: ComponentChildren }) {
    const id = useId();
    return (
        <div class="field">
            <label for={id} class={isLabelHidden ? 'visually-hidden' : undefined}>{label}</label>
            <div class="row link-row">
                <input id={id} class="input" readOnly value={text} onFocus={(event) => event.currentTarget.select()} />
                <CopyButton text={text} said={said}>{children}</CopyButton>
            </div>
        </div>
    );
}

export const LinkToCopy = ({ link }: { link: string }) => (
    <TextToCopy label={t('share.link')} isLabelHidden text={link} said={t('share.linkCopied')}>{t('share.copyLink')}</TextToCopy>
);

export function QrDialog({ title, link, onClose }: { title: string; link: string; onClose: () => void }) {
    return (
        <Dialog title={title} onClose={onClose}>
            <QrCode text={link} />
            <p class="quiet centred">{link}</p>
        </Dialog>
    );
}

const MINUTES = [15, 30, 45, 60, 90, 120, 180];

function CalendarDialog({ room, onClose }: { room: Room; onClose: () => void }) {
    const begin = useSignal(localInput(nextHour(new Date())));
    const minutes = useSignal('60');
    const save = () => {
        const time = timeOfInput(begin.value);
        if (time === undefined) return;
        const file = calendarFile({ uid: `${room.id}-${time}@lynks`, title: room.name, text: invitationText(room), url: linkOf(room), begin: new Date(time), minutes: Number(minutes.value) },
            new Date());
        const address = URL.createObjectURL(new Blob([file], { type: 'text/calendar' }));
        Object.assign(document.createElement('a'), { href: address, download: `${room.code}.ics` }).click();
        setTimeout(() => URL.revokeObjectURL(address), 10_000); // a browser may begin to read it later
        onClose();
    };
    return (
        <Dialog title={t('share.calendar')} onClose={onClose}>
            <p class="quiet">{t('share.calendarText')}</p>
            <Form onSubmit={save} label={t('share.calendar')}>
                <Field label={t('share.begin')} type="datetime-local" value={begin.value} onInput={(text) => { begin.value = text; }} required />
                <Select label={t('share.length')} value={minutes.value} onChange={(text) => { minutes.value = text; }}
                    options={MINUTES.map((count) => [String(count), t('share.minutes', { count })])} />
                <button type="submit" class="button primary"><Icon name="calendar" size={20} />{t('share.download')}</button>
            </Form>
        </Dialog>
    );
}

export function Share({ room }: { room: Room }) {
    const shown = useSignal<'qr' | 'calendar' | undefined>(undefined);
    const close = () => { shown.value = undefined; };
    const link = linkOf(room);
    return (
        <Section title={t('share.title')} action={<Link to={`/${room.code}`} class="button primary">{t('home.open')}</Link>}>
            <LinkToCopy link={link} />
            <div class="row">
                <CopyButton text={invitationText(room)} said={t('invite.copied')}>{t('invite.copy')}</CopyButton>
                <button type="button" class="button" onClick={() => { shown.value = 'qr'; }}><Icon name="qr" size={20} />{t('share.qr')}</button>
                <button type="button" class="button" onClick={() => { shown.value = 'calendar'; }}><Icon name="calendar" size={20} />{t('share.calendar')}</button>
            </div>
            {shown.value === 'qr' && <QrDialog title={room.name} link={link} onClose={close} />}
            {shown.value === 'calendar' && <CalendarDialog room={room} onClose={close} />}
        </Section>
    );
}
