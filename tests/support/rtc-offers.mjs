// Offers of publishers.
const PART = (mid, kind, port, codec) => `m=${kind} 9 UDP/TLS/RTP/SAVPF ${port}\r\nc=IN IP4 0.0.0.0\r\na=mid:${mid}\r\na=sendonly\r\na=rtcp-mux\r\n`
    + `a=ice-ufrag:aBcD\r\na=ice-pwd:0123456789abcdefghijklmn\r\na=setup:actpass\r\na=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}\r\n`
    + `a=msid:s t${mid}\r\na=rtpmap:${port} ${codec}\r\na=ssrc:${1000 + Number(mid)} cname:x\r\n`;
/// What a browser offers that sends these kinds, without a browser: Janus answers, and nothing ever flows.
export const offerOf = (...parts) => `v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE ${parts.map((_, mid) => mid).join(' ')}\r\n${
    parts.map((kind, mid) => (kind === 'audio' ? PART(mid, 'audio', 111, 'opus/48000/2') : PART(mid, 'video', 96, 'VP8/90000'))).join('')}`;
/// Bodies of …/publish.
export const AUDIO = { sdp: offerOf('audio'), sources: { 0: 'audio' } };
export const SCREEN = { sdp: offerOf('audio', 'video'), sources: { 0: 'audio', 1: 'screen' } };
