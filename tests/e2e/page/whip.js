// A page that knows nothing of Lynks, with the client library whip-whep. A test drives it through window.outsider.
import { WHIPClient } from '/whip-whep/whip.js';

class Outsider {
    async publish(url, token) {
        const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 320, height: 180, frameRate: 15 } });
        this.peer = new RTCPeerConnection();
        for (const track of media.getTracks()) this.peer.addTransceiver(track, { direction: 'sendonly' });
        this.client = new WHIPClient();
        await this.client.publish(this.peer, url, token);
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

    stop() {
        return this.client.stop();
    }
}

window.outsider = new Outsider();
