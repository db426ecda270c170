#!/usr/bin/env -S node --test-reporter=tap
// Where tiles go: as large as they can be, inside the stage, none on another, each row in the middle.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadTypeScript } from '../../../support/typescript.mjs';

const { fitGrid, gridBoxes, stageBoxes, layerFor } = await loadTypeScript('state/layout.ts');
const STAGES = [{ width: 1264, height: 640 }, { width: 360, height: 480 }, { width: 640, height: 300 }, { width: 900, height: 900 }];
const GAP = 8;

const overlap = (a, b) => a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height;

function assertInside(boxes, { width, height }, what) {
    for (const [index, box] of boxes.entries()) {
        // A pixel is lost or won where a middle is between two.
        assert.ok(box.left >= -1 && box.top >= -1 && box.left + box.width <= width + 1 && box.top + box.height <= height + 1, `${what}: ${JSON.stringify(box)}`);
        assert.ok(!boxes.some((other, at) => at > index && overlap(box, other)), `${what}: ${index} is under another one`);
    }
}

test('tiles are inside the stage and apart, for one to sixteen of them on wide and narrow stages', () => {
    for (const stage of STAGES) {
        for (let count = 1; count <= 16; count += 1) {
            const boxes = gridBoxes(stage, count, GAP);
            assert.equal(boxes.length, count);
            assertInside(boxes, stage, `${count} on ${stage.width}x${stage.height}`);
        }
    }
});

const LEAST = 3 / 4;
const MOST = 16 / 9;

/// The area of the largest tile that is in a cell, of those as high and as wide as they may be.
function areaIn(width, height, least) {
    if (width / height > MOST) return height * MOST * height;
    return width / height < least ? width * (width / least) : width * height;
}

test('no other number of columns has larger tiles', () => {
    for (const stage of STAGES) {
        for (let count = 1; count <= 16; count += 1) {
            const { tile } = fitGrid(stage, count, GAP);
            for (let columns = 1; columns <= count; columns += 1) {
                const rows = Math.ceil(count / columns);
                const area = areaIn((stage.width - GAP * (columns - 1)) / columns, (stage.height - GAP * (rows - 1)) / rows, stage.height > stage.width ? LEAST : MOST);
                // Whole pixels cost up to one of the width, and of the height what follows from it and one more.
                assert.ok(area <= (tile.width + 1) * (tile.height + 1 + 1 / LEAST), `${count} on ${stage.width}x${stage.height} in ${columns}`);
            }
        }
    }
});

test('tiles are 16:9, and down to 3:4 on a stage that is higher than wide', () => {
    for (const stage of STAGES) {
        for (let count = 1; count <= 16; count += 1) {
            const { tile: { width, height } } = fitGrid(stage, count, GAP);
            const [least, most] = [stage.height > stage.width ? LEAST : MOST, MOST];
            assert.ok((width + 1) / height >= least && width / (height + 1) <= most, `${count} on ${stage.width}x${stage.height}: ${width}x${height}`);
        }
    }
    assert.ok(fitGrid({ width: 360, height: 480 }, 2, GAP).tile.height > 360 / MOST + 1);
});

test('a last row that is not full stands in the middle', () => {
    const boxes = gridBoxes({ width: 1200, height: 800 }, 3, GAP);
    assert.deepEqual(boxes.map(({ top }) => top === boxes[0].top), [true, true, false]);
    assert.equal(boxes[2].left + boxes[2].width / 2, 600);
});

test('all beside what is shared are seen where somewhat smaller ones fit; more of them have pages', () => {
    const stage = { width: 1264, height: 556 };
    const large = stageBoxes(stage, 3, GAP).strip;
    const smaller = stageBoxes(stage, 4, GAP);
    assert.equal(smaller.strip.length, 4);
    assert.ok(smaller.strip[0].height < large[0].height && smaller.strip[0].height >= 0.7 * large[0].height);
    assertInside([smaller.main, ...smaller.strip], stage, 'four beside');
    assert.deepEqual(stageBoxes(stage, 9, GAP).strip, large);
});

test('what is shared has most of the stage, the others a strip beside it, or below on a narrow stage', () => {
    for (const stage of STAGES) {
        const { main, strip, stripHolds } = stageBoxes(stage, 12, GAP);
        assert.equal(strip.length, Math.min(12, stripHolds));
        assertInside([main, ...strip], stage, `${stage.width}x${stage.height}`);
        assert.ok(main.width * main.height > 0.5 * stage.width * stage.height);
        if (stage.width >= stage.height) assert.ok(strip.every(({ left }) => left >= main.width));
        else assert.ok(strip.every(({ top }) => top >= main.height));
    }
});

test('alone it fills the stage', () => {
    assert.deepEqual(stageBoxes({ width: 800, height: 600 }, 0, GAP), { main: { left: 0, top: 0, width: 800, height: 600 }, strip: [], stripHolds: 0 });
});

test('a layer is as high as the tile has pixels', () => {
    assert.deepEqual([[90, 1], [150, 2], [200, 2], [300, 1], [300, 3], [700, 1]].map(([height, ratio]) => layerFor(height, ratio)), [0, 1, 1, 1, 2, 2]);
});
