import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type Server as TlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { createRedirectServer } from '../../lib/index.js';
import { openCertificates } from '../../lib/certificates/open-certificates.js';
import { keepCertificatesFresh } from '../../lib/server/served-certificates.js';
import { makeCertificate } from '../support/certificates.js';
import { freePort, placeOf, ServerProcess } from '../support/server-process.js';

const run = promisify(execFile);
const HOST = 'example.com';

let folder: string;
let names: ServerProcess;
let authority: ServerProcess;
let directoryUrl: string;
let port80: number;
let redirects: Server;

/** certbot, with everything it keeps inside the folder of the test. */
async function certbot(...command: string[]): Promise<void> {
  const kept = ['--config-dir', join(folder, 'letsencrypt'), '--work-dir', folder, '--logs-dir', folder];
  await run('certbot', [...command, '--non-interactive', '--no-verify-ssl', '--server', directoryUrl, ...kept]);
}

async function presented(server: TlsServer): Promise<string> {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  const socket = connect({ port: address.port, servername: HOST, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'acme-'));
  const [dns, control, acme, management] = [await freePort(), await freePort(), await freePort(), await freePort()];
  port80 = await freePort();
  const { key, cert } = await makeCertificate();
  await writeFile(join(folder, 'key.pem'), key);
  await writeFile(join(folder, 'cert.pem'), cert);
  const pebble = {
    listenAddress: `127.0.0.1:${acme}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: join(folder, 'cert.pem'),
    privateKey: join(folder, 'key.pem'),
    httpPort: port80,
    tlsPort: 1,
  };
  await writeFile(join(folder, 'pebble.json'), JSON.stringify({ pebble }));
  directoryUrl = `https://localhost:${acme}/dir`;

  names = new ServerProcess({
    program: placeOf('pebble-challtestsrv') ?? 'pebble-challtestsrv',
    given: [
      `-dns01 127.0.0.1:${dns} -management 127.0.0.1:${control} -defaultIPv4 127.0.0.1`.split(' '),
      ['-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', ''],
    ].flat(),
    folder: await mkdtemp(join(tmpdir(), 'acme-names-')),
    endsBy: 'SIGKILL',
    ask: async () =>
      void (await fetch(`http://127.0.0.1:${control}/clear-txt`, { method: 'POST', body: '{"host":"a."}' })),
  });
  authority = new ServerProcess({
    program: placeOf('pebble') ?? 'pebble',
    given: ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${dns}`],
    folder,
    options: { env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_WFE_NONCEREJECT: '0' } },
    endsBy: 'SIGKILL',
    ask: async () => {
      const socket = connect({ port: acme, host: '127.0.0.1', rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      socket.destroy();
    },
  });
  await names.start();
  await authority.start();
}, 120_000);

afterAll(async () => {
  redirects?.close();
  await names?.stop();
  await authority?.stop();
});

it('certbot gets a certificate through the redirect server, and its renewal is served without a restart', async () => {
  const webroot = join(folder, 'webroot');
  await mkdir(webroot);
  redirects = createRedirectServer({ hosts: [HOST], acme: { directory: webroot } }).listen(port80, '127.0.0.1');
  await once(redirects, 'listening');

  await certbot('certonly', '--webroot', '-w', webroot, '-d', HOST, '--agree-tos', '-m', `admin@${HOST}`);

  const live = join(folder, 'letsencrypt', 'live', HOST);
  const files = { keyFile: join(live, 'privkey.pem'), certFile: join(live, 'fullchain.pem') };
  const certificates = await openCertificates(files, []);
  const server = createServer(certificates.options).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = keepCertificatesFresh(certificates, server, undefined, { poll: 10 });
  const first = await presented(server);
  expect(first).toBe(new X509Certificate(await readFile(files.certFile)).serialNumber);

  await certbot('renew', '--force-renewal', '--no-random-sleep-on-renew');

  const renewed = new X509Certificate(await readFile(files.certFile)).serialNumber;
  expect(renewed).not.toBe(first);
  while ((await presented(server)) !== renewed) await new Promise((resolve) => setImmediate(resolve));
  stop();
  server.close();
}, 120_000);
