import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

const CONNECTIONS = 40;
const HOST = 'bench.test';

async function processorTime(child) {
  child.send('processor time');
  const [microseconds] = await once(child, 'message');
  return microseconds;
}

/** A subject that runs, and can be loaded. */
export async function startSubject(name, platform, folder) {
  const serve = fileURLToPath(new URL('serve.mjs', folder));
  const child = fork(serve, [name, platform], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  const [port] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} (${platform}) did not start`))),
  ]);
  const url = `http://127.0.0.1:${port}`;
  return {
    /** Requests per second, and microseconds of the server's processor per request; each is answered with `status`. */
    async load({ amount, headers, status, pipelining = 1 }) {
      const before = await processorTime(child);
      const started = performance.now();
      let finished = started;
      const load = autocannon({
        url: `${url}/hello?a=1`,
        connections: CONNECTIONS,
        pipelining,
        amount,
        headers: { host: HOST, ...headers },
        // How often it looks whether it is done; the time is taken here, at the last answer.
        sampleInt: 20,
      });
      load.on('response', () => (finished = performance.now()));
      const result = await load;
      const seconds = (finished - started) / 1000;
      const answered = result.statusCodeStats[status]?.count ?? 0;
      const others = Object.keys(result.statusCodeStats).filter((other) => Number(other) !== status);
      if (answered === 0 || others.length > 0 || result.errors > 0) {
        throw new Error(`${name} (${platform}): not all were ${status}: ${JSON.stringify(result.statusCodeStats)}`);
      }
      // The last of a pipeline may be cut off.
      return { rate: answered / seconds, cost: ((await processorTime(child)) - before) / answered };
    },
    /** The cookie of somebody who has signed in. */
    async signIn(headers) {
      const response = await fetch(`${url}/in`, { headers });
      const cookies = response.headers.getSetCookie();
      if (cookies.length === 0) throw new Error(`${name} (${platform}): no session cookie`);
      return cookies.map((cookie) => cookie.split(';')[0]).join('; ');
    },
    async stop() {
      const exit = once(child, 'exit');
      child.kill();
      await exit;
    },
  };
}
