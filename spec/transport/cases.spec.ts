import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileHosts, parseHost } from '../../lib/transport/host.js';
import { compileTransport } from '../../lib/transport/transport.js';
import type { HeaderLines } from '../support/connection.js';
import { connect } from '../support/connection.js';

// Facts from the test suites of other projects. Their "trust the proxy" is here a declared loopback peer.
const trust = 'loopback';
const django: ProxyOptions = { trust, header: { name: 'X-Forwarded-Proto', value: 'https' } };
const proto = 'X-Forwarded-Proto';

const settings = 'django/django@3.2.25:tests/settings_tests/tests.py';
const settingsNow = 'django/django@main:tests/settings_tests/tests.py';
const plug = 'elixir-plug/plug@a898c454:test/plug';
const sslify = 'florianheinemann/express-sslify@b321fc7a:test/express-sslify.test.js';
const forceSsl = 'battlejj/express-force-ssl@ce570b8f:test/x-forwarded-proto-trusted.js';
const enforcer = 'tobmatth/rack-ssl-enforcer@e419e76e:test/rack-ssl-enforcer_test.rb';

describe('whether a request is secure', () => {
  it.each<[string, string, ProxyOptions | undefined, 'http' | 'https', HeaderLines, boolean]>([
    ['django-proxyheader-none', `${settings}:357`, undefined, 'http', {}, false],
    ['django-proxyheader-absent', `${settings}:362`, django, 'http', {}, false],
    ['django-proxyheader-wrong', `${settings}:367`, django, 'http', { [proto]: 'wrongvalue' }, false],
    ['django-proxyheader-right', `${settings}:373`, django, 'http', { [proto]: 'https' }, true],
    ['django-proxyheader-beats-socket', `${settings}:379`, django, 'https', { [proto]: 'http' }, false],
    [
      'django-proxyheader-multi-not-secure',
      `${settingsNow}#test_set_with_xheader_multiple_not_secure`,
      django,
      'http',
      { [proto]: 'http ,wrongvalue,http,http' },
      false,
    ],
    ['plug-rewrite-wss', `${plug}/rewrite_on_test.exs:40`, { trust }, 'http', { [proto]: 'wss' }, true],
    [
      'plug-rewrite-custom-scheme-header',
      `${plug}/rewrite_on_test.exs:30`,
      { trust, header: { name: 'Custom-Forwarded-Proto', value: 'https' } },
      'http',
      { 'Custom-Forwarded-Proto': 'https' },
      true,
    ],
    ['plug-rewrite-proto', `${plug}/ssl_test.exs:310`, { trust }, 'http', { [proto]: 'https' }, true],
    ['plug-xfp-http-on-tls', `${plug}/ssl_test.exs:367`, { trust }, 'https', { [proto]: 'http' }, false],
    ['plug-xfp-http-on-tls-qs', `${plug}/ssl_test.exs:376`, { trust }, 'https', { [proto]: 'http' }, false],
    ['sslify-xfp-ignored', `${sslify}:111`, undefined, 'http', { [proto]: 'https' }, false],
    ['sslify-xfp-trusted-1', `${sslify}:119`, { trust }, 'http', { [proto]: 'https' }, true],
    ['sslify-xfp-trusted-4', `${sslify}:140`, { trust }, 'http', { [proto]: '' }, false],
    ['sslify-xfp-trusted-5', `${sslify}:148`, { trust }, 'http', { [proto]: 'http' }, false],
    [
      'sslify-azure',
      `${sslify}:215`,
      { trust, header: { name: 'X-ARR-SSL' } },
      'http',
      {
        'X-ARR-SSL':
          '2048|128|DC=com, DC=microsoft, DC=corp, DC=redmond, CN=MSIT Machine Auth CA 2|C=US, S=WA, L=Redmond, O=Microsoft, OU=OrganizationName, CN=*.azurewebsites.net',
      },
      true,
    ],
    [
      'sslify-azure-xfp-not-enough',
      `${sslify}:229`,
      { trust, header: { name: 'X-ARR-SSL' } },
      'http',
      { [proto]: 'https' },
      false,
    ],
    ['forcessl-xfp-valid', `${forceSsl}:42`, { trust }, 'http', { [proto]: 'https' }, true],
    ['forcessl-xfp-invalid', `${forceSsl}:57`, { trust }, 'http', { [proto]: 'WrongProtocol' }, false],
    ['forcessl-xfp-post-valid', `${forceSsl}:94`, { trust }, 'http', { [proto]: 'https' }, true],
    ['forcessl-xfp-post-invalid', `${forceSsl}:113`, { trust }, 'http', { [proto]: 'WrongProtocol' }, false],
    ['enforcer-xfp-blank', `${enforcer}:21`, { trust }, 'http', { [proto]: '' }, false],
  ])('%s (%s)', (_id, _source, proxies, socket, lines, secure) => {
    const connection = connect({ Host: 'testserver', ...lines }, { encrypted: socket === 'https' });
    const transport = compileTransport(proxies);
    expect(transport.isSecure(connection)).toBe(secure);
    expect(transport.read(connection).secure).toBe(secure);
  });
});

describe('the host a request asks for', () => {
  it.each<[string, string, ProxyOptions['host'], HeaderLines, string]>([
    [
      'django-xfh-ignored-by-default',
      'django/django@3.2.25:tests/requests/tests.py:590',
      undefined,
      { Host: 'example.com', 'X-Forwarded-Host': 'forward.com' },
      'example.com',
    ],
    [
      'django-xfh-used-when-enabled',
      'django/django@3.2.25:tests/requests/tests.py:660',
      'X-Forwarded-Host',
      { Host: 'example.com', 'X-Forwarded-Host': 'forward.com' },
      'forward.com',
    ],
    [
      'plug-rewrite-host-redirect',
      `${plug}/ssl_test.exs:333`,
      'X-Forwarded-Host',
      { Host: 'example.com', 'X-Forwarded-Host': 'truessl.example.com' },
      'truessl.example.com',
    ],
    [
      'sslify-xfh-ignored',
      `${sslify}:265`,
      undefined,
      { Host: '127.0.0.1', 'X-Forwarded-Host': 'malicious' },
      '127.0.0.1',
    ],
    [
      'sslify-xfh-trusted',
      `${sslify}:288`,
      'X-Forwarded-Host',
      { Host: '127.0.0.1', 'X-Forwarded-Host': 'newhost123' },
      'newhost123',
    ],
    ['sslify-xfh-trusted-absent', `${sslify}:277`, 'X-Forwarded-Host', { Host: '127.0.0.1' }, '127.0.0.1'],
  ])('%s (%s)', (_id, _source, host, lines, expected) => {
    expect(compileTransport({ trust, host }).read(connect(lines)).host).toBe(expected);
  });

  it('plug-rewrite-bad-xff (elixir-plug/plug@a898c454:test/plug/rewrite_on_test.exs:96): the peer stays', () => {
    const connection = connect({ Host: 'example.com', 'X-Forwarded-For': 'bad' });
    expect(compileTransport({ trust }).read(connection)).toMatchObject({ peer: '127.0.0.1', secure: false });
  });
});

describe('whether a host is allowed', () => {
  const allows = compileHosts([
    'forward.com',
    'example.com',
    'internal.com',
    '12.34.56.78',
    '[2001:19f0:feee::dead:beef:cafe]',
    'xn--4ca9at.com',
    '.multitenant.com',
    'INSENSITIVE.com',
    '[::ffff:169.254.169.254]',
  ]);
  const accepted = 'django/django@3.2.25:tests/requests/tests.py:630';
  const refused = 'django/django@3.2.25:tests/requests/tests.py:651';

  it.each<[string, string, string, boolean]>([
    ['django-host-ok-1', accepted, 'example.com', true],
    ['django-host-ok-2', accepted, 'example.com:80', true],
    ['django-host-ok-3', accepted, '12.34.56.78', true],
    ['django-host-ok-4', accepted, '12.34.56.78:443', true],
    ['django-host-ok-5', accepted, '[2001:19f0:feee::dead:beef:cafe]', true],
    ['django-host-ok-6', accepted, '[2001:19f0:feee::dead:beef:cafe]:8080', true],
    ['django-host-ok-7', accepted, 'xn--4ca9at.com', true],
    ['django-host-ok-8', accepted, 'anything.multitenant.com', true],
    ['django-host-ok-9', accepted, 'multitenant.com', true],
    ['django-host-ok-10', accepted, 'insensitive.com', true],
    ['django-host-ok-11', accepted, 'example.com.', true],
    ['django-host-ok-12', accepted, 'example.com.:80', true],
    ['django-host-ok-13', accepted, '[::ffff:169.254.169.254]', true],
    ['django-host-bad-1', refused, 'example.com@evil.tld', false],
    ['django-host-bad-2', refused, 'example.com:dr.frankenstein@evil.tld', false],
    ['django-host-bad-3', refused, 'example.com:dr.frankenstein@evil.tld:80', false],
    ['django-host-bad-4', refused, 'example.com:80/badpath', false],
    ['django-host-bad-5', refused, 'example.com: recovermypassword.com', false],
    ['django-host-bad-6', refused, 'other.com', false],
    ['django-host-bad-7', refused, 'example.com..', false],
  ])('%s (%s): %s', (_id, _source, value, allowed) => {
    const { host } = compileTransport(undefined).read(connect({ Host: value }));
    expect(host).toBe(parseHost(value)?.host);
    expect(host !== undefined && allows(host)).toBe(allowed);
  });
});
