// Tokens as gateways draw them (gateway/http/token.h), for tests that put sessions where no gateway did.
import { createHash, createHmac, randomBytes } from 'node:crypto';

const RANDOM_BYTES = 24;
const CHECK_DIGITS = 16;

/// The key that a stack's gateways draw with.
export const tokenKeyOf = async (stack) => (await stack.secret('token-key')).split(',')[0];

/// A fresh token whose check value is right. Nobody has opened a session, or come into a room, with it.
export function drawToken(key, kind = 'session') {
    const random = randomBytes(RANDOM_BYTES);
    const check = createHmac('sha256', key).update(kind).update(random).digest('hex');
    return (kind === 'participant' ? 'lp_' : '') + random.toString('hex') + check.slice(0, CHECK_DIGITS);
}

/// What services and the database know of a token.
export const hashOf = (token) => createHash('sha256').update(token).digest('hex');
