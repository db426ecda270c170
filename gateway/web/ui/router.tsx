// Which view the address names, and links between views that load no page.
import { signal } from '@preact/signals';
import type { ComponentChildren, TargetedMouseEvent } from 'preact';

export type Route =
    | { view: 'home' }
    | { view: 'test' }
    | { view: 'profile' }
    | { view: 'admin'; page: 'now' | 'users' | 'rooms' }
    | { view: 'room'; id: string }
    | { view: 'meeting'; code: string }
    | { view: 'unknown' };

const CODE = /^\/([a-z]{3}-[a-z]{4}-[a-z]{3})\/?$/i;

export function routeOf(path: string): Route {
    const [, first = '', second] = path.replace(/\/+$/, '').split('/');
    const code = CODE.exec(path)?.[1];
    if (code !== undefined) return { view: 'meeting', code: code.toLowerCase() };
    if (first === '') return { view: 'home' };
    if (first === 'test' && second === undefined) return { view: 'test' };
    if (first === 'profile' && second === undefined) return { view: 'profile' };
    if (first === 'admin') return { view: 'admin', page: second === 'users' || second === 'rooms' ? second : 'now' };
    if (first === 'rooms' && second !== undefined) return { view: 'room', id: decodeURIComponent(second) };
    return { view: 'unknown' };
}

export const route = signal<Route>(routeOf(location.pathname));

export function navigate(path: string, how: 'push' | 'replace' = 'push'): void {
    history[how === 'push' ? 'pushState' : 'replaceState'](null, '', path);
    route.value = routeOf(path.split(/[?#]/)[0]!);
    scrollTo(0, 0);
}

addEventListener('popstate', () => { route.value = routeOf(location.pathname); });

interface LinkProps {
    to: string;
    class?: string;
    children: ComponentChildren;
    current?: boolean;
}

export function Link({ to, class: name, children, current }: LinkProps) {
    const follow = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        navigate(to);
    };
    return <a href={to} class={name} onClick={follow} aria-current={current === true ? 'page' : undefined}>{children}</a>;
}
