import type { Mark } from '../../lib/options/mark-types.js';
import { compilePathRules } from '../../lib/policy/paths.js';
import { compileRequirement } from '../../lib/policy/requirement.js';
import { RouteTable, type Route } from '../../lib/policy/route-table.js';
import type { Transport } from '../../lib/transport/connection.js';
import {
  SecureHostError,
  SecureUrls as Urls,
  type RouteParameters,
  type UrlSettings,
} from '../../lib/urls/secure-urls.js';

/** A request as far as SecureUrls asks for it. */
interface Asked {
  readonly scheme: 'http' | 'https';
  readonly host: string | undefined;
  readonly target: string;
}

const overHttp: Asked = { scheme: 'http', host: 'example.com', target: '/here?x=1' };
const secure: Asked = { ...overHttp, scheme: 'https' };

class Members {
  show(): void {}
  edit(): void {}
  versions(): void {}
  file(): void {}
  nowhere(): void {}
  odd(): void {}
}

const required: Mark = { level: 'required', options: {} };

const anyRoute: Route = {
  kind: 'http',
  method: 'GET',
  path: '/',
  controller: Members,
  handler: 'show',
  requirement: undefined,
  keptFrom: undefined,
  hosts: [],
  versions: [],
  versioning: undefined,
};

function tableOf(...rows: [handler: string, path: string, mark?: Mark][]): RouteTable {
  const table = new RouteTable();
  const rules = compilePathRules(['/office'], []);
  for (const [handler, path, mark] of rows) {
    const marks = { handler: mark, class: undefined, keptFrom: undefined };
    const requirement = compileRequirement(marks, { mode: 'marked', rules });
    table.add({ ...anyRoute, path, handler, requirement });
  }
  return table;
}

function urlsWith(over: Partial<UrlSettings<Asked>> = {}): Urls<Asked> {
  return new Urls<Asked>({
    httpsSupport: true,
    ports: { http: 80, https: 443 },
    hostAllowed: (host) => host === 'example.com',
    redirectHost: (host) => (host === 'example.com' ? host : undefined),
    defaultHost: 'www.example.com',
    transportOf: ({ scheme, host }): Transport => {
      return { secure: scheme === 'https', scheme, host, port: undefined, peer: undefined, via: 'socket', doubts: [] };
    },
    targetOf: ({ target }) => target,
    routes: tableOf(
      ['show', '/members/:slug'],
      ['edit', '/members/:slug/edit', required],
      ['versions', '/v1/members'],
      ['versions', '/v2/members/:slug'],
      ['file', '/files/*'],
      ['odd', '/odd/:id(\\d+)'],
    ),
    ...over,
  });
}

describe('isSecure', () => {
  it('is what the transport says', () => {
    expect(urlsWith().isSecure(secure)).toBe(true);
    expect(urlsWith().isSecure(overHttp)).toBe(false);
  });
});

describe('an absolute URL', () => {
  it('is that of the request, or of another path beside it', () => {
    const urls = urlsWith();

    expect(urls.buildAbsoluteUrl(overHttp)).toBe('http://example.com/here?x=1');
    expect(urls.buildAbsoluteUrl(secure)).toBe('https://example.com/here?x=1');
    expect(urls.buildAbsoluteUrl(secure, '/there')).toBe('https://example.com/there');
    expect(urls.buildSecureUrl(overHttp)).toBe('https://example.com/here?x=1');
    expect(urls.buildSecureUrl(overHttp, '/there?y')).toBe('https://example.com/there?y');
    expect(urls.buildInsecureUrl(secure)).toBe('http://example.com/here?x=1');
    expect(urls.buildInsecureUrl(secure, '/')).toBe('http://example.com/');
    expect(urls.buildWebSocketUrl(overHttp)).toBe('wss://example.com/here?x=1');
    expect(urls.buildWebSocketUrl(overHttp, '/chat')).toBe('wss://example.com/chat');
  });

  it('of a WebSocket is wss, or ws where https is not spoken at all', () => {
    expect(urlsWith().buildWebSocketUrl(overHttp, '/chat')).toBe('wss://example.com/chat');
    expect(urlsWith({ httpsSupport: false }).buildWebSocketUrl(secure)).toBe('ws://example.com/here?x=1');
  });

  it('has the ports outsiders use, the default ones left out', () => {
    const urls = urlsWith({ ports: { http: 3000, https: 3443 } });

    expect(urls.buildAbsoluteUrl(overHttp)).toBe('http://example.com:3000/here?x=1');
    expect(urls.buildSecureUrl(overHttp)).toBe('https://example.com:3443/here?x=1');
    expect(urlsWith({ ports: { http: 443, https: 80 } }).buildSecureUrl(overHttp, '/')).toBe('https://example.com:80/');
  });

  it('has the port and the prefix that were asked for, the port in a URL of the same scheme', () => {
    const asked = { scheme: 'https', secure: true, host: 'example.com', port: 8443, prefix: '/app' } as const;
    const urls = urlsWith({
      ports: { http: undefined, https: undefined },
      defaultPrefix: '/default',
      hostAllowed: (_host, port) => port === 8443,
      transportOf: () => ({ ...asked, peer: undefined, via: 'socket', doubts: [] }),
    });

    expect(urls.buildSecureUrl(secure)).toBe('https://example.com:8443/app/here?x=1');
    expect(urls.buildInsecureUrl(secure)).toBe('http://example.com/app/here?x=1');
    expect(urls.urlFor(Members, 'show', { slug: 'ada' }, secure)).toBe('https://example.com:8443/app/members/ada');
    expect(urls.urlFor(Members, 'show', { slug: 'ada' })).toBe('https://www.example.com/default/members/ada');
  });

  it('is http where https is not spoken at all', () => {
    const urls = urlsWith({ httpsSupport: false });

    expect(urls.buildSecureUrl(overHttp)).toBe('http://example.com/here?x=1');
    expect(urls.buildWebSocketUrl(overHttp, '/chat')).toBe('ws://example.com/chat');
    expect(urls.urlFor(Members, 'edit', { slug: 'ada' }, secure)).toBe('http://example.com/members/ada/edit');
    expect(urls.urlFor(Members, 'edit', { slug: 'ada' })).toBe('http://www.example.com/members/ada/edit');
  });

  it('changes to the host that answers over https only where it changes to https', () => {
    const urls = urlsWith({ hostAllowed: (host) => host === 'example.com', redirectHost: () => 'www.example.com' });

    expect(urls.buildSecureUrl(overHttp, '/')).toBe('https://www.example.com/');
    expect(urls.buildAbsoluteUrl(overHttp, '/')).toBe('http://example.com/');
    expect(urls.buildAbsoluteUrl(secure, '/')).toBe('https://example.com/');
    expect(urls.buildSecureUrl({ ...secure, host: 'other.example.com' }, '/')).toBe('https://www.example.com/');
    expect(urls.buildInsecureUrl(secure, '/')).toBe('http://example.com/');
  });

  it.each(['there', '', 'http://evil.com/', '?x', '@evil.com'])('of the path %j is a TypeError', (path) => {
    expect(() => urlsWith().buildAbsoluteUrl(overHttp, path)).toThrow(TypeError);
    expect(() => urlsWith().buildAbsoluteUrl(overHttp, path)).toThrow(
      `A path starts with a slash; ${JSON.stringify(path)} does not.`,
    );
  });

  it.each(['//evil.com/x', '/\\evil.com', '/@evil.com', '/..//evil.com'])('of the path %j stays here', (path) => {
    expect(new URL(urlsWith().buildSecureUrl(overHttp, path)).host).toBe('example.com');
  });

  it('is an error that names the value to add where the host is not allowed', () => {
    const forged = { ...overHttp, host: 'evil.com' };
    const message =
      "The host 'evil.com' is not allowed in a URL. If it is yours, add 'evil.com' to hosts in SecureModule.forRoot().";

    expect(() => urlsWith().buildAbsoluteUrl(forged)).toThrow(message);
    expect(() => urlsWith().buildSecureUrl(forged)).toThrow(message);
    expect(() => urlsWith().buildInsecureUrl(forged)).toThrow(message);
    expect(() => urlsWith().urlFor(Members, 'show', { slug: 'ada' }, forged)).toThrow(message);
    expect(new SecureHostError(message)).toMatchObject({
      name: 'SecureHostError',
      code: 'SECURE_HOST',
      status: 400,
      statusCode: 400,
      expose: true,
    });
  });

  it('is an error where the request has no usable host', () => {
    expect(() => urlsWith().buildAbsoluteUrl({ ...overHttp, host: undefined })).toThrow(
      'The request has no usable Host header (absent, doubled or malformed), so no absolute URL can be built for it.',
    );
  });
});

describe('the URL of a handler', () => {
  it('is https where the handler requires it', () => {
    expect(urlsWith().urlFor(Members, 'edit', { slug: 'ada' }, overHttp)).toBe('https://example.com/members/ada/edit');
    expect(urlsWith().urlFor(Members, 'edit', { slug: 'ada' }, secure)).toBe('https://example.com/members/ada/edit');
  });

  it('keeps the scheme of the request where nothing is required', () => {
    expect(urlsWith().urlFor(Members, 'show', { slug: 'ada' }, overHttp)).toBe('http://example.com/members/ada');
    expect(urlsWith().urlFor(Members, 'show', { slug: 'ada' }, secure)).toBe('https://example.com/members/ada');
  });

  it('is https where a path rule covers the path once it is filled', () => {
    const urls = urlsWith({ routes: tableOf(['show', '/:slug']) });

    expect(urls.urlFor(Members, 'show', { slug: 'office' }, overHttp)).toBe('https://example.com/office');
    expect(urls.urlFor(Members, 'show', { slug: 'shop' }, overHttp)).toBe('http://example.com/shop');
  });

  it('is https on the default host without a request', () => {
    expect(urlsWith().urlFor(Members, 'show', { slug: 'ada' })).toBe('https://www.example.com/members/ada');
  });

  it('is an error without a request and a host', () => {
    expect(() => urlsWith({ defaultHost: undefined }).urlFor(Members, 'show', { slug: 'ada' })).toThrow(
      "urlFor(Members, 'show') has no host: pass the request, or set redirect.host or a name in hosts.",
    );
  });

  it('is http or https as the request where nothing is known of what it requires', () => {
    const routes = new RouteTable();
    routes.add({ ...anyRoute, path: '/members' });

    expect(urlsWith({ routes }).urlFor(Members, 'show', {}, overHttp)).toBe('http://example.com/members');
  });

  it.each<[string | number | boolean, string]>([
    ['ada marlowe', 'ada%20marlowe'],
    ['a/b', 'a%2Fb'],
    ['?x#y', '%3Fx%23y'],
    ['%2f', '%252f'],
    ['\u00e4', '%C3%A4'],
    ['../admin', '..%2Fadmin'],
    ['...', '...'],
    [7, '7'],
    [false, 'false'],
  ])('writes the parameter %j as %s', (slug, written) => {
    expect(urlsWith().urlFor(Members, 'show', { slug }, overHttp)).toBe(`http://example.com/members/${written}`);
  });

  it('fills a wildcard with segments, each encoded', () => {
    expect(urlsWith().urlFor(Members, 'file', { '*': ['a b', 'c/d'] }, overHttp)).toBe(
      'http://example.com/files/a%20b/c%2Fd',
    );
  });

  it.each(['.', '..', ''])('is an error with the parameter %j, which would lead to another path', (slug) => {
    expect(() => urlsWith().urlFor(Members, 'edit', { slug }, overHttp)).toThrow(/slug is '\.{0,2}', which would lead/);
    expect(() => urlsWith().urlFor(Members, 'file', { '*': ['a', slug] }, overHttp)).toThrow(
      RegExp('which would lead'),
    );
  });

  it('fills a wildcard with one segment that is no list, and leaves it out where nothing is given', () => {
    expect(urlsWith().urlFor(Members, 'file', { '*': 'a/b' }, overHttp)).toBe('http://example.com/files/a%2Fb');
    expect(urlsWith().urlFor(Members, 'file', {}, overHttp)).toBe('http://example.com/files/');
  });

  it.each<[pattern: string, parameters: RouteParameters, url: string]>([
    ['/files/{*path}', { '*': ['a', 'b'] }, '/files/a/b'],
    ['/files/{*path}', { path: ['a', 'b'] }, '/files/a/b'],
    ['/files/*', { path: ['a', 'b'] }, '/files/a/b'],
    ['/files/*rest', { rest: ['a', 'b'] }, '/files/a/b'],
    ['/files/*rest', { '*': ['a', 'b'] }, '/files/a/b'],
    ['/files/{*rest}', {}, '/files/'],
    ['/files/{*rest}', { rest: ['a', 'b'] }, '/files/a/b'],
    ['/members{/:slug}', {}, '/members'],
    ['/members{/:slug}', { slug: 'ada' }, '/members/ada'],
    ['/from/:from-:to', { from: 'a', to: 'b' }, '/from/a-b'],
  ])('fills %s with %j', (path, parameters, url) => {
    const urls = urlsWith({ routes: tableOf(['show', path]) });

    expect(urls.urlFor(Members, 'show', parameters, overHttp)).toBe(`http://example.com${url}`);
  });

  it.each<[pattern: string, parameters: RouteParameters, fault: string]>([
    ['/members', { slug: 'ada' }, "'/members' takes no parameter: slug is unknown."],
    ['/a/:b{/:c}', { d: 1, c: 1 }, "'/a/:b{/:c}' takes b, c: b is missing, d is unknown."],
    ['/files/*rest', {}, "'/files/*rest' takes rest: rest is missing."],
    ['/files/*rest', { path: ['a'] }, "'/files/*rest' takes rest: rest is missing, path is unknown."],
    ['/files/*rest', { rest: [] }, "'/files/*rest' cannot be filled: "],
    ['/members/:slug', { slug: ['a', 'b'] }, 'slug is a list, and stands for one segment.'],
    ['/members/:slug', { slug: [] }, 'slug is a list, and stands for one segment.'],
    ['/members/:slug', { constructor: 'x' }, 'slug is missing, constructor is unknown.'],
    ['/members/:slug', { undefined: 'x' }, 'slug is missing, undefined is unknown.'],
    ['/members/:slug', { '*': 'x' }, 'slug is missing, * is unknown.'],
  ])('is an error for %s with %j', (path, parameters, fault) => {
    const urls = urlsWith({ routes: tableOf(['show', path]) });

    expect(() => urls.urlFor(Members, 'show', parameters, overHttp)).toThrow(fault);
  });

  it('is an error that names the missing parameter and the paths', () => {
    expect(() => urlsWith().urlFor(Members, 'edit', { name: 'ada' }, overHttp)).toThrow(
      `urlFor(Members, 'edit', {"name":"ada"}): '/members/:slug/edit' takes slug: slug is missing, name is unknown.`,
    );
  });

  it('is an error for a pattern that is not of the kind path-to-regexp reads', () => {
    expect(() => urlsWith().urlFor(Members, 'odd', { id: 1 }, overHttp)).toThrow(
      "'/odd/:id(\\d+)' is a pattern that cannot be filled.",
    );
  });

  it('is that of the first path which the parameters fill', () => {
    const urls = urlsWith();

    expect(urls.urlFor(Members, 'versions', {}, overHttp)).toBe('http://example.com/v1/members');
    const onlyWithSlug = urlsWith({ routes: tableOf(['versions', '/v2/members/:slug'], ['versions', '/v1/members']) });
    expect(onlyWithSlug.urlFor(Members, 'versions', {}, overHttp)).toBe('http://example.com/v1/members');
    expect(onlyWithSlug.urlFor(Members, 'versions', { slug: 'x' }, overHttp)).toBe('http://example.com/v2/members/x');
    expect(() =>
      urlsWith({ routes: tableOf(['versions', '/a/:a'], ['versions', '/b/:b']) }).urlFor(Members, 'versions'),
    ).toThrow("'/a/:a' takes a: a is missing. '/b/:b' takes b: b is missing.");
  });

  it('is an error where no route leads to it', () => {
    expect(() => urlsWith().urlFor(Members, 'nowhere')).toThrow(
      "urlFor(Members, 'nowhere'): no route leads to this handler in this application.",
    );
  });
});

describe('the URL of a handler with versions', () => {
  const v = (path: string, versions: string[]): Route => ({ ...anyRoute, path, versions, versioning: 'uri' });
  const routes = new RouteTable();
  for (const route of [v('/v1/news', ['1']), v('/v2/news', ['2']), v('/news', ['neutral'])]) routes.add(route);
  const urls = urlsWith({ routes });

  it('is that of the first one as they are written, or of the one asked for', () => {
    expect(urls.urlFor(Members, 'show', {}, overHttp)).toBe('http://example.com/v1/news');
    expect(urls.urlFor(Members, 'show', {}, overHttp, {})).toBe('http://example.com/v1/news');
    expect(urls.urlFor(Members, 'show', {}, overHttp, { version: '2' })).toBe('http://example.com/v2/news');
    expect(urls.urlFor(Members, 'show', {}, undefined, { version: 'neutral' })).toBe('https://www.example.com/news');
  });

  it('is an error where there is no such version, which names those there are', () => {
    expect(() => urls.urlFor(Members, 'show', {}, overHttp, { version: '3' })).toThrow(
      "urlFor(Members, 'show'): there is no version '3' of it; it has '1', '2', 'neutral'.",
    );
    expect(() => urlsWith().urlFor(Members, 'show', { slug: 'ada' }, overHttp, { version: '3' })).toThrow(
      "urlFor(Members, 'show'): there is no version '3' of it; it is not versioned.",
    );
  });
});

describe('the URL of a handler that is bound to hosts', () => {
  function bound(...hosts: (string | RegExp)[]): Urls<Asked> {
    const routes = new RouteTable();
    routes.add({ ...anyRoute, path: '/pages/:page', hosts });
    const hostAllowed = (host: string): boolean => /(^|\.)example\.com$/.test(host);
    return urlsWith({ routes, hostAllowed, redirectHost: (host) => host });
  }
  const from = (host: string): Asked => ({ ...secure, host });
  const pages = { page: 'x' };

  it('has the host, whoever asks', () => {
    const urls = bound('admin.example.com');

    expect(urls.urlFor(Members, 'show', pages, from('www.example.com'))).toBe('https://admin.example.com/pages/x');
    expect(urls.urlFor(Members, 'show', pages)).toBe('https://admin.example.com/pages/x');
  });

  it('has the host of the request, or the default one, where that is one of them', () => {
    const urls = bound('admin.example.com', ':tenant.example.com', /^office\d\.example\.com$/g);

    expect(urls.urlFor(Members, 'show', pages, from('acme.example.com'))).toBe('https://acme.example.com/pages/x');
    expect(urls.urlFor(Members, 'show', pages)).toBe('https://www.example.com/pages/x');
    const byNumber = bound(/^office\d\.example\.com$/g);
    for (const host of ['office1.example.com', 'office2.example.com']) {
      expect(byNumber.urlFor(Members, 'show', pages, from(host))).toBe(`https://${host}/pages/x`);
    }
  });

  it('has the host that the parameters fill', () => {
    const urls = bound('admin.example.com', ':tenant.example.com');
    const acme = { ...pages, tenant: 'ACME' };

    expect(urls.urlFor(Members, 'show', acme, from('other.example.com'))).toBe('https://acme.example.com/pages/x');
    expect(urls.urlFor(Members, 'show', acme, from('admin.example.com'))).toBe('https://acme.example.com/pages/x');
    expect(urls.urlFor(Members, 'show', acme)).toBe('https://acme.example.com/pages/x');
    expect(bound(':tenant{.:area}.example.com').urlFor(Members, 'show', acme)).toBe('https://acme.example.com/pages/x');
  });

  it('has the host of the request where a parameter is of host and path alike', () => {
    const urls = bound(':page.example.com');

    expect(urls.urlFor(Members, 'show', pages, from('x.example.com'))).toBe('https://x.example.com/pages/x');
  });

  it('keeps the port that outsiders use', () => {
    const routes = new RouteTable();
    routes.add({ ...anyRoute, hosts: ['example.com'] });

    expect(urlsWith({ routes, ports: { http: 80, https: 8443 } }).urlFor(Members, 'show')).toBe(
      'https://example.com:8443/',
    );
  });

  it.each(['evil.com/', 'evil.com:80', 'a b', '', 'a@b', 'a:1', '..', 'x'.repeat(64)])(
    'is an error with the parameter %j, which would lead to another host',
    (tenant) => {
      const urls = bound(':tenant.example.com');
      expect(() => urls.urlFor(Members, 'show', { ...pages, tenant })).toThrow(
        /which is no host|would lead to another path/,
      );
    },
  );

  it('is an error with a parameter that brings a port of its own', () => {
    expect(() => bound(':whole').urlFor(Members, 'show', { ...pages, whole: 'www.example.com:81' })).toThrow(
      "The parameters make 'www.example.com:81', which is no host.",
    );
    expect(bound(':whole').urlFor(Members, 'show', { ...pages, whole: 'www.example.com' })).toBe(
      'https://www.example.com/pages/x',
    );
  });

  it('is an error where the host is not allowed, which names it', () => {
    const urls = bound(':tenant.example.org');
    const attempt = (): string => urls.urlFor(Members, 'show', { ...pages, tenant: 'acme' });

    expect(attempt).toThrow(SecureHostError);
    expect(attempt).toThrow(
      "The host 'acme.example.org' is not allowed in a URL. If it is yours, add 'acme.example.org' to hosts in SecureModule.forRoot().",
    );
  });

  it('is an error where nothing tells the host, which names the hosts', () => {
    const message =
      "urlFor(Members, 'show') has no host: it is bound to ':tenant.example.net', '/^office/'. Give its parameters, or pass a request for such a host.";

    expect(() => bound(':tenant.example.net', /^office/).urlFor(Members, 'show', pages)).toThrow(message);
    expect(() => bound(':tenant.example.net', /^office/).urlFor(Members, 'show', pages, secure)).toThrow(message);
    const routes = new RouteTable();
    routes.add({ ...anyRoute, hosts: [/^office/] });
    expect(() => urlsWith({ routes, defaultHost: undefined }).urlFor(Members, 'show')).toThrow(
      "it is bound to '/^office/'.",
    );
  });

  it('is an error with a parameter of neither path nor host', () => {
    expect(() => bound(':tenant.example.com').urlFor(Members, 'show', { ...pages, tennant: 'acme' })).toThrow(
      "'/pages/:page' takes page, tenant: tennant is unknown.",
    );
    expect(() => bound(/^office/).urlFor(Members, 'show', { ...pages, tennant: 'acme' })).toThrow(
      "'/pages/:page' takes page: tennant is unknown.",
    );
  });

  it('is an error where the path is no pattern', () => {
    const routes = new RouteTable();
    routes.add({ ...anyRoute, path: '/^\\/x(', hosts: ['example.com'] });

    expect(() => urlsWith({ routes }).urlFor(Members, 'show')).toThrow('is a pattern that cannot be filled.');
  });
});

describe('a path to go on to, as a client sent it', () => {
  it.each([
    ['/accounts/profile?tab=2#mail', '/accounts/profile?tab=2#mail'],
    ['//evil.example', undefined],
    ['https://evil.example/', undefined],
    ['/\\evil.example', undefined],
    [undefined, undefined],
  ])('%s is %s', (value, path) => {
    expect(urlsWith().sameSitePath(value)).toBe(path);
  });
});
