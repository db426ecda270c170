// What goes on now: numbers, what somebody should look at, and what runs.
import type { ComponentChildren } from 'preact';
import { REFRESH_MS } from '../../state/admin.ts';
import { readStats, warningsOf, type Stats, type Warning } from '../../state/stats.ts';
import { api } from '../env.ts';
import { numberText, recentTime, t } from '../i18n.ts';
import { Icon } from '../icons.tsx';
import { Wrong } from '../parts/form.tsx';
import { usePolled } from '../parts/load.ts';
import { Section } from '../parts/section.tsx';

function wordsOf(warning: Warning): string {
    switch (warning.kind) {
        case 'not_ready': return t('admin.warning.not_ready', { name: warning.name, reason: warning.reason });
        case 'node_without_bridge': return t('admin.warning.node_without_bridge', { name: warning.name });
        case 'not_counted': return t('admin.warning.not_counted');
        case 'other': return warning.text;
    }
}

function Warnings({ stats }: { stats: Stats }) {
    const warnings = warningsOf(stats).map(wordsOf);
    if (warnings.length === 0) return <p class="note ok"><Icon name="check" size={20} /><span>{t('admin.well')}</span></p>;
    return (
        <ul class="stack tight" role="status">
            {warnings.map((text) => <li key={text} class="note warn"><Icon name="alert" size={20} /><span>{text}</span></li>)}
        </ul>
    );
}

function Fact({ name, value }: { name: string; value: number | undefined }) {
    return <div class="fact"><dt>{name}</dt><dd>{value === undefined ? '–' : numberText(value)}</dd></div>;
}

function Facts({ stats: { participants, rooms, media, users } }: { stats: Stats }) {
    return (
        <dl class="facts">
            <Fact name={t('admin.joined')} value={participants?.joined} />
            <Fact name={t('admin.waiting')} value={participants?.waiting} />
            <Fact name={t('admin.meetings')} value={rooms?.with_people} />
            <Fact name={t('admin.roomsTotal')} value={rooms?.total} />
            <Fact name={t('admin.publishing')} value={media?.publishing} />
            <Fact name={t('admin.watching')} value={media?.watching} />
            <Fact name={t('admin.users')} value={users?.total} />
            <Fact name={t('admin.sessions')} value={users?.sessions} />
        </dl>
    );
}

function State({ isGood, text }: { isGood: boolean; text: string }) {
    return <span class={`state ${isGood ? 'good' : 'bad'}`}><Icon name={isGood ? 'check' : 'alert'} size={20} />{text}</span>;
}

interface TableProps { title: string; heads: string[]; children: ComponentChildren }

function Table({ title, heads, children }: TableProps) {
    return (
        <Section title={title}>
            <div class="scroll" tabIndex={0} role="group" aria-label={title}>
                <table>
                    <thead><tr>{heads.map((head) => <th key={head} scope="col">{head}</th>)}</tr></thead>
                    <tbody>{children}</tbody>
                </table>
            </div>
        </Section>
    );
}

function Running({ stats: { services, nodes = [], gateways = [] } }: { stats: Stats }) {
    const heard = (when: string | null) => (when === null ? t('admin.never') : recentTime(when));
    return (
        <>
            <Table title={t('admin.services')} heads={[t('signIn.name'), t('admin.state')]}>
                {services.map(({ name, ready, reason }) => (
                    <tr key={name}><td>{name}</td><td><State isGood={ready} text={ready ? t('admin.ready') : reason ?? t('admin.notReady')} /></td></tr>
                ))}
            </Table>
            {nodes.length > 0 && (
                <Table title={t('admin.nodes')} heads={[t('signIn.name'), t('admin.state'), t('admin.connections'), t('admin.seen')]}>
                    {nodes.map(({ name, held, connections, seen_at: seen }) => (
                        <tr key={name}>
                            <td>{name}</td><td><State isGood={held} text={held ? t('admin.ready') : t('admin.noBridge')} /></td>
                            <td>{numberText(connections)}</td><td>{heard(seen)}</td>
                        </tr>
                    ))}
                </Table>
            )}
            {gateways.length > 0 && (
                <Table title={t('admin.gateways')} heads={[t('signIn.name'), t('admin.joined'), t('admin.seen')]}>
                    {gateways.map(({ id, participants, seen_at: seen }) => (
                        <tr key={id}><td>{id.slice(0, 8)}</td><td>{numberText(participants)}</td><td>{heard(seen)}</td></tr>
                    ))}
                </Table>
            )}
        </>
    );
}

export function AdminNow() {
    const stats = usePolled(() => readStats(api), REFRESH_MS);
    return (
        <>
            <Wrong error={stats.error} />
            {stats.value !== undefined && <Facts stats={stats.value} />}
            {stats.value !== undefined && <Warnings stats={stats.value} />}
            {stats.value !== undefined && <Running stats={stats.value} />}
        </>
    );
}
