// The table of who may do what in a room, read from its page (roomsvc/PERMISSIONS.md), which is written from the rules.
import { readFileSync } from 'node:fs';

/// Each has all of the one before.
export const ROLES = ['viewer', 'participant', 'moderator', 'owner'];

const page = readFileSync(new URL('../../roomsvc/PERMISSIONS.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| `(\w+)` \|(.*)\|$/gm)].map(([, action, rest]) => {
    const cells = rest.split('|').map((cell) => cell.trim());
    return [action, { roles: ROLES.filter((_, i) => cells[i] === 'yes'), whom: cells[ROLES.length] }];
});
const actions = new Map(rows);

const isLower = (role, own) => ROLES.indexOf(role) < ROLES.indexOf(own);

/// May somebody with the role `own` do it? target: on whom, for actions on somebody: {isOneself, now, wished}; wished is
/// what he has afterwards, if that is another role.
export function may(own, action, target) {
    const { roles, whom } = actions.get(action);
    if (whom === '') return roles.includes(own);
    if (target.isOneself && whom.includes('oneself')) return true;
    return whom.startsWith('lower roles') && roles.includes(own) && isLower(target.now, own) && isLower(target.wished ?? target.now, own);
}

/// The actions that a role is enough for.
export const actionsOf = (own) => [...actions].filter(([, { roles }]) => roles.includes(own)).map(([action]) => action);
