import type { ProxyHeader } from '../../lib/options/secure-options.js';
import { compileTransport } from '../../lib/transport/transport.js';
import type { HeaderLines } from '../support/connection.js';
import { connect } from '../support/connection.js';

const trust = 'loopback';
const cloudFront: ProxyHeader = { name: 'CloudFront-Forwarded-Proto', value: 'https' };
const visitor: ProxyHeader = { name: 'CF-Visitor', value: '{"scheme":"https"}' };
const several: ProxyHeader = { name: 'X-Scheme', value: [' https ', 'WSS'] };

describe('a header with a value', () => {
  it.each<[ProxyHeader, string, boolean]>([
    [cloudFront, 'https', true],
    [cloudFront, 'HTTPS', true],
    [cloudFront, ' https\t', true],
    [cloudFront, 'http', false],
    [cloudFront, 'wss', false],
    [cloudFront, 'https, https', false],
    [cloudFront, 'https,', false],
    [cloudFront, 'xhttps', false],
    [visitor, '{"scheme":"https"}', true],
    [visitor, '{"scheme":"http"}', false],
    [several, 'https', true],
    [several, 'wss', true],
    [several, 'http', false],
  ])('%j with %s: %s', ({ name, value }, text, secure) => {
    const transport = compileTransport({ trust, header: { name, value } });
    for (const encrypted of [true, false]) {
      const connection = connect({ [name]: text }, { encrypted });
      expect(transport.read(connection)).toMatchObject({ secure, via: name.toLowerCase() });
      expect(transport.isSecure(connection)).toBe(secure);
    }
  });

  it.each<[HeaderLines]>([[{}], [{ 'CloudFront-Forwarded-Proto': '' }], [{ 'X-Forwarded-Proto': 'https' }]])(
    'nothing is https with %j',
    (lines) => {
      const transport = compileTransport({ trust, header: cloudFront });
      expect(transport.read(connect(lines))).toMatchObject({ secure: false, via: 'socket' });
      expect(transport.read(connect(lines, { encrypted: true }))).toMatchObject({ secure: false, silent: true });
    },
  );
});

describe('a header without a value: its presence says https', () => {
  const transport = compileTransport({ trust, header: { name: 'X-ARR-SSL' } });

  it.each<[HeaderLines, boolean]>([
    [{ 'X-ARR-SSL': '2048|128|DC=com, DC=microsoft' }, true],
    [{ 'X-ARR-SSL': '0' }, true],
    [{ 'X-ARR-SSL': '' }, false],
    [{ 'X-ARR-SSL': ' ' }, false],
    [{}, false],
    [{ 'X-Forwarded-Proto': 'https' }, false],
  ])('%j: %s, whatever the socket', (lines, secure) => {
    for (const encrypted of [true, false]) {
      const connection = connect(lines, { encrypted });
      expect(transport.read(connection)).toMatchObject({ secure, via: 'x-arr-ssl' });
      expect(transport.isSecure(connection)).toBe(secure);
    }
  });

  it.each([true, false])('from an undeclared peer leaves it to the socket: encrypted %s', (encrypted) => {
    const either: HeaderLines[] = [{}, { 'X-ARR-SSL': 'yes' }];
    for (const lines of either) {
      const connection = connect(lines, { encrypted, peer: '192.0.2.1' });
      expect(transport.read(connection)).toMatchObject({ secure: encrypted, via: 'socket' });
    }
  });
});

it.each<[ProxyHeader | 'x-forwarded', boolean, true | undefined]>([
  [{ name: 'X-Own', value: 'https' }, true, undefined],
  [{ name: 'X-Own', value: 'https' }, false, undefined],
  ['x-forwarded', true, true],
  ['x-forwarded', false, undefined],
])('another word in %j, encrypted %s, is silence: %s', (header, encrypted, silent) => {
  const transport = compileTransport({ trust, header });
  const told = transport.read(connect({ 'X-Own': 'other', 'X-Forwarded-Proto': 'other' }, { encrypted }));
  expect([told.secure, told.silent]).toEqual([false, silent]);
});

describe('the host beside a header of its own', () => {
  it('true is X-Forwarded-Host', () => {
    const transport = compileTransport({ trust, header: cloudFront, host: true });
    expect(transport.read(connect({ Host: 'a.example', 'X-Forwarded-Host': 'b.example' })).host).toBe('b.example');
  });
});

describe('a header that cannot be compiled', () => {
  it.each([
    [
      '"X-Forwarded-Proto"',
      /^proxies.header: 'X-Forwarded-Proto' is not known. Accepted: 'x-forwarded', 'forwarded' or/,
    ],
    ['7', /^proxies.header: '7' is not known/],
    ['{}', /^proxies.header.name: 'undefined' is not the name of a header/],
    ['{"name": ""}', /^proxies.header.name: '' is not the name of a header/],
    ['{"name": "X Proto"}', /^proxies.header.name: 'X Proto' is not the name of a header/],
    ['{"name": "X", "value": ""}', /^proxies.header.value: '' says nothing. Accepted: the value, or the values/],
    ['{"name": "X", "value": " "}', /^proxies.header.value: ' ' says nothing/],
    ['{"name": "X", "value": ["https", ""]}', /^proxies.header.value: '' says nothing/],
    ['{"name": "X", "value": true}', /^proxies.header.value: 'true' says nothing/],
    ['{"name": "X", "value": []}', /^proxies.header.value: the list is empty. Accepted/],
  ])('%s is an error that names it', (json, message) => {
    const header = JSON.parse(json);
    expect(() => compileTransport({ trust, header })).toThrow(RangeError);
    expect(() => compileTransport({ trust, header })).toThrow(message);
  });
});
