// Who is in, and who waits.
import { useSignal } from '@preact/signals';
import type { Participant } from '../../core/room.js';
import type { Call } from '../../state/call.ts';
import { inPeopleOrder, isSent } from '../../state/people.ts';
import { api } from '../env.ts';
import { language, t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Menu } from '../parts/dialog.tsx';
import { copyInvitation } from '../parts/invite.tsx';
import { showError } from '../parts/toasts.tsx';
import { useModeration } from './moderate.tsx';
import { PanelFrame } from './panel.tsx';
import { Suffix } from './suffix.tsx';

function Person({ call, person }: { call: Call; person: Participant }) {
    const { items, dialog } = useModeration(call, person);
    const isMe = person.id === call.id;
    const isHeard = isMe ? call.micIsOn.value : isSent(person, 'audio');
    const isSeen = isMe ? call.cameraIsOn.value : isSent(person, 'video');
    return (
        <li>
            <span class="what">
                <span class="name"><bdi>{person.name}</bdi><Suffix person={person} isMe={isMe} /></span>
                <small class="quiet">{t(`role.${person.role as 'owner'}`)}</small>
            </span>
            {person.hand_raised_at !== undefined && <span class="hand" role="img" aria-label={t('meeting.handUp')}><Icon name="hand" size={20} /></span>}
            <span role="img" class="quiet" aria-label={isSeen ? t('people.seen') : t('people.notSeen')}><Icon name={isSeen ? 'camera' : 'cameraOff'} size={20} /></span>
            <span role="img" class="quiet" aria-label={isHeard ? t('people.heard') : t('meeting.isMuted')}><Icon name={isHeard ? 'mic' : 'micOff'} size={20} /></span>
            {items.length > 0 ? <Menu label={t('meeting.tileMenu', { name: person.name })} items={items} /> : <span class="menu-space" />}
            {dialog}
        </li>
    );
}

function Lobby({ call }: { call: Call }) {
    const waiting = [...call.room.value.waiting.values()];
    if (waiting.length === 0) return null;
    const does = (work: Promise<unknown>) => void work.catch(showError);
    return (
        <section class="lobby-list" aria-label={t('people.waiting', { count: waiting.length })}>
            <div class="row between">
                <h3>{t('people.waiting', { count: waiting.length })}</h3>
                {waiting.length > 1 && <button type="button" class="button small" onClick={() => does(call.admitAll(waiting.map(({ id }) => id)))}>{t('people.admitAll')}</button>}
            </div>
            <ul class="list">
                {waiting.map((person) => {
                    const { id, name } = person;
                    return <li key={id}>
                        <span class="what"><span class="name"><bdi>{name}</bdi><Suffix person={person} isMe={false} /></span></span>
                        <button type="button" class="button small primary" aria-label={t('people.admitWho', { name })} onClick={() => does(call.admit(id))}>{t('people.admit')}</button>
                        <button type="button" class="button small" aria-label={t('people.denyWho', { name })} onClick={() => does(call.deny(id))}>{t('people.deny')}</button>
                    </li>;
                })}
            </ul>
        </section>
    );
}

export function invite({ room: { value: { room } } }: Call, code: string): void {
    void copyInvitation({ code, name: room?.name ?? '', has_pin: room?.has_pin ?? false });
}

export function PeoplePanel({ call, code, isStaff, onClose }: { call: Call; code: string; isStaff: boolean; onClose: () => void }) {
    const { room, participants } = call.room.value;
    const isChanging = useSignal(false);
    const change = (what: Record<string, boolean>) => {
        isChanging.value = true;
        void api.withToken(call.token ?? '').patch(`/v1/rooms/${code}`, what).catch(showError).finally(() => { isChanging.value = false; });
    };
    return (
        <PanelFrame title={t('control.people')} onClose={onClose}>
            <div class="panel-scroll">
                {isStaff && <Lobby call={call} />}
                <div class="row between">
                    <h3>{t('people.in', { count: participants.size })}</h3>
                    {isStaff && participants.size > 1 && <button type="button" class="button small" onClick={() => void call.muteAll().catch(showError)}>{t('people.muteAll')}</button>}
                </div>
                <ul class="list people">
                    {inPeopleOrder(call.room.value, language.value).map((person) => <Person key={person.id} call={call} person={person} />)}
                </ul>
            </div>
            <div class="panel-foot">
                <button type="button" class="button wide" onClick={() => invite(call, code)}>
                    <Icon name="copy" size={20} />{t('invite.copy')}
                </button>
                {isStaff && (
                    <button type="button" class="button wide" disabled={isChanging.value} aria-pressed={room?.locked === true} onClick={() => change({ locked: room?.locked !== true })}>
                        <Icon name="lock" size={20} />{room?.locked ? t('people.unlock') : t('people.lock')}
                    </button>
                )}
            </div>
        </PanelFrame>
    );
}
