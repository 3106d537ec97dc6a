import { jest } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { probe, type Finding, type ProbeReport, type SecureOptions } from 'nestjs-secure';
import { AppModule } from '../../sample-app/src/app.module.js';
import { adapters, type NewAdapter } from './applications.js';
import type { Deployment } from './deployments.js';
import { fronts, type FrontName } from './fronts.js';
import { mistakes } from './mistakes.js';
import { connectToFront, SHOP, startFront } from './probed-shop.js';
import { SECRET } from './sessions.js';
import { shopServers } from './shop-servers.js';
import { SiteCertificates } from './site-certificates.js';

/** The sample application with options, on a port of its own. */
async function startSample(newAdapter: NewAdapter, { hosts = [SHOP], ...options }: SecureOptions, folder: string) {
  const front = { proxies: { trust: ['loopback'] }, hsts: { maxAge: 31_536_000 }, ...options };
  const names = hosts.filter((host) => typeof host === 'string');
  const sessions = { sessionSecret: SECRET, sessionStore: undefined, sessionFolder: mkdtempSync(join(folder, 'app-')) };
  const app = await NestFactory.create(AppModule.with({ hosts: names, front, ...sessions }), newAdapter(), {
    logger: false,
    abortOnError: false,
  });
  await app.listen(0, '127.0.0.1');
  return app;
}

/** Each mistake in this server, in front of the sample application: found, named, and gone once its fix is followed. */
export function describeMistakes(name: FrontName): void {
  jest.setTimeout(120_000);

  const { server, right } = shopServers[name];
  let certificates: SiteCertificates;
  let folder: string;
  /** Options and adapters are few, and so are deployments that are right: each is started, or asked, once. */
  const applications = new Map<string, Promise<INestApplication>>();
  const reports = new Map<string, Promise<ProbeReport>>();

  beforeAll(async () => {
    certificates = await SiteCertificates.create(SHOP);
    folder = mkdtempSync(join(tmpdir(), 'probed-sample-'));
  });

  afterAll(async () => {
    for (const app of applications.values()) await (await app).close();
    rmSync(folder, { recursive: true });
  });

  function once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
    const found = known.get(key) ?? make();
    known.set(key, found);
    return found;
  }

  async function ask(deployment: Deployment, adapter: number): Promise<ProbeReport> {
    const { http, https, strips, httpAnswers, options = {}, certificate, url = `https://${SHOP}` } = deployment;
    const [, newAdapter] = adapters[adapter % adapters.length] ?? [];
    if (newAdapter === undefined) throw new Error('There is no adapter.');
    const key = JSON.stringify([adapter % adapters.length, Object.entries(options).map(([k, v]) => [k, v ?? null])]);
    const app = await once(applications, key, () => startSample(newAdapter, options, folder));
    const upstream = Number(new URL(await app.getUrl()).port);
    const front = { http: http ?? right.http, https: https ?? right.https, strips, httpAnswers };
    const presented = await (certificate ?? ((made) => made.valid()))(certificates);
    const proxy = await startFront(server, front, upstream, presented);
    try {
      return await probe(app, url, { rate: 10_000, connectTo: connectToFront(proxy), ca: certificates.ca });
    } finally {
      await proxy.stop();
    }
  }

  async function findingsOf(deployment: Deployment, adapter: number): Promise<readonly Finding[]> {
    const { certificate, ...plain } = deployment;
    if (certificate !== undefined) return (await ask(deployment, adapter)).findings;
    const { options = {} } = plain;
    const key = JSON.stringify([adapter % 2, plain, Object.keys(options)]);
    return (await once(reports, key, () => ask(deployment, adapter))).findings;
  }

  it.each(adapters.map(([platform], at) => [platform, at] as const))(
    `${name} set by its recipe, in front of the sample application on %s: nothing is wrong`,
    async (_platform, at) => {
      const report = await ask({}, at);
      expect(report.findings).toEqual([]);
      expect(report.unanswered).toEqual([]);
      expect(report.server).toBe(name === 'HAProxy' ? undefined : name);
    },
  );

  const front = fronts[name];
  const rows = mistakes.flatMap((mistake, at) => {
    const wrong = mistake.wrong(front);
    return wrong === undefined ? [] : [[mistake.what, { ...mistake, wrong }, at] as const];
  });

  it.each(rows)(`${name}, %s`, async (_what, { wrong, ids, fix, fixed = () => ({}) }, at) => {
    const adapter = at + Object.keys(fronts).indexOf(name);
    const found = await findingsOf(wrong, adapter);
    expect([...new Set(found.map(({ id }) => id))].toSorted()).toEqual(ids.toSorted());
    const fixes = found.map((one) => one.fix).join('\n');
    for (const words of typeof fix === 'function' ? fix(name) : fix) expect(fixes).toContain(words);

    expect(await findingsOf(fixed(front), adapter)).toEqual([]);
  });
}
