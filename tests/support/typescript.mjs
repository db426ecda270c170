// TypeScript of the web client for tests under Node, which reads none itself: all that is asked for is bundled into one module, so that
// a class is the same whichever of the files it came by.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const web = fileURLToPath(new URL('../../gateway/web/', import.meta.url));
const { build } = createRequire(`${web}package.json`)('esbuild');

/// What the files export, all of it; files are named as seen from gateway/web, packages of its own (@preact/signals) as they are.
export async function loadTypeScript(...files) {
    const { outputFiles: [{ contents }] } = await build({
        stdin: { contents: files.map((file) => `export * from '${file.startsWith('@') ? file : `./${file}`}';`).join('\n'), resolveDir: web },
        bundle: true,
        write: false,
        format: 'esm',
        platform: 'node',
        logLevel: 'silent',
    });
    return import(`data:text/javascript;base64,${Buffer.from(contents).toString('base64')}`);
}
