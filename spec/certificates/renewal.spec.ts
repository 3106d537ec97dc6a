import { jest } from '@jest/globals';
import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer, type Server, type TLSSocket } from 'node:tls';
import { SecureAudit, SecureModule } from '../../lib/index.js';
import { FileCertificates } from '../../lib/certificates/certificate-files.js';
import { Findings } from '../../lib/findings/findings.js';
import { openCertificates } from '../../lib/certificates/open-certificates.js';
import { listenSecurely } from '../../lib/server/listen-securely.js';
import { keepCertificatesFresh } from '../../lib/server/served-certificates.js';
import { daysFromNow, makeCertificate, type Certificate } from '../support/certificates.js';

const POLL = 10;

let ca: Certificate;
let folder: string;

beforeAll(async () => {
  ca = await makeCertificate({ names: ['ca.example'] });
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'renewal-'));
});

afterEach(() => rm(folder, { recursive: true }));

const issue = (names = ['example.com'], to = daysFromNow(90)): Promise<Certificate> =>
  makeCertificate({ names, ca, to });

async function write(where: string, { key, cert }: Certificate): Promise<void> {
  await mkdir(where, { recursive: true });
  await writeFile(join(where, 'key.pem'), key);
  await writeFile(join(where, 'cert.pem'), cert);
}

const filesIn = (where: string): { keyFile: string; certFile: string } => ({
  keyFile: join(where, 'key.pem'),
  certFile: join(where, 'cert.pem'),
});

const serialOf = ({ cert }: Certificate): string => new X509Certificate(cert).serialNumber;

async function open(server: Server, servername: string): Promise<TLSSocket> {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  const socket = connect({ port: address.port, servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}

async function presented(server: Server, servername = 'example.com'): Promise<string> {
  const socket = await open(server, servername);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  // The watcher asks the file system, and says nothing to anyone when it has.
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

/** Ways in which programs replace a certificate, each with how it stood before. */
const ways: [string, (old: Certificate) => Promise<string>, (renewed: Certificate) => Promise<void>][] = [
  [
    'is written in place',
    async (old) => {
      await write(folder, old);
      return folder;
    },
    (renewed) => write(folder, renewed),
  ],
  [
    'is renamed into place',
    async (old) => {
      await write(folder, old);
      return folder;
    },
    async (renewed) => {
      await write(join(folder, 'new'), renewed);
      for (const name of ['key.pem', 'cert.pem']) await rename(join(folder, 'new', name), join(folder, name));
    },
  ],
  [
    'is a link to another file, as certbot has it',
    async (old) => {
      await write(join(folder, 'archive1'), old);
      await mkdir(join(folder, 'live'));
      for (const name of ['key.pem', 'cert.pem']) {
        await symlink(join('..', 'archive1', name), join(folder, 'live', name));
      }
      return join(folder, 'live');
    },
    async (renewed) => {
      await write(join(folder, 'archive2'), renewed);
      for (const name of ['key.pem', 'cert.pem']) {
        await symlink(join('..', 'archive2', name), join(folder, 'live', `${name}.new`));
        await rename(join(folder, 'live', `${name}.new`), join(folder, 'live', name));
      }
    },
  ],
  [
    'is behind ..data, as Kubernetes has it',
    async (old) => {
      await write(join(folder, '..2026_01'), old);
      await symlink('..2026_01', join(folder, '..data'));
      for (const name of ['key.pem', 'cert.pem']) await symlink(join('..data', name), join(folder, name));
      return folder;
    },
    async (renewed) => {
      await write(join(folder, '..2026_02'), renewed);
      await symlink('..2026_02', join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
      await rm(join(folder, '..2026_01'), { recursive: true });
    },
  ],
];

describe('a certificate that', () => {
  it.each(ways)('%s is served to new connections, and open ones stay', async (_, prepare, renew) => {
    const [old, renewed] = [await issue(), await issue()];
    const certificates = await openCertificates(filesIn(await prepare(old)), []);
    const server = createServer(certificates.options, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const stop = keepCertificatesFresh(certificates, server, undefined, { poll: POLL });
    const standing = await open(server, 'example.com');
    expect(standing.getPeerCertificate().serialNumber).toBe(serialOf(old));

    await renew(renewed);
    await until(async () => (await presented(server)) === serialOf(renewed));

    standing.write('still here');
    expect(String((await once(standing, 'data'))[0])).toBe('still here');
    standing.destroy();
    stop();
    server.close();
  });
});

describe('a renewal that cannot be served', () => {
  it.each<[string, (old: Certificate) => Promise<Certificate>, string]>([
    [
      'half of a file',
      async () => {
        const { key, cert } = await issue();
        return { key, cert: cert.slice(0, 200) };
      },
      'cut off or damaged',
    ],
    ['an empty file', async () => ({ key: (await issue()).key, cert: '' }), 'is missing'],
    [
      'a key without its certificate',
      async (old) => ({ key: (await issue()).key, cert: old.cert }),
      'do not belong together',
    ],
    [
      'an expired certificate',
      () => makeCertificate({ names: ['example.com'], ca, from: daysFromNow(-30), to: daysFromNow(-1) }),
      'expired on',
    ],
    [
      'a certificate of the future',
      () => makeCertificate({ names: ['example.com'], ca, from: daysFromNow(1) }),
      'is valid from',
    ],
  ])('%s keeps the old one, and says why', async (_, make, reason) => {
    const old = await issue();
    await write(folder, old);
    const files = new FileCertificates([filesIn(folder)], {}, () => new Date());
    const server = createServer(files.options).listen(0, '127.0.0.1');
    await once(server, 'listening');

    await write(folder, await make(old));
    const rejected = files.reload(server);

    expect(rejected).toEqual([{ certFile: join(folder, 'cert.pem'), reason: expect.stringContaining(reason) }]);
    expect(await presented(server)).toBe(serialOf(old));
    expect(files.reload(server)).toHaveLength(1);
    server.close();
  });

  it('a file that is gone keeps the old one, and the next renewal is served', async () => {
    const [old, renewed] = [await issue(), await issue()];
    await write(folder, old);
    const files = new FileCertificates([filesIn(folder)], {}, () => new Date());
    const server = createServer(files.options).listen(0, '127.0.0.1');
    await once(server, 'listening');

    await rm(join(folder, 'cert.pem'));
    expect(files.reload(server)).toEqual([
      { certFile: join(folder, 'cert.pem'), reason: expect.stringContaining('ENOENT') },
    ]);
    await write(folder, renewed);
    expect(files.reload(server)).toEqual([]);

    expect(await presented(server)).toBe(serialOf(renewed));
    server.close();
  });
});

describe('several certificates', () => {
  it('are chosen by the name the client asks for, and renewed one by one', async () => {
    const [first, second, renewed] = [
      await issue(['one.example']),
      await issue(['*.two.example']),
      await issue(['*.two.example']),
    ];
    await write(join(folder, 'one'), first);
    await write(join(folder, 'two'), second);
    const files = new FileCertificates(
      [filesIn(join(folder, 'one')), filesIn(join(folder, 'two'))],
      {},
      () => new Date(),
    );
    const server = createServer(files.options).listen(0, '127.0.0.1');
    await once(server, 'listening');

    const served = async (): Promise<string[]> =>
      Promise.all(['one.example', 'a.two.example', 'unknown.example'].map((name) => presented(server, name)));
    expect(await served()).toEqual([serialOf(first), serialOf(second), serialOf(first)]);

    await write(join(folder, 'two'), renewed);
    expect(files.reload(server)).toEqual([]);
    expect(await served()).toEqual([serialOf(first), serialOf(renewed), serialOf(first)]);
    server.close();
  });
});

it('a renewal that cannot be served is a finding that names the file and what is wrong', async () => {
  await write(folder, await issue());
  const certificates = await openCertificates(filesIn(folder), []);
  const server = createServer(certificates.options);
  const findings = new Findings(new Set(), () => undefined);
  const stop = keepCertificatesFresh(certificates, server, { findings, options: {} }, { poll: POLL });

  await writeFile(join(folder, 'cert.pem'), 'half');
  await until(() => findings.all().length > 0);
  stop();

  expect(findings.all()).toMatchObject([
    { id: 'SEC506', subject: join(folder, 'cert.pem'), cause: expect.stringContaining('is not PEM text') },
  ]);
});

it('a hundred renewals leave no watcher and no timer behind', async () => {
  const pair = [await issue(), await issue()];
  await write(folder, await issue());
  const files = new FileCertificates([filesIn(folder)], {}, () => new Date());
  const server = createServer(files.options);
  const started = jest.spyOn(globalThis, 'setInterval');
  const ended = jest.spyOn(globalThis, 'clearInterval');

  for (let round = 0; round < 100; round += 1) {
    const stop = keepCertificatesFresh({ files, chains: [], options: {} }, server, undefined, { poll: POLL });
    const renewed = pair[round % 2];
    if (renewed !== undefined) await write(folder, renewed);
    expect(files.reload(server)).toEqual([]);
    stop();
  }
  const left = new Set(started.mock.results.map(({ value }) => value));
  expect(left.size).toBe(100);
  for (const [timer] of ended.mock.calls) left.delete(timer);
  expect(left.size).toBe(0);
  started.mockRestore();
  ended.mockRestore();

  // A watcher that is not stopped is told of a change, and none of the hundred is.
  const reloaded = jest.spyOn(files, 'reload');
  for (const renewed of pair.toReversed()) {
    const told = new Promise<void>((resolve) => {
      const stop = files.watch(() => {
        stop();
        resolve();
      }, POLL);
    });
    await write(folder, renewed);
    await told;
  }
  expect(reloaded).not.toHaveBeenCalled();
});

it('once a day it is looked whether a certificate grows old, and whether its files have changed', async () => {
  await write(folder, await issue());
  const certificates = await openCertificates(filesIn(folder), []);
  const server = createServer(certificates.options).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const findings = new Findings(new Set(), () => undefined);
  // Nobody tells of a change: what looks has an hour between two looks.
  const stop = keepCertificatesFresh(certificates, server, { findings, options: {} }, { poll: 3_600_000, day: POLL });
  expect(findings.all()).toEqual([]);

  const old = await makeCertificate({ names: ['one.example'], ca, from: daysFromNow(-80), to: daysFromNow(10) });
  await write(folder, old);
  const isOld = { id: 'SEC505', cause: expect.stringContaining('expires in 9 days') };
  await until(() => findings.all().some(({ id }) => id === 'SEC505'));
  expect(findings.all()).toContainEqual(expect.objectContaining(isOld));
  expect(await presented(server, 'one.example')).toBe(serialOf(old));
  stop();
  server.close();
});

it.each<[string, object, string]>([
  ['a path that is none', { keyFile: 5, certFile: 'cert.pem' }, 'tls.keyFile is 5. Accepted: the path of a PEM file.'],
  ['no certFile', { keyFile: 'KEY' }, 'tls.certFile is undefined'],
  ['contents', { keyFile: '-----BEGIN PRIVATE KEY-----', certFile: 'cert.pem' }, 'Pass them as tls.key.'],
  [
    'a file that is not there',
    { keyFile: 'nowhere.pem', certFile: 'cert.pem' },
    'tls.keyFile nowhere.pem cannot be read',
  ],
])('%s is refused with the option named', async (_, files, message) => {
  await write(folder, await issue());
  const named = Object.fromEntries(
    Object.entries(files).map(([key, value]) => [key, value === 'KEY' ? filesIn(folder).keyFile : value]),
  );

  await expect(Reflect.apply(openCertificates, undefined, [named, []])).rejects.toMatchObject({
    name: 'SecureListenError',
    code: 'TLS_FILE',
    message: expect.stringContaining(message),
  });
});

@Controller()
class SiteController {
  @Get()
  site(): string {
    return 'ok';
  }
}

@Module({
  imports: [SecureModule.forRoot({ hosts: ['example.com'], hsts: false, redirect: { host: 'example.com' } })],
  controllers: [SiteController],
})
class SiteModule {}

const adapters: [string, () => AbstractHttpAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

describe.each(adapters)('listenSecurely on %s', (_, adapter) => {
  const { NODE_ENV } = process.env;
  let app: INestApplication;

  beforeEach(async () => {
    process.env['NODE_ENV'] = 'production';
    app = await NestFactory.create(SiteModule, adapter(), { logger: false });
  });

  afterEach(async () => {
    process.env['NODE_ENV'] = NODE_ENV;
    await app.close();
  });

  const findings = (): string[] =>
    app
      .get(SecureAudit)
      .findings()
      .map(({ id }) => id)
      .filter((id) => id.startsWith('SEC5'));

  it('reports at boot what is wrong with its certificate in production', async () => {
    await write(folder, await issue(['other.example']));
    const tls = { ...filesIn(folder), minVersion: 'TLSv1' as const };

    await listenSecurely(app, { http: 0, https: 0, tls });

    expect(findings()).toEqual(['SEC501', 'SEC502', 'SEC504']);
  });

  it('serves files, and says nothing of a good chain', async () => {
    const { key, cert } = await issue();
    await write(folder, { key, cert: cert + ca.cert });

    const { https } = await listenSecurely(app, { http: 0, https: 0, tls: filesIn(folder) });

    expect(await presented(https.server)).toBe(serialOf({ key, cert }));
    expect(findings()).toEqual([]);
  });
});
