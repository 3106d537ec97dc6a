// Compiles what has changed of the package and the sample, and becomes the sample: one process, so that every signal
// arrives where it is handled.
import { compileIfChanged } from './compile.mjs';

// On SIGTERM npm ends the shell it started this in, and nobody tells us.
const shell = process.ppid;
if (process.env.npm_lifecycle_event === 'start') {
  setInterval(() => process.ppid !== shell && process.kill(process.pid, 'SIGTERM'), 250).unref();
}

const configuration = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
await compileIfChanged('tsconfig.build.json', 'ES modules in dist/esm', {
  from: ['lib', ...configuration],
  to: 'dist/esm',
});
await compileIfChanged('sample-app/tsconfig.json', 'the sample in dist/sample-app', {
  from: ['lib', 'sample-app', ...configuration],
  to: 'dist/sample-app',
});
await import('../dist/sample-app/main.js');
