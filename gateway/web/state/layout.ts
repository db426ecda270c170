// Where tiles go: pure functions of how many there are and how large the stage is.

export interface Size { width: number; height: number }
export interface Grid { columns: number; rows: number; tile: Size }

const RATIO = 16 / 9;
/** A phone held upright is filled better by tiles that are higher than wide. */
const UPRIGHT_RATIO = 3 / 4;

/** The largest equal tiles that fit: all numbers of columns are tried. They are 16:9, on an upright stage down to 3:4. */
export function fitGrid(stage: Size, count: number, gap: number): Grid {
    const least = stage.height > stage.width ? UPRIGHT_RATIO : RATIO;
    let best: Grid = { columns: 1, rows: Math.max(1, count), tile: { width: 0, height: 0 } };
    for (let columns = 1; columns <= Math.max(1, count); columns += 1) {
        const rows = Math.ceil(Math.max(1, count) / columns);
        const cell = { width: (stage.width - gap * (columns - 1)) / columns, height: (stage.height - gap * (rows - 1)) / rows };
        const tile = largestIn(cell, least);
        if (tile.width * tile.height > best.tile.width * best.tile.height) best = { columns, rows, tile };
    }
    return best;
}

function largestIn(cell: Size, least: number): Size {
    if (cell.width <= 0 || cell.height <= 0) return { width: 0, height: 0 };
    const ratio = Math.min(RATIO, Math.max(least, cell.width / cell.height));
    const width = Math.floor(Math.min(cell.width, cell.height * ratio));
    return { width, height: Math.floor(width / ratio) };
}

export interface Box { left: number; top: number; width: number; height: number }

/** The place of each tile, rows centred, the last one too. */
export function gridBoxes(stage: Size, count: number, gap: number): Box[] {
    const { columns, rows, tile } = fitGrid(stage, count, gap);
    const top = (stage.height - rows * tile.height - (rows - 1) * gap) / 2;
    return Array.from({ length: count }, (_, index) => {
        const row = Math.floor(index / columns);
        const inRow = row === rows - 1 ? count - row * columns : columns;
        const left = (stage.width - inRow * tile.width - (inRow - 1) * gap) / 2;
        return {
            left: Math.round(left + (index % columns) * (tile.width + gap)),
            top: Math.round(top + row * (tile.height + gap)),
            ...tile,
        };
    });
}

export interface StageBoxes { main: Box; strip: Box[]; stripHolds: number }

/** Of its size, a tile of the strip, if all are seen so. */
const SHRINKS_TO = 0.7;

/** One takes three quarters, the others a strip: beside it where there is width, below it on a narrow stage. */
export function stageBoxes(stage: Size, others: number, gap: number): StageBoxes {
    if (others === 0) return { main: { left: 0, top: 0, ...stage }, strip: [], stripHolds: 0 };
    return stage.width >= stage.height ? beside(stage, others, gap) : below(stage, others, gap);
}

function beside(stage: Size, others: number, gap: number): StageBoxes {
    const widest = Math.round(Math.max(120, Math.min(260, stage.width * 0.22)));
    const highest = Math.round(widest / RATIO);
    // Somewhat smaller ones rather than another page.
    const forAll = Math.floor((stage.height + gap) / others - gap);
    const height = forAll < highest && forAll >= highest * SHRINKS_TO ? forAll : highest;
    const width = height === highest ? widest : Math.round(height * RATIO);
    const holds = Math.max(1, Math.floor((stage.height + gap) / (height + gap)));
    const shown = Math.min(holds, others);
    const top = Math.round((stage.height - shown * height - (shown - 1) * gap) / 2);
    const left = stage.width - width;
    return {
        main: { left: 0, top: 0, width: left - gap, height: stage.height },
        strip: Array.from({ length: shown }, (_, index) => ({ left, top: top + index * (height + gap), width, height })),
        stripHolds: holds,
    };
}

function below(stage: Size, others: number, gap: number): StageBoxes {
    const width = Math.round(Math.max(112, Math.min(200, (stage.width - gap) / 2.4)));
    const height = Math.round(width / RATIO);
    const holds = Math.max(1, Math.floor((stage.width + gap) / (width + gap)));
    const shown = Math.min(holds, others);
    const left = Math.round((stage.width - shown * width - (shown - 1) * gap) / 2);
    const top = stage.height - height;
    return {
        main: { left: 0, top: 0, width: stage.width, height: top - gap },
        strip: Array.from({ length: shown }, (_, index) => ({ left: left + index * (width + gap), top, width, height })),
        stripHolds: holds,
    };
}

/** The layer that fills a tile without waste: 0 the smallest (a quarter of the camera's height), 2 the whole. */
export function layerFor(height: number, pixelRatio: number): 0 | 1 | 2 {
    const pixels = height * Math.min(pixelRatio, 2);
    if (pixels <= 200) return 0;
    return pixels <= 420 ? 1 : 2;
}
