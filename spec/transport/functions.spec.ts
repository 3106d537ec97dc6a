import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { connect, type HeaderLines } from '../support/connection.js';

/** A request of a serverless bridge, or of `inject`. */
const madeUp = { peer: 'function' };
const saysHttps = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '192.0.2.9, 203.0.113.7' };

describe('a request without a real socket', () => {
  it.each<[string, ProxyOptions | undefined]>([
    ['no proxies', undefined],
    ['an address', { trust: '127.0.0.1' }],
    ['every predefined range', { trust: ['loopback', 'linklocal', 'uniquelocal'] }],
    ['a unix socket', { trust: 'unix' }],
    ['a number of hops', { trust: 3 }],
  ])('is not https by %s, and its https is a sign that is not believed', (_what, proxies) => {
    const told = compileTransport(proxies).read(connect(saysHttps, madeUp));
    expect(told).toMatchObject({ secure: false, doubts: [{ grade: 'stated', reason: 'untrusted-peer' }] });
  });

  it('is not https by what its socket says beside other proxies', () => {
    expect(compileTransport({ trust: 'loopback' }).isSecure(connect({}, { ...madeUp, encrypted: true }))).toBe(false);
  });

  it('is not https by what the framework makes of it', () => {
    const framework = { secure: true, host: 'example.com' };
    expect(compileTransport(undefined).read(connect({}, { ...madeUp, framework }))).toMatchObject({
      secure: false,
      host: 'example.com',
    });
  });

  it.each<[HeaderLines]>([[{}], [{ 'X-Forwarded-Proto': 'http' }]])(
    'is over plain HTTP without a doubt with %j',
    (lines) => {
      for (const proxies of [undefined, { trust: 'function' }]) {
        expect(compileTransport(proxies).read(connect(lines, madeUp))).toMatchObject({ secure: false, doubts: [] });
      }
    },
  );

  it("is https by the runtime that is declared as 'function'", () => {
    const told = compileTransport({ trust: ['function'] }).read(connect(saysHttps, madeUp));
    expect(told).toMatchObject({ secure: true, via: 'x-forwarded-proto', addresses: ['203.0.113.7'] });
  });

  it("is nobody's from an address: 'function' trusts no real peer", () => {
    expect(compileTransport({ trust: ['function'] }).isSecure(connect(saysHttps))).toBe(false);
  });

  it('goes on to the proxies before the runtime', () => {
    const transport = compileTransport({ trust: ['function', '203.0.113.0/24'] });
    expect(transport.read(connect(saysHttps, madeUp)).addresses).toEqual(['203.0.113.7', '192.0.2.9']);
  });
});
