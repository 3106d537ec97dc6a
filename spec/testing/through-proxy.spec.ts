import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { SecureOptions } from 'nestjs-secure';
import { asHttps, throughProxy, type ProxiedBy } from 'nestjs-secure/testing';
import request from 'supertest';
import { createSite, platforms, serverOf } from '../support/testing-site.js';

const saysHttps = { 'X-Forwarded-Proto': 'https' };
const declared: SecureOptions = { proxies: { trust: ['10.0.0.0/8', 'unix', '2001:db8::/32'] }, hosts: ['*'] };
const forwarded: SecureOptions = { proxies: { trust: ['10.0.0.0/8'], header: 'forwarded' } };
const loopback: SecureOptions = { proxies: { trust: ['loopback'] } };

describe.each(platforms)('throughProxy on %s', (platform) => {
  it.each<[what: string, options: SecureOptions, proxy: ProxiedBy, status: number]>([
    ['a declared peer that says https', declared, { peer: '10.0.0.3', headers: saysHttps }, 200],
    ['a declared IPv6 peer that says https', declared, { peer: '2001:db8::3', headers: saysHttps }, 200],
    ['a declared unix socket that says https', declared, { peer: 'unix', headers: saysHttps }, 200],
    ['a declared peer that says http', declared, { peer: '10.0.0.3', headers: { 'X-Forwarded-Proto': 'http' } }, 307],
    ['a declared peer that says nothing', declared, { peer: '10.0.0.3' }, 307],
    ['an undeclared peer that says https', declared, { peer: '192.0.2.9', headers: saysHttps }, 421],
    ['the default peer, undeclared, that says https', declared, { headers: saysHttps }, 421],
    ['the default peer, declared, that says https', loopback, { headers: saysHttps }, 200],
    ['any peer that says https where no proxies are declared', {}, { peer: '10.0.0.3', headers: saysHttps }, 421],
    ['a declared peer in Forwarded', forwarded, { peer: '10.0.0.3', headers: { Forwarded: 'proto=https' } }, 200],
  ])('%s: the answer is as over the wire', async (_what, options, proxy, status) => {
    const server = await serverOf(await createSite(platform, { options }));
    const response = await throughProxy(request(server).get('/marked'), proxy);
    expect(response.status).toBe(status);
    const { body } = await throughProxy(request(server).get('/open'), proxy).expect(200);
    expect(body).toMatchObject({ secure: status === 200, protocol: status === 200 ? 'https' : 'http' });
  });

  it('adds up with asHttps, in either order: a trusted statement may lower a TLS connection', async () => {
    const server = await serverOf(await createSite(platform, { options: declared }));
    const silent = { peer: '10.0.0.3' };
    const saysHttp = { peer: '10.0.0.3', headers: { 'X-Forwarded-Proto': 'http' } };
    await throughProxy(asHttps(request(server).get('/marked')), silent).expect(200);
    await asHttps(throughProxy(request(server).get('/marked'), silent)).expect(200);
    await throughProxy(asHttps(request(server).get('/marked')), saysHttp).expect(307);
    await asHttps(throughProxy(request(server).get('/marked'), saysHttp)).expect(307);
  });
});

describe("throughProxy with Fastify's inject", () => {
  it.each([
    ['10.0.0.3', 200],
    ['192.0.2.9', 421],
  ])('from %s', async (peer, status) => {
    const app = (await createSite('Fastify', { options: declared })) as NestFastifyApplication;
    await serverOf(app);
    const options = throughProxy({ method: 'GET', url: '/marked' }, { peer, headers: saysHttps });
    expect((await app.inject(options)).statusCode).toBe(status);
  });

  it('adds up with asHttps, in either order and past a spread', async () => {
    const app = (await createSite('Fastify', { options: declared })) as NestFastifyApplication;
    await serverOf(app);
    const proxy = { peer: '10.0.0.3' };
    const first = { ...asHttps({ method: 'GET', url: '/marked' }), query: { page: '2' } };
    expect((await app.inject(throughProxy(first, proxy))).statusCode).toBe(200);
    const second = { ...throughProxy({ method: 'GET', url: '/marked' }, proxy), query: { page: '2' } };
    expect((await app.inject(asHttps(second))).statusCode).toBe(200);
  });
});

describe('throughProxy', () => {
  it.each([['localhost'], ['10.0.0.0/8'], [''], [null]])('refuses the peer %p, which is not an address', (peer) => {
    const options = { url: '/' };
    expect(() => Reflect.apply(throughProxy, undefined, [options, { peer }])).toThrow(
      `throughProxy: the peer '${peer}' is not an address. Accepted: an IP address, or 'unix'.`,
    );
  });

  it('refuses what takes no headers', () => {
    expect(() => Reflect.apply(throughProxy, undefined, ['/marked', {}])).toThrow('throughProxy was given something');
  });
});
