// A network of this test's own: loopback and one interface that leads nowhere, so that what is cut off in it is cut off nowhere else.
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ADDRESS = '192.0.2.1'; // of nobody (RFC 5737); Janus does not take loopback for media
export const ADDRESS6 = '2001:db8::1'; // likewise (RFC 3849); only where a test asks for it
const GROUP = '4242';
const MARK = '7';
// Of lo, over which all of it goes: what leaves a browser that can be cut off, and what comes to it.
const WAYS = [['1:8', ['-m', 'owner', '--gid-owner', GROUP]], ['1:7', ['-m', 'connmark', '--mark', MARK, '-m', 'owner', '!', '--gid-owner', GROUP]]];
const IS_CUT = ['INPUT', '-m', 'connmark', '--mark', MARK, '-j', 'DROP'];

const ip = (...args) => execFileSync('ip', args);
const iptables = (...args) => execFileSync('iptables', args);
const tc = (...args) => execFileSync('tc', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/// Runs the test file in such a network; returns in there only.
export function enterOwnNet(url) {
    if (process.env.LYNKS_TEST_OWN_NET !== undefined) {
        makeNet();
        return;
    }
    const { status } = spawnSync('unshare', ['--net', '--mount', 'setpriv', '--pdeathsig', 'TERM', process.execPath, ...process.execArgv, fileURLToPath(url)],
        { stdio: 'inherit', env: { ...process.env, LYNKS_TEST_OWN_NET: '1' } });
    process.exit(status ?? 1);
}

function makeNet() {
    ip('link', 'set', 'lo', 'up', 'mtu', '1500'); // as elsewhere: pieces that a slow way can carry
    ip('link', 'add', 'media0', 'type', 'veth', 'peer', 'name', 'media1');
    ip('address', 'add', `${ADDRESS}/30`, 'dev', 'media0');
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

/// Its network is a bad one from now on, both ways: so many kbit/s, at most queueMs in a queue, and some of the packets are lost
/// (0 to 1).
export function makeBad({ kbit, queueMs = 100, loss }) {
    tc('qdisc', 'add', 'dev', 'lo', 'root', 'handle', '1:', 'htb', 'default', '1');
    tc('class', 'add', 'dev', 'lo', 'parent', '1:', 'classid', '1:1', 'htb', 'rate', '10gbit', 'quantum', '60000');
    for (const [way, which] of WAYS) {
        tc('class', 'add', 'dev', 'lo', 'parent', '1:', 'classid', way, 'htb', 'rate', '1gbit', 'quantum', '60000');
        tc('qdisc', 'add', 'dev', 'lo', 'parent', way, 'tbf', 'rate', `${kbit}kbit`, 'burst', '4kb', 'latency', `${queueMs}ms`);
        iptables('-t', 'mangle', '-A', 'OUTPUT', ...which, '-j', 'CLASSIFY', '--set-class', way);
    }
    iptables('-A', 'INPUT', '-m', 'connmark', '--mark', MARK, '-m', 'statistic', '--mode', 'random', '--probability', String(loss), '-j', 'DROP');
}

/// It has IPv6 too, or nothing else.
export function addIpv6({ isAlone = false } = {}) {
    ip('-6', 'address', 'add', `${ADDRESS6}/64`, 'dev', 'media0', 'nodad');
    ip('-6', 'route', 'add', 'default', 'dev', 'media0');
    if (isAlone) ip('address', 'flush', 'dev', 'media0', 'scope', 'global', 'to', `${ADDRESS}/30`);
}

/// This machine is behind a NAT for those under CUTTABLE: they know it by this address, which leads nobody back who is behind it, too.
export function putBehindNat(address) {
    const theirs = ['-m', 'owner', '--gid-owner', GROUP];
    iptables('-t', 'nat', '-A', 'OUTPUT', '-d', address, ...theirs, '-j', 'DNAT', '--to-destination', ADDRESS);
    iptables('-A', 'OUTPUT', '-d', address, '-m', 'owner', '!', '--gid-owner', GROUP, '-j', 'DROP');
    iptables('-N', 'ways');
    iptables('-A', 'OUTPUT', ...theirs, '-j', 'ways');
}

/// In there this name stands for that address.
export function giveName(name, address) {
    const hosts = join(tmpdir(), `lynks-hosts-${process.pid}`);
    writeFileSync(hosts, `127.0.0.1 localhost\n${address} ${name}\n`);
    execFileSync('mount', ['--bind', hosts, '/etc/hosts']);
    rmSync(hosts);
}

/// Those who are before that NAT get through to one port with one protocol only, and to pages unless those are there, too.
export function leaveOneWay(protocol, port, { hasPages = true } = {}) {
    iptables('-F', 'ways');
    // Who drives a browser is answered.
    iptables('-A', 'ways', '-p', 'tcp', '-d', '127.0.0.0/8', ...(hasPages ? [] : ['-m', 'conntrack', '--ctstate', 'ESTABLISHED']), '-j', 'RETURN');
    iptables('-A', 'ways', '-p', protocol, '--dport', String(port), '-j', 'RETURN');
    iptables('-A', 'ways', '-j', 'DROP');
}

/// A rule as deploy's banner has it.
export function addRule(line) {
    const [program, ...args] = line.split(' ');
    execFileSync(program, args);
}
