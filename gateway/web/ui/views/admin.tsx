// For who looks after the service: what goes on now, who may sign in, and all meetings.
import { t } from '../i18n.ts';
import { Page } from '../parts/page.tsx';
import { Link } from '../router.tsx';
import { AdminNow } from './admin_now.tsx';
import { AdminRooms } from './admin_rooms.tsx';
import { AdminUsers } from './admin_users.tsx';

const PAGES = { now: '/admin', users: '/admin/users', rooms: '/admin/rooms' } as const;
type AdminPage = keyof typeof PAGES;
const VIEWS = { now: AdminNow, users: AdminUsers, rooms: AdminRooms };

export function Admin({ page }: { page: AdminPage }) {
    const View = VIEWS[page];
    return (
        <Page title={t('nav.admin')}>
            <div class="stack admin">
                <h1>{t('nav.admin')}</h1>
                <nav class="tabs" aria-label={t('nav.admin')}>
                    {(Object.keys(PAGES) as AdminPage[]).map((one) => <Link key={one} to={PAGES[one]} current={one === page}>{t(`admin.${one}`)}</Link>)}
                </nav>
                <View key={page} />
            </div>
        </Page>
    );
}
