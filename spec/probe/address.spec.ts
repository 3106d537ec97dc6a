import { connectAddress, parseConnectTo, parseSiteAddress } from '../../lib/probe/address.js';

describe('the address of a site', () => {
  it.each([
    ['https://www.example.com', { host: 'www.example.com', port: 443, prefix: '' }],
    ['https://www.example.com/', { host: 'www.example.com', port: 443, prefix: '' }],
    ['www.example.com', { host: 'www.example.com', port: 443, prefix: '' }],
    ['WWW.Example.com:8443', { host: 'www.example.com', port: 8443, prefix: '' }],
    ['https://example.com:443/app/', { host: 'example.com', port: 443, prefix: '/app' }],
    ['https://[2001:DB8::1]:8443/a/b', { host: '[2001:db8::1]', port: 8443, prefix: '/a/b' }],
    ['localhost', { host: 'localhost', port: 443, prefix: '' }],
    ['https://bücher.example', { host: 'xn--bcher-kva.example', port: 443, prefix: '' }],
  ])('%s', (given, expected) => {
    expect(parseSiteAddress(given)).toEqual(expected);
  });

  it.each([
    ['http://example.com', "'http://example.com' is not an https address; plain HTTP is asked as well. Accepted:"],
    ['ftp://example.com', "'ftp://example.com' is not an https address"],
    ['https://user:word@example.com', 'is more than a host and a path. Accepted:'],
    ['https://example.com/?x=1', 'is more than a host and a path. Accepted:'],
    ['https://example.com/#x', 'is more than a host and a path. Accepted:'],
    ['https://', "'https://' is not a URL. Accepted:"],
    ['', "'' is not a URL. Accepted:"],
    ['https://exa mple.com', 'is not a URL. Accepted:'],
  ])('%j is refused', (given, message) => {
    expect(() => parseSiteAddress(given)).toThrow(message);
  });
});

describe('where to connect', () => {
  it.each([
    ['www.example.com:443:127.0.0.1:8443', 'www.example.com', 443, { host: '127.0.0.1', port: 8443 }],
    ['www.example.com:443:127.0.0.1:8443', 'www.example.com', 80, { host: 'www.example.com', port: 80 }],
    ['www.example.com:443:127.0.0.1:8443', 'example.com', 443, { host: 'example.com', port: 443 }],
    ['::127.0.0.1:', 'example.com', 443, { host: '127.0.0.1', port: 443 }],
    [':80::8080', 'example.com', 80, { host: 'example.com', port: 8080 }],
    ['WWW.example.com::[::1]:', 'www.example.com', 443, { host: '::1', port: 443 }],
    ['[2001:db8::1]:443:127.0.0.1:1', '[2001:db8::1]', 443, { host: '127.0.0.1', port: 1 }],
  ])('%s', (given, host, port, expected) => {
    expect(connectAddress(host, port, [parseConnectTo(given)])).toEqual(expected);
  });

  it('is the host itself without a rule, and IPv6 has no brackets', () => {
    expect(connectAddress('[::1]', 443, [])).toEqual({ host: '::1', port: 443 });
  });

  it.each(['', 'a', 'a:1:b', 'a:1:b:70000', 'a:0:b:1', 'a:x:b:1', 'a:1:b:1:c', '::1:443:a:1'])(
    '%j is refused',
    (given) => {
      expect(() => parseConnectTo(given)).toThrow("HOST1:PORT1:HOST2:PORT2. Accepted: what curl's --connect-to takes");
    },
  );
});
