import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileNormaliseHeaders, formatHost, forwardedAddresses } from '../../lib/transport/normalise-headers.js';
import { rememberTransport } from '../../lib/transport/remember-transport.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { connect, type HeaderLines } from '../support/connection.js';

const trust = ['127.0.0.1', '10.0.0.0/8'];

/** The headers after it, and whether the original ones were kept. */
function normalise(lines: HeaderLines, proxies: ProxyOptions, peer = '127.0.0.1'): [object, boolean] {
  const connection = connect(lines, { peer });
  const before = { ...connection.headers };
  const transport = compileTransport(proxies).read(connection);
  let kept: object | undefined;
  compileNormaliseHeaders(proxies)(connection, transport, () => (kept = { ...connection.headers }));
  if (kept !== undefined) expect(kept).toStrictEqual(before);
  return [connection.headers, kept !== undefined];
}

describe('the headers of a declared proxy', () => {
  it('have the one scheme, the believed addresses, and no host where none is believed', () => {
    const lines = {
      Host: 'inner.example',
      'X-Forwarded-Proto': 'http, https, https',
      'X-Forwarded-For': '6.6.6.6, 203.0.113.7, 10.0.0.1',
      'X-Forwarded-Host': 'public.example',
    };
    for (const host of [undefined, false] as const) {
      expect(normalise(lines, { trust, host })).toStrictEqual([
        { host: 'inner.example', 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7, 10.0.0.1' },
        true,
      ]);
    }
  });

  it('have no addresses where the proxy is on a unix socket and names none', () => {
    const lines = { Host: 'inner.example', 'X-Forwarded-Proto': 'https' };
    expect(normalise(lines, { trust: ['unix'] }, 'unix')).toStrictEqual([
      { host: 'inner.example', 'x-forwarded-proto': 'https' },
      false,
    ]);
  });

  it.each([
    ['Public.Example', 'public.example', true],
    ['public.example:8443', 'public.example:8443', false],
    ['not a host', 'inner.example', true],
  ])('have the one host that is believed: %s', (sent, believed, changed) => {
    const lines = { Host: 'inner.example', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': sent };
    expect(normalise(lines, { trust, host: true })).toStrictEqual([
      { host: 'inner.example', 'x-forwarded-proto': 'https', 'x-forwarded-host': believed },
      changed,
    ]);
  });

  it('are without a host where there is none to believe in', () => {
    expect(normalise({ 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': ' ' }, { trust, host: true })).toStrictEqual([
      { 'x-forwarded-proto': 'https' },
      true,
    ]);
  });

  it('say the scheme of a header of its own', () => {
    const proxies: ProxyOptions = { trust, header: { name: 'X-Scheme', value: 'https' } };
    expect(normalise({ 'X-Scheme': 'https', 'X-Forwarded-Proto': 'http' }, proxies)).toStrictEqual([
      { 'x-scheme': 'https', 'x-forwarded-proto': 'https' },
      true,
    ]);
  });

  it('keep what else it has written', () => {
    const lines = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Port': '443', 'X-Forwarded-Prefix': '/app' };
    expect(normalise(lines, { trust })).toStrictEqual([
      { 'x-forwarded-proto': 'https', 'x-forwarded-port': '443', 'x-forwarded-prefix': '/app' },
      false,
    ]);
  });

  it('keep it also where another header is changed', () => {
    const lines = { 'X-Forwarded-Proto': 'HTTPS', 'X-Forwarded-Port': '443', Forwarded: 'proto=https' };
    expect(normalise(lines, { trust })).toStrictEqual([
      { 'x-forwarded-proto': 'https', 'x-forwarded-port': '443', forwarded: 'proto=https' },
      true,
    ]);
  });

  it('name no peer of a unix socket', () => {
    const lines = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' };
    expect(normalise(lines, { trust: 'unix' }, 'unix')).toStrictEqual([
      { 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.7' },
      false,
    ]);
  });
});

describe('the headers of a peer that nobody declared', () => {
  it('say nothing that is believed', () => {
    const lines = {
      Host: 'inner.example',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-For': '6.6.6.6',
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Port': '443',
      'X-Forwarded-Prefix': '/evil',
      'X-Forwarded-Ssl': 'on',
      Forwarded: 'proto=https',
      'X-Other': 'kept',
    };
    expect(normalise(lines, { trust, host: true, prefix: true }, '192.0.2.1')).toStrictEqual([
      { host: 'inner.example', 'x-forwarded-proto': 'http', 'x-other': 'kept' },
      true,
    ]);
  });

  it.each<HeaderLines>([
    { 'X-Forwarded-For': '6.6.6.6' },
    { 'X-Forwarded-Host': 'evil.example' },
    { Forwarded: 'for=6.6.6.6' },
    { 'X-Forwarded-Port': '443' },
    { 'X-Forwarded-Prefix': '/evil' },
    { 'X-Forwarded-Ssl': 'on' },
  ])('lose %j, also where the scheme is right', (lines) => {
    expect(normalise({ 'X-Forwarded-Proto': 'http', ...lines }, { trust }, '192.0.2.1')).toStrictEqual([
      { 'x-forwarded-proto': 'http' },
      true,
    ]);
  });

  it('are left alone where they say what is true', () => {
    expect(normalise({ 'X-Forwarded-Proto': 'http' }, { trust }, '192.0.2.1')).toStrictEqual([
      { 'x-forwarded-proto': 'http' },
      false,
    ]);
  });
});

it.each([
  [undefined, undefined, undefined],
  [undefined, 8443, undefined],
  ['example.com', undefined, 'example.com'],
  ['example.com', 8443, 'example.com:8443'],
])('the host %s and the port %s are written as %s', (host, port, text) => {
  expect(formatHost({ host, port })).toBe(text);
});

it('no address is forwarded without proxies', () => {
  expect(forwardedAddresses(compileTransport(undefined).read(connect({ 'X-Forwarded-For': '203.0.113.7' })))).toEqual(
    [],
  );
});

it.each(['read', 'isSecure', 'host', 'prefix'] as const)(
  'a request is what it was when it was first asked, with %s, whatever becomes of its headers',
  (first) => {
    const reader = compileTransport({ trust, host: true, prefix: true });
    const lines = {
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Host': 'public.example',
      'X-Forwarded-Prefix': '/app',
    };
    const connection = connect(lines);
    const { headers } = connection;
    const read = reader.read(connect(lines));
    const remembered = rememberTransport(reader);
    remembered[first](connection);
    for (const name of Object.keys(headers)) delete headers[name];
    expect(remembered.read(connection)).toStrictEqual(read);
    expect(remembered.isSecure(connection)).toBe(true);
    expect(remembered.host(connection)).toBe('public.example');
    expect(remembered.prefix(connection)).toBe('/app');
  },
);
