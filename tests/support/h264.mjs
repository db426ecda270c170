// Pictures in H264 without an encoder (ITU-T H.264, 7.3): one macroblock whose samples are written as they are (I_PCM), so each is whole
// in itself and fits into one packet.
const SIZE = 16; // pixels each way
const START = { SPS: 0x67, PPS: 0x68, IDR: 0x65 };
const I_PCM = 25;

class Bits {
    constructor() { this.text = ''; }

    u(value, count) {
        this.text += value.toString(2).padStart(count, '0');
        return this;
    }

    // 9.1: as many zeros as its digits less one, then the digits of the number and one.
    ue(...values) {
        for (const value of values) this.text += '0'.repeat((value + 1).toString(2).length - 1) + (value + 1).toString(2);
        return this;
    }

    align() {
        this.text = this.text.padEnd(Math.ceil(this.text.length / 8) * 8, '0');
        return this;
    }

    bytes() { return Buffer.from(this.text.match(/.{8}/g).map((byte) => parseInt(byte, 2))); }
}

// Its end (7.3.2.11), behind what begins with this byte. No samples are small, so that nothing in them looks like the beginning of
// another unit.
const unit = (start, bits, samples = Buffer.alloc(0)) => {
    const tail = samples.length > 0 ? Buffer.concat([bits.align().bytes(), samples, Buffer.from([0x80])]) : bits.u(1, 1).align().bytes();
    return Buffer.concat([Buffer.from([start]), tail]);
};

// Baseline, level 1; of one macroblock.
const SPS = unit(START.SPS, new Bits().u(66, 8).u(0xc0, 8).u(10, 8).ue(0, 0, 2, 0).u(0, 1).ue(0, 0).u(1, 1).u(1, 1).u(0, 1).u(0, 1));
const PPS = unit(START.PPS, new Bits().ue(0, 0).u(0, 2).ue(0, 0, 0).u(0, 3).ue(0, 0, 0).u(1, 1).u(0, 2));

/// The units of the picture with this number, which is grey, lighter from one to the next.
export function picture(number) {
    const head = new Bits().ue(0, 7, 0).u(0, 4).ue(number % 2).u(0, 2).ue(0, 1, I_PCM);
    return [SPS, PPS, unit(START.IDR, head, Buffer.alloc(SIZE * SIZE * 3 / 2, 0x40 + number % 0x80))];
}
