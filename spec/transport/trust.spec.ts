import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { compileTrust, overlaps } from '../../lib/transport/trust.js';
import { connect } from '../support/connection.js';

describe('the direct peer', () => {
  it.each<[ProxyOptions['trust'], string | undefined, boolean]>([
    ['loopback', '127.0.0.1', true],
    ['loopback', '127.9.9.9', true],
    ['loopback', '::1', true],
    ['loopback', '::ffff:127.0.0.1', true],
    ['loopback', '10.0.0.1', false],
    ['linklocal', '169.254.1.1', true],
    ['linklocal', 'fe80::1', true],
    // As Node writes the address of a peer on a link.
    ['linklocal', 'fe80::1%eth0', true],
    ['fe80::1', 'fe80::1%eth0', true],
    ['fe80::2', 'fe80::1%eth0', false],
    ['uniquelocal', '10.1.2.3', true],
    ['uniquelocal', 'fd00::1', true],
    ['uniquelocal', '11.0.0.1', false],
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '::ffff:10.0.0.1', true],
    ['10.0.0.0/255.0.0.0', '10.1.1.1', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.1.2.3/8', '10.255.0.1', true],
    ['::ffff:10.0.0.0/104', '10.255.0.1', true],
    ['::ffff:10.0.0.0/104', '11.0.0.1', false],
    ['::ffff:10.0.0.7', '10.0.0.7', true],
    ['0.0.0.0/1', '10.0.0.1', true],
    ['0.0.0.0/1', '192.0.2.1', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['2001:db8::/32', '2001:db8::7', true],
    ['2001:db8::/32', '2001:db9::7', false],
    ['loopback, 10.0.0.0/8', '10.0.0.1', true],
    [['loopback', '10.0.0.0/8'], '127.0.0.1', true],
    [['loopback', '10.0.0.0/8'], '192.0.2.1', false],
    ['unix', 'unix', true],
    [['loopback', 'unix'], 'unix', true],
    ['loopback', 'unix', false],
    ['unix', '127.0.0.1', false],
    [[], '127.0.0.1', false],
    ['loopback', 'not an address', false],
    ['loopback', '', false],
    ['loopback', undefined, false],
    ['unix', undefined, false],
    [1, '203.0.113.9', true],
    [1, 'unix', true],
    [2, '203.0.113.9', true],
    [0, '127.0.0.1', false],
    [1, undefined, false],
  ])('trust %j, peer %s: %s', (trust, peer, trusted) => {
    const transport = compileTransport({ trust });
    const connection = connect({ 'X-Forwarded-Proto': 'https' }, { peer });
    expect(transport.isSecure(connection)).toBe(trusted);
    expect(transport.isSecure(connection)).toBe(trusted);
  });

  it('is judged alike after more peers than are remembered', () => {
    const trust = compileTrust(['10.0.0.0/16', 'unix']);
    const peers = Array.from({ length: 2500 }, (_, at) => `10.${at % 2}.${at >> 8}.${at & 255}`);
    const expected = peers.map((peer) => peer.startsWith('10.0.'));
    expect(peers.map((peer) => trust(peer, 0))).toEqual(expected);
    expect(peers.map((peer) => trust(peer, 0))).toEqual(expected);
    expect(trust('unix', 0)).toBe(true);
  });
});

describe('a hop behind the direct peer', () => {
  const trust = compileTrust(['10.0.0.0/8', '2001:db8::/32', 'unix']);

  it.each<[string | undefined, boolean]>([
    ['10.0.0.1', true],
    ['10.0.0.1:4711', true],
    ['10.0.0.1:_obfuscated', true],
    ['2001:db8::1', true],
    ['[2001:db8::1]', true],
    ['[2001:db8::1]:4711', true],
    ['::ffff:10.0.0.1', true],
    ['11.0.0.1', false],
    ['[2001:db9::1]:4711', false],
    ['unknown', false],
    ['_hidden', false],
    ['unix', false],
    ['10.1', false],
    ['0x0a.0.0.1', false],
    ['', false],
    [undefined, false],
  ])('%s: %s', (node, trusted) => {
    expect(trust(node, 1)).toBe(trusted);
  });

  it('counts as far as the number of hops reaches, named or not', () => {
    const hops = compileTrust(2);
    expect([hops('unknown', 1), hops(undefined, 1), hops('10.0.0.1', 2)]).toEqual([true, true, false]);
  });
});

describe('a trust that cannot be compiled', () => {
  it.each<[string, string | string[] | number, RegExp]>([
    ['no address', 'localhost', /^proxies.trust: 'localhost' is not an address. Accepted: an IP address, a CIDR range/],
    ['a bad address in a list', ['loopback', '10.0.0.256'], /'10.0.0.256' is not an address/],
    ['a bad range', '10.0.0.0/33', /'10.0.0.0\/33' is not a range/],
    ['a range that is no number', '10.0.0.0/eight', /is not a range/],
    ['everybody', '0.0.0.0/0', /'0.0.0.0\/0' is not a range/],
    // proxy-addr before 2.0.8 believed everybody (CVE-2026-90711), and since then nobody.
    ['a mapped range by the length of IPv4', '::ffff:10.0.0.0/8', /10\.0\.0\.0 itself.*'::ffff:10\.0\.0\.0\/104'/],
    ['a mapped range that is a bit too wide', '::ffff:0:0/95', /is not a range/],
    ['everybody with an IPv4 address', '::ffff:0:0/96', /covers every IPv4 address/],
    ['a predefined range in another case', 'Loopback', /'Loopback' is not an address/],
    ['a number of hops as a string', '1', /'1' is not an address.*or a number of hops/],
    ['a short address', '10.1', /'10.1' is not an address/],
    ['the empty string', '', /'' is not an address/],
    ['an empty member', 'loopback,', /'' is not an address/],
    ['a negative number of hops', -1, /^proxies.trust: -1 is not a number of hops. Accepted: 0, 1, 2/],
    ['half a hop', 1.5, /1.5 is not a number of hops/],
    ['not a number', Number.NaN, /NaN is not a number of hops/],
    ['everybody as hops', Number.POSITIVE_INFINITY, /Infinity is not a number of hops/],
  ])('%s is an error that names it', (_what, trust, message) => {
    expect(() => compileTransport({ trust })).toThrow(RangeError);
    expect(() => compileTransport({ trust })).toThrow(message);
  });

  it.each([
    ['{"trust": true}', /^proxies.trust: true is not a string. Accepted:/],
    ['{"trust": ["loopback", null]}', /null is not a string/],
    ['{}', /undefined is not a string/],
  ])('%s is an error of type', (json, message) => {
    const proxies = JSON.parse(json);
    expect(() => compileTransport(proxies)).toThrow(TypeError);
    expect(() => compileTransport(proxies)).toThrow(message);
  });
});

describe('an address or range, and a trust', () => {
  it.each<[string, ProxyOptions['trust']]>([
    ['10.0.0.7', '10.0.0.0/8'],
    ['10.0.0.255/32', '10.0.0.0/8'],
    ['10.0.0.0/8', '10.0.0.7'],
    ['10.0.0.0/8', ['192.0.2.1', '10.1.0.0/16']],
    ['10.0.0.0/8', '192.0.2.1, 10.1.0.0/16'],
    ['10.1.2.3/8', '10.0.0.0/255.0.0.0'],
    ['::ffff:10.0.0.0/104', '10.0.0.7'],
    ['10.0.0.7', '::ffff:10.0.0.0/104'],
    ['uniquelocal', '192.168.0.0/24'],
    ['uniquelocal', '8.0.0.0/5'],
    ['8.0.0.0/5', 'uniquelocal'],
    ['172.0.0.0/8', 'uniquelocal'],
    ['192.0.0.0/8', 'uniquelocal'],
    ['f000::/4', 'uniquelocal'],
    ['126.0.0.0/7', 'loopback'],
    ['::/96', 'loopback'],
    ['168.0.0.0/6', 'linklocal'],
    ['f000::/4', 'linklocal'],
    ['192.168.0.0/24', 'uniquelocal'],
    ['172.16.0.0/12', 'uniquelocal'],
    ['fc00::/7', 'uniquelocal'],
    ['loopback', '127.0.0.53'],
    ['::1', 'loopback'],
    ['linklocal', 'fe80::/64'],
    ['2001:db8::/32', '2001:db8:1::/48'],
    ['unix', ['loopback', 'unix']],
    ['10.0.0.7', 1],
  ])('%s and %j have an address in common', (entry, trust) => {
    expect(overlaps(entry, trust)).toBe(true);
  });

  it.each<[string, ProxyOptions['trust']]>([
    ['11.0.0.7', '10.0.0.0/8'],
    ['10.0.0.0/16', ['10.1.0.0/16', '192.0.2.1']],
    ['uniquelocal', ['loopback', 'linklocal', '192.0.2.1']],
    ['unix', 'loopback'],
    ['2001:db8::/32', '2001:db9::/32'],
    ['10.0.0.7', []],
    ['10.0.0.7', 0],
  ])('%s and %j have none', (entry, trust) => {
    expect(overlaps(entry, trust)).toBe(false);
  });
});
