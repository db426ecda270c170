// Runs in a page before anything else: its camera is a drawing, another for each name, so that people in a test can be told apart, and
// pictures of a meeting can be looked at. The microphone stays the browser's own fake.
(name) => {
    const hue = [...name].reduce((sum, letter) => (sum * 131 + letter.codePointAt(0)) % 997, 7) % 360;
    const media = navigator.mediaDevices;
    const draw = (pen, { width, height }, beat) => {
        const sway = Math.sin(beat / 9) * width * 0.012;
        const centre = width / 2 + sway;
        const background = pen.createLinearGradient(0, 0, width, height);
        background.addColorStop(0, `hsl(${hue} 32% 78%)`);
        background.addColorStop(1, `hsl(${hue} 30% 58%)`);
        pen.fillStyle = background;
        pen.fillRect(0, 0, width, height);
        pen.fillStyle = `hsl(${hue} 24% 88%)`; // a window
        pen.fillRect(width * 0.08, height * 0.1, width * 0.2, height * 0.42);
        pen.fillStyle = `hsl(${(hue + 190) % 360} 34% 36%)`; // shoulders
        pen.beginPath();
        pen.ellipse(centre, height * 1.08, width * 0.24, height * 0.44, 0, 0, 2 * Math.PI);
        pen.fill();
        pen.fillStyle = `hsl(24 ${36 + (hue % 20)}% ${52 + (hue % 26)}%)`; // neck and head
        pen.fillRect(centre - width * 0.038, height * 0.56, width * 0.076, height * 0.14);
        pen.beginPath();
        pen.ellipse(centre, height * 0.44, width * 0.092, height * 0.2, 0, 0, 2 * Math.PI);
        pen.fill();
        pen.fillStyle = `hsl(${(hue * 3) % 50} 30% ${14 + (hue % 18)}%)`; // hair
        pen.beginPath();
        pen.ellipse(centre, height * 0.33, width * 0.1, height * 0.13, 0, Math.PI, 2 * Math.PI);
        pen.fill();
    };
    const openCamera = async (wanted) => {
        const size = (side, most) => Math.min(most, wanted[side]?.ideal ?? most);
        const canvas = Object.assign(document.createElement('canvas'), { width: size('width', 640), height: size('height', 360) });
        const pen = canvas.getContext('2d');
        let beat = 0;
        const timer = setInterval(() => draw(pen, canvas, (beat += 1)), 1000 / 15);
        draw(pen, canvas, 0);
        const [track] = canvas.captureStream(15).getVideoTracks();
        // It passes for the one that is wanted, or for the first there is.
        const [device] = (await media.enumerateDevices()).filter(({ kind }) => kind === 'videoinput');
        const settings = track.getSettings.bind(track);
        track.getSettings = () => ({ ...settings(), deviceId: wanted.deviceId?.exact ?? device?.deviceId });
        const stop = track.stop.bind(track);
        track.stop = () => {
            clearInterval(timer);
            stop();
        };
        return track;
    };
    const real = media.getUserMedia.bind(media);
    media.getUserMedia = async ({ audio, video }) => {
        const tracks = audio ? (await real({ audio })).getTracks() : [];
        if (video) tracks.push(await openCamera(video === true ? {} : video));
        return new MediaStream(tracks);
    };
}
