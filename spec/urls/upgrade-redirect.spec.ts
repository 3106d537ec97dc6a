import * as fc from 'fast-check';
import { compileHosts } from '../../lib/transport/host.js';
import { upgradeRedirect } from '../../lib/urls/upgrade-redirect.js';
import { oftenEnough, PROPERTY_RUNS } from '../support/everything.js';

const isThisSite = compileHosts(['example.com', '.example.org', '[2001:db8::1]', '192.0.2.1']);

describe('a redirect to this site over http', () => {
  it.each([
    ['http://example.com/members', 'https://example.com/members'],
    ['http://example.com', 'https://example.com/'],
    ['http://example.com/', 'https://example.com/'],
    ['http://example.com?x=1', 'https://example.com/?x=1'],
    ['http://example.com#top', 'https://example.com/#top'],
    ['http://example.com/a?b=c#d', 'https://example.com/a?b=c#d'],
    ['http://example.com/a#b#c?d', 'https://example.com/a#b#c?d'],
    ['http://example.com/a?next=http://example.com/b', 'https://example.com/a?next=http://example.com/b'],
    ['http://example.com//evil.com/x', 'https://example.com//evil.com/x'],
    ['http://example.com/a%2fb%C3%A4', 'https://example.com/a%2fb%C3%A4'],
    ['http://example.com/a b', 'https://example.com/a%20b'],
    ['http://example.com\\a', 'https://example.com/%5Ca'],
    // the port of http is dropped, whichever it was
    ['http://example.com:80/a', 'https://example.com/a'],
    ['http://example.com:3000/a', 'https://example.com/a'],
    // scheme and host compare without case
    ['HTTP://EXAMPLE.COM/A', 'https://example.com/A'],
    ['http://example.com./a', 'https://example.com/a'],
    ['http://www.example.org/a', 'https://www.example.org/a'],
    ['http://[2001:DB8::1]:8080/a', 'https://[2001:db8::1]/a'],
    ['http://192.0.2.1/a', 'https://192.0.2.1/a'],
  ])('%s leaves as %s', (location, upgraded) => {
    expect(upgradeRedirect(location, isThisSite, 443)).toBe(upgraded);
  });

  it('leaves with the port of https', () => {
    expect(upgradeRedirect('http://example.com:3000/a', isThisSite, 8443)).toBe('https://example.com:8443/a');
  });
});

describe('a redirect that is left as it is', () => {
  it.each([
    ['to another site', 'http://evil.com/'],
    ['to a host that begins like this one', 'http://example.com.evil.com/'],
    ['to a host that ends like this one', 'http://evilexample.com/'],
    ['with a user', 'http://example.com@evil.com/'],
    ['with a user and this host', 'http://user@example.com/'],
    ['with a port that is none', 'http://example.com:0/'],
    ['over https already', 'https://example.com/'],
    ['to a socket', 'ws://example.com/'],
    ['to a path', '/members'],
    ['to a relative path', 'members'],
    ['to an authority without a scheme', '//example.com/members'],
    ['without slashes', 'http:/example.com/members'],
    ['without a host', 'http:///members'],
    ['with a space in front', ' http://example.com/'],
    ['that is empty', ''],
  ])('%s: %j', (_, location) => {
    expect(upgradeRedirect(location, isThisSite, 443)).toBeUndefined();
  });
});

it('leads to this site over https, or is left as it is, whatever the location is', () => {
  const part = fc.oneof(
    fc.constantFrom(
      ...'http: https: // example.com www.example.org evil.com :80 %41 .. [::1] [2001:db8::1]'.split(' '),
    ),
    fc.constantFrom(...'/\\@:?#a \t\u00e4'),
  );
  const location = fc.oneof(
    fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    fc.array(part, { maxLength: 8 }).map((parts) => `http://${parts.join('')}`),
    fc.array(part, { maxLength: 8 }).map((parts) => `http://example.com${parts.join('')}`),
  );
  let upgraded = 0;
  fc.assert(
    fc.property(location, fc.constantFrom(443, 8443), (given, port) => {
      const result = upgradeRedirect(given, isThisSite, port);
      if (result === undefined) return;
      upgraded += 1;
      const url = new URL(result);
      expect(url.protocol).toBe('https:');
      expect(isThisSite(url.hostname)).toBe(true);
      expect(url.port).toBe(port === 443 ? '' : '8443');
      // Where a browser would have gone before, the host is the same.
      expect(url.hostname).toBe(new URL(given).hostname.replace(/\.$/, ''));
    }),
    PROPERTY_RUNS,
  );
  expect(upgraded).toBeGreaterThan(oftenEnough(1000));
});
