// The bar: it never hides.
import type { Signal } from '@preact/signals';
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type { Call } from '../../state/call.ts';
import { t } from '../i18n.ts';
import { Icon, type IconName } from '../icons.tsx';
import { Confirm, Menu } from '../parts/dialog.tsx';
import { showError } from '../parts/toasts.tsx';
import type { Panel, Sheet } from './room.tsx';

interface ControlProps {
    icon: IconName;
    text: string;
    label?: string;
    shortcut?: string;
    isOff?: boolean;
    isOn?: boolean;
    class?: string;
    count?: number;
    act: () => void;
}

function Control({ icon, text, label = text, shortcut, isOff, isOn, class: name = '', count, act }: ControlProps) {
    return (
        <button type="button" class={`control ${name}${isOff ? ' off' : ''}${isOn ? ' on' : ''}`} aria-label={count ? `${label} (${count})` : label}
            aria-pressed={isOn ?? (isOff === undefined ? undefined : !isOff)} title={shortcut === undefined ? label : `${label} (${shortcut})`} onClick={act}>
            <Icon name={icon} />
            <span class="word" aria-hidden="true">{text}</span>
            {count !== undefined && count > 0 && <span class="count" aria-hidden="true">{count}</span>}
        </button>
    );
}

interface BarProps {
    call: Call;
    panel: Signal<Panel>;
    sheet: Signal<Sheet>;
    unread: number;
}

export function Bar({ call, panel, sheet, unread }: BarProps) {
    const room = call.room.value;
    const can = (action: string) => room.me.can.includes(action);
    const does = (work: () => Promise<unknown>) => () => void work().catch(showError);
    const toggle = (which: Panel) => () => { panel.value = panel.value === which ? undefined : which; };
    const micIsOn = call.micIsOn.value;
    const cameraIsOn = call.cameraIsOn.value;
    const handIsUp = call.me.value?.hand_raised_at !== undefined;
    const mayShare = call.media.devices.canShareScreen && can('publish') && (room.room?.screen_share !== false || can('share_screen'));
    const share = async () => {
        if (call.sharesScreen.value) await call.stopScreen();
        else await call.startScreen().catch((error) => { if (error.fault !== 'denied') throw error; });
    };
    return (
        <footer><div class="bar" role="toolbar" aria-label={t('control.label')}>
            {can('publish') && (
                <>
                    <Control icon={micIsOn ? 'mic' : 'micOff'} text={micIsOn ? t('control.micOff') : t('control.micOn')} shortcut="M"
                        isOff={!micIsOn} act={does(() => call.setMicrophone(!micIsOn))} />
                    <Control icon={cameraIsOn ? 'camera' : 'cameraOff'} text={t('control.camera')} label={cameraIsOn ? t('control.cameraOff') : t('control.cameraOn')}
                        shortcut="V" isOff={!cameraIsOn} act={does(() => call.setCamera(!cameraIsOn))} />
                </>
            )}
            {mayShare && <Control class="roomy" icon={call.sharesScreen.value ? 'screenOff' : 'screen'} text={call.sharesScreen.value ? t('control.stop') : t('control.share')} shortcut="S" isOn={call.sharesScreen.value}
                label={call.sharesScreen.value ? t('control.shareOff') : t('control.shareOn')} act={does(share)} />}
            <Control icon="hand" text={t('control.hand')} label={handIsUp ? t('control.handDown') : t('control.handUp')} shortcut="H" isOn={handIsUp}
                act={does(() => call.setHand(!handIsUp))} />
            {room.room?.chat !== false && <Control class="roomy" icon="chat" text={t('control.chat')} shortcut="C" isOn={panel.value === 'chat'} count={unread} act={toggle('chat')} />}
            <Control class="roomy" icon="people" text={t('control.people')} shortcut="P" isOn={panel.value === 'people'} count={room.waiting.size} act={toggle('people')} />
            <More call={call} panel={panel} sheet={sheet} mayShare={mayShare} share={does(share)} unread={unread} />
            <Leave call={call} mayEnd={can('end_meeting')} />
        </div></footer>
    );
}

interface MoreProps extends BarProps {
    mayShare: boolean;
    share: () => void;
}

function More({ call, panel, sheet, mayShare, share, unread }: MoreProps) {
    const isNarrow = matchMedia('(max-width: 720px)').matches;
    const waiting = call.room.value.waiting.size;
    return (
        <Menu label={t('control.more')} class="control" opensUp items={[
            isNarrow && { text: t('control.chat') + (unread > 0 ? ` (${unread})` : ''), icon: 'chat', act: () => { panel.value = 'chat'; } },
            isNarrow && { text: t('control.people') + (waiting > 0 ? ` (${waiting})` : ''), icon: 'people', act: () => { panel.value = 'people'; } },
            isNarrow && mayShare && { text: call.sharesScreen.value ? t('control.shareOff') : t('control.shareOn'), icon: 'screen', act: share },
            { text: t('control.devices'), icon: 'settings', act: () => { sheet.value = 'devices'; } },
            { text: t('control.audioOnly'), icon: 'speaker', isOn: call.audioOnly.value, act: () => call.setAudioOnly(!call.audioOnly.value) },
            { text: t('control.keys'), icon: 'keyboard', act: () => { sheet.value = 'keys'; } },
        ]}>
            <Label icon="more">{t('control.more')}</Label>
            {isNarrow && unread + waiting > 0 && <span class="count" aria-hidden="true">{unread + waiting}</span>}
        </Menu>
    );
}

const Label = ({ icon, children }: { icon: IconName; children: ComponentChildren }) => <><Icon name={icon} /><span class="word" aria-hidden="true">{children}</span></>;

function Leave({ call, mayEnd }: { call: Call; mayEnd: boolean }) {
    const isAsking = useSignal(false);
    const leave = () => void call.leave();
    const end = () => void call.endForAll().catch(showError);
    if (!mayEnd) return <Control class="leave" icon="leave" text={t('control.leave')} act={leave} />;
    return (
        <>
            <Menu label={t('control.leave')} class="control leave" opensUp items={[
                { text: t('control.leave'), icon: 'leave', act: leave },
                { text: t('control.endForAll'), icon: 'close', isDanger: true, act: () => { isAsking.value = true; } },
            ]}><Label icon="leave">{t('control.leave')}</Label></Menu>
            {isAsking.value && <Confirm title={t('control.endTitle')} text={t('control.endText')} action={t('control.endForAll')} onConfirm={end}
                onClose={() => { isAsking.value = false; }} />}
        </>
    );
}
