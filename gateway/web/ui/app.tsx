// Which view is shown. What few need comes when it is needed.
import { useSignal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';
import { user } from '../state/session.ts';
import { t } from './i18n.ts';
import { later, NoAnswer } from './parts/later.tsx';
import { Waiting, Words } from './parts/page.tsx';
import { Toasts } from './parts/toasts.tsx';
import { route } from './router.tsx';
import { Home } from './views/home.tsx';
import { MeetingDoor } from './views/door.tsx';
import { SignIn } from './views/sign_in.tsx';

const Profile = later(async () => (await import('./views/profile.tsx')).Profile);
const RoomSettings = later(async () => (await import('./views/room.tsx')).RoomSettings);
const Admin = later(async () => (await import('./views/admin.tsx')).Admin);
const Test = later(async () => (await import('./views/test.tsx')).Test);

function View({ whoIAm }: { whoIAm: Promise<void> }) {
    const isUnreachable = useSignal(false);
    useLayoutEffect(() => {
        whoIAm.catch(() => { isUnreachable.value = true; });
    }, []);
    const where = route.value;
    if (where.view === 'test') return <Test />;
    if (isUnreachable.value) return <NoAnswer />;
    if (where.view === 'meeting') return <MeetingDoor key={where.code} code={where.code} whoIAm={whoIAm} />;
    if (user.value === undefined) return <Waiting />;
    if (user.value === null) return <SignIn />;
    switch (where.view) {
        case 'home': return <Home />;
        case 'profile': return <Profile />;
        case 'room': return <RoomSettings key={where.id} id={where.id} />;
        case 'admin': return user.value.role === 'admin' ? <Admin page={where.page} /> : <Words title={t('unknown.title')} text={t('unknown.text')} />;
        default: return <Words title={t('unknown.title')} text={t('unknown.text')} />;
    }
}

/** @param whoIAm resolves when it is known, rejects if nobody answers */
export function App({ whoIAm }: { whoIAm: Promise<void> }) {
    return (
        <>
            <View whoIAm={whoIAm} />
            <Toasts />
        </>
    );
}
