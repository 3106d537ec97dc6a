import { jest } from '@jest/globals';
import { adapters } from '../support/applications.js';
import { wrongDeployments, type Deployment } from '../support/deployments.js';
import { deployShop, SHOP, shopRan, type DeployedShop } from '../support/probed-shop.js';
import { shopServers } from '../support/shop-servers.js';
import { SiteCertificates } from '../support/site-certificates.js';

jest.setTimeout(120_000);

let certificates: SiteCertificates;
const running: DeployedShop[] = [];

beforeAll(async () => {
  certificates = await SiteCertificates.create(SHOP);
});

afterEach(async () => {
  for (const shop of running.splice(0)) await shop.stop();
});

describe.each(Object.entries(shopServers))('behind %s set by its recipe', (name, { server, right }) => {
  it.each(adapters)('nothing is wrong, on %s', async (_platform, newAdapter) => {
    const shop = await deployShop(newAdapter, {
      server,
      front: right,
      options: {},
      certificate: await certificates.valid(),
      ca: certificates.ca,
    });
    running.push(shop);

    const report = await shop.probe();
    expect(report.findings).toEqual([]);
    expect(report.unanswered).toEqual([]);
    expect(report.server).toBe(name === 'HAProxy' ? undefined : name);
    expect(shopRan).not.toContain('signOut');
    expect(shopRan).not.toContain('changeAccount');
  });
});

async function deploy(name: keyof typeof shopServers, deployment: Deployment, adapter: number): Promise<DeployedShop> {
  const { http, https, strips, httpAnswers, options = {}, certificate, door, url } = deployment;
  const { server, right } = shopServers[name];
  const [, newAdapter] = adapters[adapter % adapters.length] ?? [];
  if (newAdapter === undefined) throw new Error('There is no adapter.');
  const shop = await deployShop(newAdapter, {
    server,
    front: { http: http ?? right.http, https: https ?? right.https, strips, httpAnswers },
    options,
    certificate: await (certificate ?? ((made) => made.valid()))(certificates),
    ca: certificates.ca,
    door,
    url,
  });
  running.push(shop);
  return shop;
}

describe('a mistake is found and named, and its fix followed to the letter ends it', () => {
  const rows = wrongDeployments.map((row, index) => [`${row.what} (${row.server})`, row, index] as const);

  it.each(rows)('%s', async (_what, row, index) => {
    const wrong = await (await deploy(row.server, row, index)).probe();
    expect([...new Set(wrong.findings.map(({ id }) => id))].toSorted()).toEqual(row.ids.toSorted());
    const fixes = wrong.findings.map(({ fix }) => fix).join('\n');
    for (const words of row.fix) expect(fixes).toContain(words);
    expect(shopRan).not.toContain('signOut');
    expect(shopRan).not.toContain('changeAccount');

    const { findings } = await (await deploy(row.server, row.fixed, index)).probe();
    expect(findings).toEqual([]);
  });
});
