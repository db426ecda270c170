#!/usr/bin/env node
// Makes the web client's files: build.mjs FOLDER. What is in assets/ has a hash in its name and never changes; text has its gzip
// beside it. The folder is written anew as a whole, or not at all.
import { mkdir, readFile, rename, rm, writeFile, cp, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const web = dirname(fileURLToPath(import.meta.url));
const isText = (name) => /\.(js|css|html|svg|webmanifest|map)$/.test(name);

async function bundle(folder) {
    const { metafile } = await build({
        absWorkingDir: web,
        entryPoints: ['ui/main.tsx'],
        outdir: join(folder, 'assets'),
        bundle: true,
        splitting: true,
        minify: true,
        format: 'esm',
        target: 'es2022',
        jsx: 'automatic',
        jsxImportSource: 'preact',
        entryNames: '[name]-[hash]',
        chunkNames: '[name]-[hash]',
        metafile: true,
        legalComments: 'none',
        logLevel: 'warning',
    });
    const [script, { cssBundle }] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === 'ui/main.tsx');
    const asset = (file) => `/assets/${basename(file)}`;
    return { script: asset(script), style: asset(cssBundle), parts: [...partsOf(metafile.outputs, script)].map(asset) };
}

// What a script cannot begin without, and what that cannot.
function partsOf(outputs, script, parts = new Set()) {
    for (const { path, kind } of outputs[script].imports) {
        if (kind !== 'import-statement' || parts.has(path)) continue;
        parts.add(path);
        partsOf(outputs, path, parts);
    }
    return parts;
}

async function writePage(folder, { script, style, parts }) {
    const page = await readFile(join(web, 'static/index.html'), 'utf8');
    // So that the browser asks for all of them at once, not for each when it has read who needs it.
    const links = parts.map((part) => `<link rel="modulepreload" href="${part}">`).join('\n');
    await writeFile(join(folder, 'index.html'), page.replace('{{script}}', script).replace('{{style}}', style).replace('{{parts}}', links));
}

async function compress(folder) {
    for (const { name, path, parentPath } of await readdir(folder, { recursive: true, withFileTypes: true })) {
        const file = join(parentPath ?? path, name);
        if (isText(name)) await writeFile(`${file}.gz`, gzipSync(await readFile(file), { level: 9 }));
    }
}

async function main([target]) {
    if (target === undefined) throw new Error('usage: build.mjs FOLDER');
    const folder = resolve(target);
    const fresh = `${folder}.new`;
    await rm(fresh, { recursive: true, force: true });
    await mkdir(fresh, { recursive: true });
    await cp(join(web, 'static'), fresh, { recursive: true });
    await writePage(fresh, await bundle(fresh));
    await compress(fresh);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
}

try {
    await main(process.argv.slice(2));
} catch (error) {
    console.error(`build.mjs: ${error.message}`);
    process.exitCode = 1;
}
