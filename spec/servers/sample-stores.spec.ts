import { jest } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localCertificate, type Certificate } from '../../sample-app/src/certificate.js';
import { compileSample, SampleProcess } from '../support/sample-process.js';
import { startPostgres, startRedis, type TestServer } from '../support/servers.js';
import { secretsIn } from '../support/session-secrets.js';
import { Visitor, type Answer } from '../support/visitor.js';
import { Wire } from '../support/wire.js';

jest.setTimeout(60_000);

const SECRET = 'xT7nC3vL9bR2qW5zK8mH1gF6dS4jP0yA';
const ADA = { name: 'Ada Marlowe', password: 'lamplight' };
const STORES: [name: string, start: () => Promise<TestServer>][] = [
  ['Redis', startRedis],
  ['Postgres', startPostgres],
];

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sample-stores-'));
  certificate = await localCertificate(folder);
  compileSample(folder);
});

afterAll(() => rm(folder, { recursive: true }));

describe.each(STORES)('two processes of the sample application on one %s', (_name, startServer) => {
  let server: TestServer;
  /** Lies between the processes and the store. */
  let wire: Wire;
  /** On Express. */
  let one: SampleProcess;
  /** On Fastify. */
  let other: SampleProcess;
  const given = new Set<string>();

  beforeAll(async () => {
    server = await startServer();
    const url = new URL(server.url);
    wire = await Wire.to(Number(url.port));
    url.port = String(wire.port);
    // With every log line there is.
    const env = { CERT_DIR: folder, SESSION_SECRET: SECRET, SESSION_STORE: url.href, DEBUG: '*' };
    one = await SampleProcess.start(folder, { ...env, ADAPTER: 'express' });
    other = await SampleProcess.start(folder, { ...env, ADAPTER: 'fastify' });
  });

  afterAll(async () => {
    await one.stop();
    await other.stop();
    await wire.close();
    await server.stop();
  });

  async function signedIn(at: SampleProcess): Promise<Visitor> {
    const visitor = new Visitor(certificate.cert);
    await visitor.ask(`${at.https}/accounts/login`, { form: ADA });
    for (const { value } of visitor.jar.cookies()) given.add(value);
    return visitor;
  }

  const profile = (visitor: Visitor, at: SampleProcess): Promise<Answer> => visitor.ask(`${at.https}/accounts/profile`);
  const isSignedIn = async (visitor: Visitor, at: SampleProcess): Promise<boolean> =>
    (await profile(visitor, at)).body.includes('You are signed in as Ada Marlowe.');

  it('who signs in at one is signed in at the other, and signed out at both who signs out there', async () => {
    const ada = await signedIn(one);
    expect([await isSignedIn(ada, one), await isSignedIn(ada, other)]).toEqual([true, true]);
    const cookie = ada.jar.header(one.https);

    await ada.ask(`${other.https}/accounts/logout`, { method: 'POST' });

    const kept = new Visitor(certificate.cert);
    kept.jar.store(one.https, `${cookie}; Path=/; Secure`);
    expect([await isSignedIn(kept, one), await isSignedIn(kept, other)]).toEqual([false, false]);
  });

  it('one lists the sessions of the other, and ends them', async () => {
    const [here, elsewhere] = [await signedIn(one), await signedIn(other)];
    const { body } = await here.ask(`${one.https}/accounts/sessions`);
    const ids = [...body.matchAll(/name="session" value="([^"]*)"/g)].map(([, id]) => id ?? '');
    expect(ids).toHaveLength(1);

    await here.ask(`${one.https}/accounts/sessions/revoke`, { form: { session: ids[0] ?? '' } });

    expect([await isSignedIn(here, other), await isSignedIn(elsewhere, other)]).toEqual([true, false]);
  });

  it.each([
    ['Express', () => one],
    ['Fastify', () => other],
  ])('a store that stops in the middle of a request is a 503 on %s, and it comes back', async (_adapter, process) => {
    const at = process();
    const ada = await signedIn(at);
    const cookies = ada.jar.cookies();
    const question = wire.questionWithoutAnswer();
    const asked = profile(ada, at);
    await question;
    await server.halt();

    for (const answer of [await asked, await profile(ada, at)]) {
      expect(answer.status).toBe(503);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json\b/);
      expect(answer.headers['cache-control']).toBe('no-store');
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect(JSON.parse(answer.body)).toMatchObject({ status: 503, reason: 'session-store-unavailable' });
    }
    expect(ada.jar.cookies()).toEqual(cookies);
    const stranger = new Visitor(certificate.cert);
    const login = await stranger.ask(`${at.https}/accounts/login`, { form: ADA });
    expect(login.status).toBe(503);
    expect(stranger.jar.cookies()).toEqual([]);
    expect((await stranger.ask(`${at.https}/`)).status).toBe(200);
    expect(at.output).toContain('SEC220');

    wire.mend();
    await server.start();
    let answer = await profile(ada, at);
    while (answer.status === 503) answer = await profile(ada, at);
    expect(answer.body).toContain('You are signed in as Ada Marlowe.');
  });

  it('their logs hold no cookie, no session id and not the secret', () => {
    expect(given.size).toBeGreaterThan(0);
    for (const { output } of [one, other]) {
      expect(output).toContain('The Lamplight Society');
      const secrets = [SECRET, ...[...given].flatMap(secretsIn)];
      expect(secrets.filter((secret) => output.includes(secret))).toEqual([]);
    }
  });
});
