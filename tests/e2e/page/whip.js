// A page that knows nothing of Lynks: by the client library whip-whep, and where that does not know 406, by hand. A test drives it
// through window.outsider.
import { WHEPClient } from '/whip-whep/whep.js';
import { WHIPClient } from '/whip-whep/whip.js';

const SDP = 'application/sdp';
const EXPOSED = ['location', 'etag', 'accept-patch', 'link', 'x-request-id'];

// What WHEP calls a counter-offer: another connection answers it.
async function answerOffer(url, token, response) {
    const peer = new RTCPeerConnection();
    await peer.setRemoteDescription({ type: 'offer', sdp: await response.text() });
    await peer.setLocalDescription(await peer.createAnswer());
    const { status } = await fetch(new URL(response.headers.get('location'), url), { method: 'PATCH', body: peer.localDescription.sdp,
        headers: { 'content-type': SDP, authorization: `Bearer ${token}` } });
    return { peer, answered: status };
}

class Outsider {
    async publish(url, token) {
        const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180, frameRate: 15 } });
        this.peer = new RTCPeerConnection();
        for (const track of media.getTracks()) this.peer.addTransceiver(track, { direction: 'sendonly' });
        this.client = new WHIPClient();
        await this.client.publish(this.peer, url, token);
    }

    /// With whip-whep, which takes no other answer than 201.
    async view(url, token) {
        this.peer = new RTCPeerConnection();
        for (const kind of ['audio', 'video']) this.peer.addTransceiver(kind, { direction: 'recvonly' });
        this.client = new WHEPClient();
        await this.client.view(this.peer, url, token);
    }

    /// By hand, by an answer or by an offer: the status, and which header fields the page could read.
    async watch(url, token) {
        this.peer = new RTCPeerConnection();
        for (const kind of ['audio', 'video']) this.peer.addTransceiver(kind, { direction: 'recvonly' });
        await this.peer.setLocalDescription(await this.peer.createOffer());
        const response = await fetch(url, { method: 'POST', body: this.peer.localDescription.sdp, headers: { 'content-type': SDP, authorization: `Bearer ${token}` } });
        const told = { status: response.status, read: EXPOSED.filter((name) => response.headers.has(name)) };
        if (response.status === 406) {
            this.peer.close();
            const { peer, answered } = await answerOffer(url, token, response);
            Object.assign(this, { peer });
            told.answered = answered;
        } else {
            await this.peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
        }
        return told;
    }

    /// The offer of watch again, to where it is refused: the status, and when the page may come again.
    async isRefused(url, token) {
        const response = await fetch(url, { method: 'POST', body: this.peer.localDescription.sdp, headers: { 'content-type': SDP, authorization: `Bearer ${token}` } });
        return { status: response.status, retryAfter: response.headers.get('retry-after') };
    }

    restart() {
        return this.client.restart();
    }

    /// Waits until this page has sent what it had to say; then what is known of the connection.
    status() {
        const { peer, client } = this;
        return { state: peer.connectionState, etag: client.etag, url: String(client.resourceURL), isTelling: client.iceTrickeTimeout !== undefined,
            isRestarting: Boolean(client.restartIce), ufrag: /a=ice-ufrag:(\S+)/.exec(peer.remoteDescription.sdp)[1] };
    }

    /// What has come: packets of sound, pictures decoded.
    async got() {
        const reports = [...(await this.peer.getStats()).values()].filter(({ type }) => type === 'inbound-rtp');
        const sum = (kind, name) => reports.filter((report) => report.kind === kind).reduce((all, report) => all + (report[name] ?? 0), 0);
        return { audio: sum('audio', 'packetsReceived'), video: sum('video', 'framesDecoded') };
    }

    stop() {
        return this.client.stop();
    }
}

window.outsider = new Outsider();
