import { jest } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SecureGuard } from 'nestjs-secure';
import { asHttps, switchOffSecure } from 'nestjs-secure/testing';
import request from 'supertest';
import { createSite, platforms, serverOf, sharedServer, type Seen, type SiteParts } from '../support/testing-site.js';

/** The header that asHttps sets, as somebody would see it who looks over its shoulder. */
function headerOf(mark: typeof asHttps = asHttps): { name: string; value: string } {
  let header = { name: '', value: '' };
  mark({ set: (name: string, value: string) => (header = { name, value }) });
  return header;
}

const letAll: SiteParts['override'] = (builder) =>
  builder.overrideProvider(SecureGuard).useValue({ canActivate: () => true });

function flip(value: string, at: number): string {
  return value.slice(0, at) + (value[at] === '0' ? '1' : '0') + value.slice(at + 1);
}

/** What the kit leaves in the process for all its copies: its secret, and its reader. */
function heldByTheKit(): [symbol, unknown][] {
  return Object.getOwnPropertySymbols(globalThis)
    .filter(({ description }) => description?.startsWith('nestjs-secure:testing'))
    .map((symbol) => [symbol, Reflect.get(globalThis, symbol)]);
}

/** A copy of the kit of its own, as an application has that loads it once as an ES module and once as CommonJS. */
async function anotherCopy(): Promise<typeof import('nestjs-secure/testing')> {
  jest.resetModules();
  return import('nestjs-secure/testing');
}

describe.each(platforms)('asHttps on %s', (platform) => {
  describe.each([
    ['without proxies', {}],
    ['with proxies', { proxies: { trust: ['loopback'] } }],
    ["in mode 'all'", { mode: 'all' as const }],
  ])('%s', (_options, options) => {
    const shared = sharedServer(platform, { options });

    it.each([
      ['get', '/marked', 200],
      ['post', '/marked', 201],
      ['get', '/ruled/page', 200],
      ['get', '/open', 200],
    ] as const)('lets %s %s pass', async (method, path, status) => {
      const response = await asHttps(request(shared())[method](path));
      expect(response.status).toBe(status);
      expect(response.body).toMatchObject({ secure: true, protocol: 'https' });
    });

    it('leaves a request that was not marked over plain HTTP', async () => {
      const server = await serverOf(await createSite(platform, { options: { ...options, mode: 'marked' } }));
      await asHttps(request(server).get('/marked')).expect(200);
      await request(server).get('/marked').expect(307);
      const { body } = await request(server).get('/open').expect(200);
      expect(body).toMatchObject({ secure: false, protocol: 'http' });
    });
  });

  it('keeps what else the request carries, before and after', async () => {
    const server = await serverOf(await createSite(platform));
    const { body } = await asHttps(request(server).get('/marked').set('X-Before', '1')).set('X-After', '2');
    expect(body.headers).toMatchObject({ 'x-before': '1', 'x-after': '2' });
  });

  it('marks every request of an agent', async () => {
    const agent = asHttps(request.agent(await serverOf(await createSite(platform))));
    await agent.get('/marked').expect(200);
    await agent.post('/marked').expect(201);
  });

  it.each<[where: string, path: string, parts: SiteParts]>([
    ['of a marked page', '/marked', {}],
    ['of a page under a path rule', '/ruled/page', {}],
    ['of an open page', '/open', {}],
    ['of an open page, with no path rules', '/open', { options: { paths: [] } }],
    ['with everything switched off', '/marked', { override: switchOffSecure }],
    ['with SecureGuard overridden', '/marked', { override: letAll, options: { paths: [] } }],
  ])('shows nothing of itself to middleware and handler %s', async (_where, path, parts) => {
    const before: string[] = [];
    const look = ({ rawHeaders, headers }: Seen, _response: unknown, next: () => void): void => {
      before.push(...rawHeaders, ...Object.keys(headers));
      next();
    };
    const app = await createSite(platform, { ...parts, main: (nest) => void nest.use(look) });
    const { body } = await asHttps(
      request(await serverOf(app))
        .get(path)
        .set('X-Own', 'mine'),
    ).expect(200);
    expect(body).toMatchObject({ secure: true, protocol: 'https', headers: { 'x-own': 'mine' } });
    expect(body.rawHeaders).toEqual(expect.arrayContaining(['X-Own', 'mine']));
    expect(before).toEqual(expect.arrayContaining(['X-Own', 'mine', 'x-own']));
    const { name, value } = headerOf();
    expect(JSON.stringify([body, before]).toLowerCase()).not.toContain(name);
    expect(JSON.stringify([body, before])).not.toContain(value.slice(0, 64));
  });

  describe('A claims header', () => {
    const { name, value } = headerOf();
    const claims = value.slice(64);
    const shared = sharedServer(platform);

    it('passes when it is the genuine one', async () => {
      await request(shared()).get('/marked').set(name, value).expect(200);
    });

    it.each([
      ['with no secret', claims],
      ['with a secret of zeros', '0'.repeat(64) + claims],
      ['with the first digit of the secret wrong', flip(value, 0)],
      ['with the last digit of the secret wrong', flip(value, 63)],
      ['with a character of two bytes in the secret', `\u00e9${value.slice(1)}`],
      ['with the secret one digit short', value.slice(1)],
      ['with the secret cut off', value.slice(0, 63)],
      ['with the claims cut off', value.slice(0, 64)],
      ['with the claims cut short', value.slice(0, -1)],
      ['with claims that are no object', `${value.slice(0, 64)}true`],
      ['with claims of the wrong type', `${value.slice(0, 64)}{"encrypted":"true"}`],
      ['with a peer that is no address', `${value.slice(0, 64)}{"encrypted":true,"peer":"10.0.0"}`],
      ['when it is sent twice', `${value}, ${value}`],
      ['when it is empty', ''],
    ])('changes nothing %s', async (_how, forged) => {
      await request(shared()).get('/marked').set(name, forged).expect(307);
      await request(shared()).post('/marked').set(name, forged).expect(403);
      const { body } = await request(shared()).get('/open').set(name, forged).expect(200);
      expect(body).toMatchObject({ secure: false, protocol: 'http' });
    });

    it('changes nothing when another process has written it', async () => {
      const ours = heldByTheKit();
      for (const [symbol] of ours) Reflect.deleteProperty(globalThis, symbol);
      const theirs = headerOf((await anotherCopy()).asHttps);
      for (const [symbol, kept] of ours) Reflect.set(globalThis, symbol, kept);

      expect(ours).toHaveLength(2);
      expect(theirs.name).toBe(name);
      expect(theirs.value).not.toBe(value);
      const server = await serverOf(await createSite(platform));
      await request(server).get('/marked').set(theirs.name, theirs.value).expect(307);
    });
  });

  it('works from two copies of the kit in one process', async () => {
    const early = await serverOf(await createSite(platform));
    const reader = heldByTheKit();
    const second = await anotherCopy();
    expect(heldByTheKit()).toEqual(reader);
    const late = await serverOf(await createSite(platform));
    expect(second.asHttps).not.toBe(asHttps);
    for (const server of [early, late]) {
      await asHttps(request(server).get('/marked')).expect(200);
      await second.asHttps(request(server).get('/marked')).expect(200);
      await request(server).get('/marked').expect(307);
    }
  });
});

describe("asHttps with Fastify's inject", () => {
  async function createFastify(): Promise<NestFastifyApplication> {
    const app = (await createSite('Fastify')) as NestFastifyApplication;
    await serverOf(app);
    return app;
  }

  it.each([
    ['GET', '/marked', 200],
    ['POST', '/marked', 201],
    ['GET', '/ruled/page', 200],
    ['GET', '/open', 200],
  ] as const)('lets %s %s pass, and shows nothing of itself', async (method, url, status) => {
    const app = await createFastify();
    const response = await app.inject(asHttps({ method, url, headers: { 'X-Own': 'mine' } }));
    expect(response.statusCode).toBe(status);
    const seen: Seen = response.json();
    expect(seen).toMatchObject({ secure: true, protocol: 'https', headers: { 'x-own': 'mine' } });
    expect(JSON.stringify(seen).toLowerCase()).not.toContain(headerOf().name);
  });

  it('leaves the options it was given, and a request without it, as they are', async () => {
    const app = await createFastify();
    const options = { method: 'GET', url: '/marked', headers: { 'X-Own': 'mine' } } as const;
    await app.inject(asHttps(options));
    expect(options).toEqual({ method: 'GET', url: '/marked', headers: { 'X-Own': 'mine' } });
    expect((await app.inject(options)).statusCode).toBe(307);
  });
});

describe('asHttps', () => {
  it.each([['/marked'], [undefined], [null], [{}], [{ headers: {} }]])(
    'refuses %p, which takes no headers',
    (given) => {
      expect(() => Reflect.apply(asHttps, undefined, [given])).toThrow(
        'asHttps was given something that takes no headers. Accepted: a request of supertest',
      );
    },
  );
});

it('asHttps refuses a supertest that has no method yet, which takes no headers either', () => {
  expect(() => asHttps(request('http://127.0.0.1'))).toThrow("such as request(server).get('/')");
});

describe('The test kit', () => {
  const environment = process.env.NODE_ENV;
  afterEach(() => {
    process.env.NODE_ENV = environment;
  });

  it('cannot be imported with NODE_ENV=production', async () => {
    process.env.NODE_ENV = 'production';
    await expect(anotherCopy()).rejects.toThrow('nestjs-secure/testing was imported with NODE_ENV=production');
  });

  it.each([['test'], ['development']])('can be imported with NODE_ENV=%s', async (value) => {
    process.env.NODE_ENV = value;
    expect(await anotherCopy()).toHaveProperty('asHttps');
  });
});
