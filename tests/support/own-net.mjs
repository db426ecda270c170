// A network of this test's own: loopback and one interface that leads nowhere, so that what is cut off in it is cut off nowhere else.
import { execFileSync, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ADDRESS = '192.0.2.1/30'; // of nobody (RFC 5737); Janus does not take loopback for media
const GROUP = '4242';
const MARK = '7';
const IS_CUT = ['INPUT', '-m', 'connmark', '--mark', MARK, '-j', 'DROP'];

const ip = (...args) => execFileSync('ip', args);
const iptables = (...args) => execFileSync('iptables', args);

/// Runs the test file in such a network; returns in there only.
export function enterOwnNet(url) {
    if (process.env.LYNKS_TEST_OWN_NET !== undefined) {
        makeNet();
        return;
    }
    const { status } = spawnSync('unshare', ['--net', 'setpriv', '--pdeathsig', 'TERM', process.execPath, ...process.execArgv, fileURLToPath(url)],
        { stdio: 'inherit', env: { ...process.env, LYNKS_TEST_OWN_NET: '1' } });
    process.exit(status ?? 1);
}

function makeNet() {
    ip('link', 'set', 'lo', 'up');
    ip('link', 'add', 'media0', 'type', 'veth', 'peer', 'name', 'media1');
    ip('address', 'add', ADDRESS, 'dev', 'media0');
    for (const name of ['media0', 'media1']) ip('link', 'set', name, 'up');
    ip('route', 'add', 'default', 'dev', 'media0');
    iptables('-t', 'mangle', '-A', 'OUTPUT', '-m', 'owner', '--gid-owner', GROUP, '-j', 'CONNMARK', '--set-mark', MARK);
}

/// What a program runs under that can be cut off.
export const CUTTABLE = ['setpriv', `--regid=${GROUP}`, '--clear-groups', '--'];

/// Nothing comes to it any more, nor from it what is answered, and nobody is told. It goes on when what this returns is called.
export function cutOff() {
    iptables('-A', ...IS_CUT);
    return () => iptables('-D', ...IS_CUT);
}
