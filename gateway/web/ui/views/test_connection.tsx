// The checks of the connection. The way of sound and video is found out with a meeting of one's own, which guests cannot make.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hearEvents, knownFormats, loopPeers, measureServer, reachMedia, type TurnWays, type Way } from '../../state/connection_test.ts';
import { user } from '../../state/session.ts';
import { api, env } from '../env.ts';
import { t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { wordsFor } from '../problem.ts';
import { Line, type CheckState } from './test_line.tsx';

/** Longer than this one notices. */
const SLOW_MS = 400;

interface Found { state: CheckState; text: string }

const running = (): Found => ({ state: 'busy', text: t('test.running') });

async function testServer(): Promise<Found> {
    const ms = await measureServer(env, api);
    return ms > SLOW_MS ? { state: 'warn', text: t('test.server.slow', { ms }) } : { state: 'ok', text: t('test.server.ok', { ms }) };
}

async function testEvents(): Promise<Found> {
    await hearEvents(env, api);
    return { state: 'ok', text: t('test.events.ok') };
}

async function testBrowser(): Promise<Found> {
    if (typeof RTCPeerConnection !== 'function') return { state: 'failed', text: t('test.browser.failed') };
    await loopPeers(env);
    const formats = knownFormats(RTCRtpSender.getCapabilities('video')?.codecs ?? []);
    if (formats.length === 0) return { state: 'failed', text: t('test.browser.failed') };
    return { state: 'ok', text: t('test.browser.ok', { formats: formats.join(', ') }) };
}

function mediaFound(way: Way | undefined): Found {
    if (way === undefined) return { state: 'failed', text: t('test.media.failed') };
    const { protocol, roundTripMs } = way;
    return { state: 'ok', text: roundTripMs === undefined ? t('test.media.ok', { protocol }) : t('test.media.okTime', { protocol, ms: roundTripMs }) };
}

function turnFound(turn: TurnWays): Found {
    if (turn === undefined) return { state: 'open', text: t('test.turn.none') };
    if (turn.udp && turn.tcp) return { state: 'ok', text: t('test.turn.ok') };
    if (turn.udp) return { state: 'warn', text: t('test.turn.udp') };
    if (turn.tcp) return { state: 'warn', text: t('test.turn.tcp') };
    return { state: 'failed', text: t('test.turn.failed') };
}

export function ConnectionChecks() {
    const server = useSignal(running());
    const events = useSignal(running());
    const browser = useSignal(running());
    const media = useSignal<Found>({ state: 'open', text: t('test.media.open') });
    const turn = useSignal<Found>({ state: 'open', text: t('test.turn.open') });
    const isKnown = user.value != null;

    const run = async (into: typeof server, test: () => Promise<Found>, onFailure: (error: unknown) => Found) => {
        into.value = running();
        into.value = await test().catch(onFailure);
    };
    const runAll = () => {
        void run(server, testServer, (error) => ({ state: 'failed', text: wordsFor(error) }));
        void run(browser, testBrowser, () => ({ state: 'failed', text: t('test.browser.failed') }));
        if (isKnown) void run(events, testEvents, () => ({ state: 'warn', text: t('test.events.failed') }));
        else events.value = { state: 'open', text: t('test.events.open') };
    };
    useEffect(runAll, [isKnown]);
    const runMedia = async () => {
        media.value = running();
        turn.value = running();
        const found = await reachMedia(env, api, t('test.media.room')).catch(() => undefined);
        media.value = mediaFound(found?.way);
        turn.value = found === undefined ? { state: 'open', text: t('test.turn.open') } : turnFound(found.turn);
    };
    return (
        <section class="card" aria-label={t('test.connection')}>
            <div class="row between">
                <h2>{t('test.connection')}</h2>
                <button type="button" class="button small" onClick={runAll}>{t('test.again')}</button>
            </div>
            <ul class="list" aria-live="polite">
                <Line title={t('test.server')} {...server.value} />
                <Line title={t('test.events')} {...events.value} />
                <Line title={t('test.browser')} {...browser.value} />
                {isKnown ? (
                    <Line title={t('test.media')} {...media.value}>
                        {media.value.state !== 'busy' && <button type="button" class="button" onClick={() => void runMedia()}><Icon name="signal" size={20} />{t('test.media.run')}</button>}
                    </Line>
                ) : <Line title={t('test.media')} state="open" text={t('test.media.guest')} />}
                <Line title={t('test.turn')} {...turn.value} />
            </ul>
        </section>
    );
}
