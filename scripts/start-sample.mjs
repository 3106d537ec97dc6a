// Compiles the sample application and becomes it: one process, so that every signal arrives where it is handled.
import { compile } from './compile.mjs';

// On SIGTERM npm ends the shell it started this in, and nobody tells us.
const shell = process.ppid;
if (process.env.npm_lifecycle_event === 'start') {
  setInterval(() => process.ppid !== shell && process.kill(process.pid, 'SIGTERM'), 250).unref();
}

await compile('sample-app/tsconfig.json', 'the sample in dist/sample-app');
await import('../dist/sample-app/main.js');
