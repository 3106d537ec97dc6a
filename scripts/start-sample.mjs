// Compiles the sample application and becomes it: one process, so that every signal arrives where it is handled.
import { compile } from './compile.mjs';

await compile('sample-app/tsconfig.json', 'the sample in dist/sample-app');
await import('../dist/sample-app/main.js');
