// A link as a picture that a telephone reads.
import { encode } from 'uqr';
import { t } from '../i18n.ts';

/** One path: a square for each dark module. */
function pathOf(modules: boolean[][]): string {
    return modules.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
}

/** Dark on white whatever the theme is: not every reader takes it the other way round. */
export function QrCode({ text }: { text: string }) {
    const { data, size } = encode(text, { ecc: 'M', border: 4 });
    return (
        <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t('qr.label', { text })} shape-rendering="crispEdges">
            <path class="qr-ground" d={`M0 0h${size}v${size}H0z`} />
            <path class="qr-dark" d={pathOf(data)} />
        </svg>
    );
}
