// What routes cost: boot, memory and audit for 1,000 to 10,000 of them, each count in a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const COUNTS = [1000, 2500, 5000, 10_000];
const one = fileURLToPath(new URL('routes-of.mjs', import.meta.url));

async function measure(routes, marked) {
  const child = fork(one, [String(routes), marked], { execArgv: ['--expose-gc'] });
  const gone = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`${routes} routes: it ended with ${code}`)),
  );
  gone.catch(() => undefined);
  const [measured] = await Promise.race([once(child, 'message'), gone]);
  child.disconnect();
  return measured;
}

/** Boots an application of so many marked handlers on Express, with the module and without, and lists its routes. */
export async function measureRoutes(progress) {
  const measured = [];
  for (const routes of COUNTS) {
    progress(`${routes} routes`);
    try {
      measured.push({ routes, bare: await measure(routes, 'bare'), marked: await measure(routes, 'marked') });
    } catch (error) {
      process.stderr.write(`${error.message}\n`);
    }
  }
  return measured;
}
