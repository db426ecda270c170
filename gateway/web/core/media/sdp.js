// What a session description of ours says beyond what the browser writes.

/**
 * Asks for Opus with forward error correction and without packets for silence. The browser sends as the answer says, and the answer
 * says what was offered; the browser's own description stays as it is, because not every browser lets it be changed.
 * @param {string} sdp
 */
export function withOpusExtras(sdp) {
    const lines = sdp.split('\r\n');
    const opus = lines.map((line) => /^a=rtpmap:(\d+) opus\//i.exec(line)?.[1]).filter((type) => type !== undefined);
    return lines.map((line) => {
        const [, type, parameters] = /^a=fmtp:(\d+) (.*)$/.exec(line) ?? [];
        if (type === undefined || !opus.includes(type)) return line;
        const missing = ['useinbandfec=1', 'usedtx=1'].filter((parameter) => !parameters.split(';').includes(parameter));
        return [line, ...missing].join(';');
    }).join('\r\n');
}
