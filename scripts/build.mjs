// Builds the package: ES modules in dist/esm, CommonJS in dist/cjs.
import { rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { compile } from './compile.mjs';

const dist = new URL('../dist/', import.meta.url);

await rm(dist, { recursive: true, force: true });
await compile('tsconfig.build.json', 'ES modules in dist/esm');
await compile('tsconfig.build.cjs.json', 'CommonJS in dist/cjs');
await writeFile(fileURLToPath(new URL('cjs/package.json', dist)), '{ "type": "commonjs" }\n');
