import { compileTransport } from '../../lib/transport/transport.js';
import { connect } from '../support/connection.js';

const transport = compileTransport(undefined);

const forwarding = {
  Host: 'example.com',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Host': 'evil.example',
  Forwarded: 'for=192.0.2.1;proto=https;host=evil.example',
};

describe('without proxies and without a framework', () => {
  it.each([
    [true, 'https'],
    [false, 'http'],
  ])('the socket decides: encrypted %s is %s', (encrypted, scheme) => {
    const connection = connect({ Host: 'example.com:8080' }, { encrypted });
    expect(transport.read(connection)).toEqual({
      secure: encrypted,
      scheme,
      host: 'example.com',
      port: 8080,
      peer: '127.0.0.1',
      via: 'socket',
      doubts: [],
    });
    expect(transport.isSecure(connection)).toBe(encrypted);
  });

  it('no header is believed', () => {
    expect(transport.read(connect(forwarding))).toMatchObject({ secure: false, host: 'example.com', via: 'socket' });
  });

  it.each(['unix', undefined])('the peer is told as it is: %s', (peer) => {
    expect(transport.read(connect({}, { peer })).peer).toBe(peer);
  });
});

describe('without proxies, with a framework', () => {
  it.each([
    [true, false, 'https'],
    [false, true, 'http'],
  ])('its answer holds: secure %s over a socket with encrypted %s', (secure, encrypted, scheme) => {
    const connection = connect(forwarding, { encrypted, framework: { secure, host: 'pub.example:8443' } });
    expect(transport.read(connection)).toMatchObject({
      secure,
      scheme,
      host: 'pub.example',
      port: 8443,
      via: 'framework',
    });
    expect(transport.isSecure(connection)).toBe(secure);
  });

  it('its host is checked like any other', () => {
    const framework = { secure: false, host: 'example.com@evil.example' };
    expect(transport.read(connect({ Host: 'example.com' }, { framework })).host).toBeUndefined();
  });

  it('the Host header stands in where it knows no host', () => {
    const framework = { secure: false, host: undefined };
    expect(transport.read(connect({ Host: 'example.com' }, { framework })).host).toBe('example.com');
  });

  it('a doubled Host leaves no host, whatever it says', () => {
    const framework = { secure: false, host: 'example.com' };
    const connection = connect({ Host: ['example.com', 'evil.example'] }, { framework });
    expect(transport.read(connection)).toMatchObject({ host: undefined, port: undefined });
  });
});

describe('the Host header', () => {
  it.each<[string, Record<string, string | string[]>, string | undefined]>([
    ['present', { Host: 'Example.com' }, 'example.com'],
    ['with whitespace around it', { Host: ' \texample.com\t ' }, 'example.com'],
    ['absent', {}, undefined],
    ['empty', { Host: '' }, undefined],
    ['malformed', { Host: 'a b' }, undefined],
    ['doubled', { Host: ['a.example', 'b.example'] }, undefined],
    ['doubled with one value', { Host: ['a.example', 'a.example'] }, undefined],
    ['doubled in another case', { Host: 'a.example', HOST: 'b.example' }, undefined],
    ['beside a header that ends alike', { Host: 'a.example', 'X-Host': 'b.example' }, 'a.example'],
    ['a value that reads host', { Host: 'host', 'X-Header': 'host' }, 'host'],
    [':authority in its place (RFC 9113 8.3.1)', { ':authority': 'a.example' }, 'a.example'],
    ['the same as :authority', { ':authority': 'a.example:8443', host: 'a.example:8443' }, 'a.example'],
    ['the same but for case', { ':authority': 'a.example', host: 'A.Example' }, 'a.example'],
    ['the same but for the default port', { ':authority': 'a.example:443', host: 'a.example' }, 'a.example'],
    [
      'the same but for the default port of http',
      { ':scheme': 'http', ':authority': 'a.example', host: 'a.example:80' },
      'a.example',
    ],
    ['another than :authority', { ':authority': 'a.example', host: 'b.example' }, undefined],
    ['another port than :authority', { ':authority': 'a.example:8443', host: 'a.example' }, undefined],
    ['malformed beside :authority', { ':authority': 'a.example', host: 'a b' }, undefined],
  ])('%s', (_what, lines, host) => {
    expect(transport.read(connect(lines)).host).toBe(host);
  });
});
