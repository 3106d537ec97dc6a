import * as fc from 'fast-check';
import { PROPERTY_RUNS } from '../support/everything.js';
import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { connect, type HeaderLines } from '../support/connection.js';

const trust = ['127.0.0.1', '10.0.0.0/8', 'unix'];
const tls = { encrypted: true };

/** Each way to declare the header, and the statement of https in it. */
const statements: [ProxyOptions['header'], HeaderLines][] = [
  ['x-forwarded', { 'X-Forwarded-Proto': 'https' }],
  ['forwarded', { Forwarded: 'proto=https' }],
  [{ name: 'CloudFront-Forwarded-Proto', value: 'https' }, { 'CloudFront-Forwarded-Proto': 'https' }],
  [{ name: 'X-ARR-SSL' }, { 'X-ARR-SSL': 'yes' }],
];

describe.each(statements)('a declared proxy that talks TLS, with %j', (header, says) => {
  it('is believed in what it states', () => {
    expect(compileTransport({ trust, header }).read(connect(says, tls))).toMatchObject({ secure: true });
  });

  it('is not https where it states nothing', () => {
    const told = compileTransport({ trust, header }).read(connect({}, tls));
    expect(told).toMatchObject({ secure: false, scheme: 'http', silent: true });
  });

  it.each<[ProxyOptions['direct'], string, boolean]>([
    [true, '127.0.0.1', true],
    [false, '127.0.0.1', false],
    ['loopback', '127.0.0.1', true],
    ['loopback', '10.0.0.9', false],
    [['10.0.0.9'], '10.0.0.9', true],
    ['10.0.0.9, unix', 'unix', true],
  ])('direct %j from %s: secure %s', (direct, peer, secure) => {
    const transport = compileTransport({ trust, header, direct });
    expect(transport.isSecure(connect({ Host: 'example.com' }, { ...tls, peer }))).toBe(secure);
    expect(transport.isSecure(connect({ Host: 'example.com' }, { peer }))).toBe(false);
  });

  it.each([
    ['Forwarded', 'for=192.0.2.1'],
    ['X-Forwarded-For', '192.0.2.1'],
    ['X-Forwarded-Whatever', ''],
    ['Via', '1.1 proxy'],
    ['X-Real-IP', '192.0.2.1'],
  ])('direct counts for nothing where %s shows a proxy', (name, value) => {
    const transport = compileTransport({ trust, header, direct: true });
    expect(transport.read(connect({ [name]: value }, tls))).toMatchObject({ secure: false, silent: true });
  });

  it('the test kit counts as direct, and a statement still decides', () => {
    for (const direct of [undefined, false, '10.0.0.9'] as const) {
      const transport = compileTransport({ trust, header, direct });
      expect(transport.isSecure(connect({}, { ...tls, direct: true }))).toBe(true);
      expect(transport.isSecure(connect({ Via: '1.1 proxy' }, { ...tls, direct: true }))).toBe(false);
    }
  });
});

it('the socket decides for a peer that is not declared', () => {
  const told = compileTransport({ trust }).read(connect({}, { ...tls, peer: '192.0.2.1' }));
  expect(told).toMatchObject({ secure: true, via: 'socket', silent: undefined });
});

it('no header but the one that is read makes a silent proxy secure', () => {
  const transport = compileTransport({ trust, header: 'x-forwarded', direct: true });
  const name = fc.constantFrom('Forwarded', 'X-Forwarded-Ssl', 'X-Forwarded-For', 'Via', 'X-Scheme', 'X-Real-IP');
  const lines = fc.dictionary(name, fc.constantFrom('https', 'on', 'proto=https', '', '127.0.0.1'), { minKeys: 1 });
  fc.assert(
    fc.property(lines, (given) => {
      const told = transport.read(connect(given, tls));
      // X-Scheme is no trace: such a request may be a client's own.
      return !told.secure || Object.keys(given).every((one) => one === 'X-Scheme');
    }),
    PROPERTY_RUNS,
  );
});

describe('proxies.direct that cannot be compiled', () => {
  it.each([
    ['10.0.0', /^proxies.direct: '10.0.0' is not an address/],
    ['::ffff:0:0/96', /^proxies.direct: '::ffff:0:0\/96' covers every IPv4 address/],
    ['', /^proxies.direct: '' is not an address/],
  ])('%s', (direct, message) => {
    expect(() => compileTransport({ trust, direct })).toThrow(message);
  });
});
