// The secret of an invitation comes after # in a link. It leaves the address bar at once, and stays with this tab.
import { keepHere, keptHere } from './kept.ts';
import { routeOf } from './router.tsx';

export function takeInvitation(): void {
    const secret = /^#(li_[\w-]+)$/.exec(location.hash)?.[1];
    const route = routeOf(location.pathname);
    if (secret !== undefined && route.view === 'meeting') keepHere(`invitation.${route.code}`, secret);
    if (location.hash !== '') history.replaceState(null, '', location.pathname + location.search);
}

export const invitationFor = (code: string) => keptHere(`invitation.${code}`);
