// Runs in a page before anything else: remembers its connections for media and the tracks that it opened, and counts.
() => {
    const memory = { peers: [], tracks: [] };
    const alive = (list) => list.map((weak) => weak.deref()).filter((one) => one !== undefined);
    const Peer = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Peer {
        constructor(...all) {
            super(...all);
            memory.peers.push(new WeakRef(this));
        }
    };
    const media = navigator.mediaDevices;
    for (const name of ['getUserMedia', 'getDisplayMedia']) {
        const real = media[name].bind(media);
        media[name] = async (wanted) => {
            const stream = await real(wanted);
            memory.tracks.push(...stream.getTracks().map((track) => new WeakRef(track)));
            return stream;
        };
    }
    const counts = new WeakMap();
    const count = (video) => {
        counts.set(video, (counts.get(video) ?? -1) + 1);
        video.requestVideoFrameCallback(() => count(video));
    };

    // Between the last packet and now, or the one before it where none came in between: never longer than it was.
    const noteGap = ({ type, kind, id, timestamp, lastPacketReceivedTimestamp: last, packetsReceived }) => {
        if (type !== 'inbound-rtp' || kind !== 'audio' || last === undefined) return;
        const before = memory.gaps.get(id) ?? { last, packetsReceived, longest: 0 };
        const gap = packetsReceived === before.packetsReceived + 1 ? last - before.last : timestamp - last;
        memory.gaps.set(id, { last, packetsReceived, longest: Math.max(before.longest, gap) });
    };

    // Of each connection that is up, the two candidates that it goes by.
    const pairs = (tell) => {
        const up = alive(memory.peers).filter(({ connectionState }) => connectionState === 'connected');
        return Promise.all(up.map(async (peer) => {
            const all = await peer.getStats();
            const { selectedCandidatePairId } = [...all.values()].find(({ type }) => type === 'transport');
            const { localCandidateId, remoteCandidateId } = all.get(selectedCandidatePairId);
            return tell(all.get(localCandidateId), all.get(remoteCandidateId));
        }));
    };

    window.memory = {
        /// How many a video has shown. Firefox counts none of a stream's: there it is those since this was first asked.
        framesOf(video) {
            const { totalVideoFrames } = video.getVideoPlaybackQuality();
            if (totalVideoFrames > 0) return totalVideoFrames;
            if (!counts.has(video)) count(video);
            return counts.get(video);
        },
        openPeers: () => alive(memory.peers).filter(({ connectionState }) => connectionState !== 'closed').length,
        /// Those that nobody has collected yet, closed ones too.
        keptPeers: () => alive(memory.peers).length,
        liveTracks: () => alive(memory.tracks).filter(({ readyState }) => readyState === 'live').map(({ kind }) => kind),
        /// From now on the longest time without sound from anybody, in ms, is looked for: longestGap() tells it.
        async beginGaps() {
            memory.gaps = new Map();
            clearInterval(memory.timer);
            memory.timer = setInterval(async () => {
                const reports = await Promise.all(alive(memory.peers).filter(({ connectionState }) => connectionState === 'connected').map((peer) => peer.getStats()));
                for (const report of reports) report.forEach((one) => noteGap(one));
            }, 40);
        },
        longestGap() {
            clearInterval(memory.timer);
            return Math.round(Math.max(...[...memory.gaps.values()].map(({ longest }) => longest)));
        },
        /// How each connection that is up gets there: the kind of its own candidate, and how it reaches the relay.
        ways: () => pairs(({ candidateType, relayProtocol }) => `${candidateType} ${relayProtocol}`),
        /// The address of the other side of each.
        theirAddresses: () => pairs((own, theirs) => theirs.address),
        /// What comes: of each kind packets, seconds of energy, and codecs.
        async comes() {
            const reports = await Promise.all(alive(memory.peers).filter(({ connectionState }) => connectionState === 'connected')
                .map(async (peer) => [...(await peer.getStats()).values()]));
            const all = reports.flat();
            const inbound = all.filter(({ type }) => type === 'inbound-rtp');
            const sum = (kind, key) => inbound.filter((one) => one.kind === kind).reduce((total, one) => total + (one[key] ?? 0), 0);
            return {
                audioPackets: sum('audio', 'packetsReceived'),
                audioEnergy: sum('audio', 'totalAudioEnergy'),
                videoPackets: sum('video', 'packetsReceived'),
                codecs: [...new Set(all.filter(({ type }) => type === 'codec').map(({ mimeType }) => mimeType))].sort(),
            };
        },
    };
}
