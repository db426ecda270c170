// A line at the bottom that says what has just happened. What is only to be heard goes to the same place, for screen readers.
import { useEffect, useState } from 'preact/hooks';
import { Notices, type Notice } from '../../state/notices.ts';
import { env } from '../env.ts';
import { Icon } from '../icons.tsx';
import { t } from '../i18n.ts';
import { wordsFor } from '../problem.ts';

const notices = new Notices(env);

export const showToast = (notice: Notice) => notices.show(notice);

export const showError = (error: unknown) => showToast({ text: wordsFor(error), isError: true });

export const announce = (text: string) => notices.say(text);

/** Stands in the page and in each dialog; what there is to tell is in that which was opened last. */
export function Toasts() {
    const [place] = useState(Symbol);
    useEffect(() => notices.open(place), []);
    const notice = notices.shownAt(place);
    return (
        <>
            <div class="visually-hidden" role="status" aria-live="polite">{notices.spokenAt(place)}</div>
            <div class="toasts" role={notice?.isError ? 'alert' : 'status'}>{notice !== undefined && <Toast notice={notice} />}</div>
        </>
    );
}

function Toast({ notice }: { notice: Notice }) {
    const { text, action } = notice;
    const dismiss = () => notices.dismiss(notice);
    return (
        <div class="toast">
            <span>{text}</span>
            {action !== undefined && (
                <button type="button" class="button small plain" onClick={() => {
                    dismiss();
                    action.act();
                }}>{action.text}</button>
            )}
            <button type="button" class="button icon" aria-label={t('close')} onClick={dismiss}><Icon name="close" size={20} /></button>
        </div>
    );
}
