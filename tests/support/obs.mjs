// OBS, as far as a service sees it: set up with a server and a key, it makes one offer over WHIP, shows its bearer with POST and DELETE
// alone, asks nothing in between, and takes no other answers than 201 and 200.
import { Sender } from './rtp-peer.mjs';
import { eventually } from './wait.mjs';

const [STARTED, STOPPED] = [201, 200];

export class Obs {
    #sender = new Sender();
    #bearer;
    #server;
    #resource;

    /// server and key: as they are pasted. word: what stands before the key.
    constructor(server, key, word = 'Bearer ') {
        this.#server = server;
        this.#bearer = word + key;
    }

    /// Resolves with what its POST is answered, { status, code }, whatever that is.
    async start() {
        const answer = await fetch(this.#server, { method: 'POST', headers: { 'content-type': 'application/sdp', authorization: this.#bearer },
            body: await this.#sender.describe('offer') });
        const text = await answer.text();
        if (answer.status !== STARTED) {
            await this.cut();
            return { status: answer.status, code: JSON.parse(text).code };
        }
        this.#resource = new URL(answer.headers.get('location'), this.#server);
        await this.#sender.take('answer', text);
        return { status: answer.status };
    }

    /// By its button.
    async stop() {
        const { status } = await fetch(this.#resource, { method: 'DELETE', headers: { authorization: this.#bearer } });
        await this.cut();
        if (status !== STOPPED) throw new Error(`OBS does not take ${status} for an end`);
    }

    /// As when it is killed.
    cut() {
        return this.#sender.close();
    }
}

/// One that has started, or was refused: { obs, answer }. Where a busy machine has no answer in time it tries again, as OBS does.
export function startObs(server, key, word) {
    return eventually(async () => {
        const obs = new Obs(server, key, word);
        const answer = await obs.start();
        return answer.status >= 500 ? undefined : { obs, answer };
    }, { what: 'OBS is answered' });
}
