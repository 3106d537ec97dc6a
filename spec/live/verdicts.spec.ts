import { All, Controller, Get, Res } from '@nestjs/common';
import {
  SecureAudit,
  SecureExempt,
  SecureRequired,
  SecureUrls,
  VERDICT_CHANNEL,
  type Leak,
  type SecureOptions,
  type VerdictEvent,
} from 'nestjs-secure';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';
import { adapters, ran, type Ask, type NewAdapter, type Reply } from '../support/applications.js';
import { serve, type LiveApplication, type LiveParts } from '../support/live-application.js';

@Controller()
class SiteController {
  @Get('open')
  open(): string {
    ran.push('open');
    return 'open';
  }

  @SecureRequired()
  @All('secret')
  secret(): string {
    ran.push('secret');
    return 'secret';
  }

  // Required by a path rule.
  @All('office')
  office(): string {
    ran.push('office');
    return 'office';
  }

  @SecureExempt()
  @All('status')
  status(): string {
    ran.push('status');
    return 'status';
  }

  @SecureRequired({ onInsecure: 'refuse' })
  @Get('api')
  api(): string {
    ran.push('api');
    return 'api';
  }

  @SecureRequired({ onInsecure: 'redirect', redirect: { status: { safe: 301, unsafe: 308 } } })
  @All('moved')
  moved(): string {
    ran.push('moved');
    return 'moved';
  }

  @Get('cookie')
  cookie(@Res({ passthrough: true }) response: { header(name: string, value: string): void }): string {
    response.header('set-cookie', 'theme=dark; Path=/');
    return 'cookie';
  }
}

let site: LiveApplication;

/** An application that listens until the end of the describe block. */
function serving(newAdapter: NewAdapter, options: SecureOptions, parts: LiveParts = {}): void {
  beforeAll(async () => {
    const given: SecureOptions = { hosts: ['example.com', '.example.org'], paths: ['/office'], ...options };
    site = await serve(newAdapter, { controllers: [SiteController], ...parts, options: given });
  });

  afterAll(() => site.close());
}

function ask(path: string, { headers, ...rest }: Ask = {}): Promise<Reply> {
  const type = rest.body === undefined ? {} : { 'Content-Type': 'application/json' };
  return site.ask(path, { headers: { Host: 'example.com', ...type, ...headers }, ...rest });
}

/** What a reply says, in one line: status, and where it leads or why it was refused. */
function said({ status, headers, body }: Reply): string {
  if (headers.location !== undefined) return `${status} ${headers.location}`;
  const { reason = '' }: { reason?: string } = body.startsWith('{') ? JSON.parse(body) : {};
  return `${status} ${reason}`.trimEnd();
}

const BODY = '{"password":"s3cret"}';
const preflight = { Origin: 'https://shop.example', 'Access-Control-Request-Method': 'GET' };
const handshake = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Key': 'x',
  'Sec-WebSocket-Version': 13,
};
const navigation = { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
const stated = { 'X-Forwarded-Proto': 'https' };
const authorized = { Authorization: 'Bearer s3cret-t0ken' };

const VERDICTS: [what: string, ask: Ask, expected: string][] = [
  ['GET', {}, '307 https://example.com/PATH?x=1'],
  ['HEAD', { method: 'HEAD' }, '307 https://example.com/PATH?x=1'],
  ['GET on another port', { headers: { Host: 'example.com:8080' } }, '307 https://example.com/PATH?x=1'],
  ['GET for a subdomain', { headers: { Host: 'WWW.example.ORG' } }, '307 https://www.example.org/PATH?x=1'],
  ['a CORS preflight', { method: 'OPTIONS', headers: preflight }, '403 preflight'],
  ['a CORS preflight through a proxy', { method: 'OPTIONS', headers: { ...preflight, ...stated } }, '403 preflight'],
  ['OPTIONS that is no preflight', { method: 'OPTIONS' }, '403 insecure-secret'],
  ['a WebSocket handshake', { headers: handshake }, '403 websocket'],
  ['a WebSocket handshake through a proxy', { headers: { ...handshake, ...stated } }, '421 proxy-not-believed'],
  ['GET through an undeclared proxy', { headers: stated }, '421 proxy-not-believed'],
  ['POST through an undeclared proxy', { method: 'POST', headers: stated }, '421 proxy-not-believed'],
  ['Authorization through such a proxy', { headers: { ...authorized, ...stated } }, '421 proxy-not-believed'],
  ['a bad host through such a proxy', { headers: { Host: 'evil.com', ...stated } }, '421 proxy-not-believed'],
  ['POST', { method: 'POST' }, '403 insecure-secret'],
  ['POST with a body', { method: 'POST', body: BODY }, '403 insecure-secret'],
  ['PUT', { method: 'PUT' }, '403 insecure-secret'],
  ['PATCH', { method: 'PATCH' }, '403 insecure-secret'],
  ['DELETE', { method: 'DELETE' }, '403 insecure-secret'],
  ['GET with Authorization', { headers: authorized }, '403 insecure-secret'],
  ['POST for a bad host', { method: 'POST', headers: { Host: 'evil.com' } }, '403 insecure-secret'],
  ['POST of a browser on https', { method: 'POST', headers: navigation }, '421 proxy-not-believed'],
  ['GET for another host', { headers: { Host: 'evil.com' } }, '400 host-not-allowed'],
  ['GET for a malformed host', { headers: { Host: 'example.com@evil.com' } }, '400 host-not-allowed'],
  ['GET without a host', { headers: { Host: '' } }, '400 host-not-allowed'],
];

describe.each(adapters)('a plain-HTTP request on %s', (_platform, newAdapter) => {
  serving(newAdapter, {});

  describe.each(['secret', 'office'])('for /%s, which requires https', (path) => {
    it.each(VERDICTS)('%s', async (_what, asked, expected) => {
      const reply = await ask(`/${path}?x=1`, asked);

      expect(said(reply)).toBe(expected.replace('PATH', path));
      expect(ran).toEqual([]);
      expect(reply.headers['set-cookie']).toBeUndefined();
      expect(reply.headers['cache-control']).toBe(reply.headers.location === undefined ? 'no-store' : undefined);
    });

    it('is redirected again and again where nothing speaks of a loop', async () => {
      for (const query of ['', '', '?x', '?x']) expect((await ask(`/${path}${query}`)).status).toBe(307);
    });

    it.each([
      ['navigation', navigation],
      ['cookie', { Cookie: 'a=b; __Host-sid=1' }],
    ])('goes in circles once, where a browser shows by its %s that it is on https', async (sign, headers) => {
      const looping: Ask = { headers: { ...headers, 'User-Agent': `looping ${path} ${sign}` } };

      expect(said(await ask(`/${path}?once`, looping))).toBe(`307 https://example.com/${path}?once`);
      expect(said(await ask(`/${path}?once`, looping))).toBe('421 redirect-loop');
      expect(said(await ask(`/${path}?once`, looping))).toBe('421 redirect-loop');
      // Another page, and another browser, have not been there.
      expect((await ask(`/${path}?twice`, looping)).status).toBe(307);
      expect((await ask(`/${path}?once`, { headers: { ...headers, 'User-Agent': `another ${sign}` } })).status).toBe(
        307,
      );
      expect(ran).toEqual([]);
    });
  });

  it.each(['/open', '/status'])('for %s passes, whatever it carries', async (path) => {
    for (const headers of [{}, authorized, stated, { Host: 'evil.com' }, navigation]) {
      expect((await ask(path, { headers })).body).toBe(path.slice(1));
    }
    expect(ran).toHaveLength(5);
  });

  it('is answered as the decorator narrows it', async () => {
    expect(said(await ask('/api'))).toBe('403 insecure-refused');
    expect(said(await ask('/api', { headers: { Host: 'evil.com' } }))).toBe('403 insecure-refused');
    expect(said(await ask('/api', { headers: navigation }))).toBe('421 proxy-not-believed');
    expect(said(await ask('/moved'))).toBe('301 https://example.com/moved');
    expect(said(await ask('/moved', { method: 'POST', body: BODY }))).toBe('308 https://example.com/moved');
    expect(said(await ask('/moved', { headers: authorized }))).toBe('301 https://example.com/moved');
    expect(ran).toEqual([]);
  });

  it('has an answer with nothing of the application, for a program and for a browser', async () => {
    const problem = await ask('/secret', { method: 'POST', body: BODY });
    const page = await ask('/secret', { method: 'POST', headers: { Accept: 'text/html,*/*;q=0.8' } });

    expect(JSON.parse(problem.body)).toEqual({
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: expect.stringContaining('served over https only'),
      reason: 'insecure-secret',
    });
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(page.body).toContain('<h1>This was not sent safely</h1>');
  });
});

describe.each(adapters)('a secure request on %s', (_platform, newAdapter) => {
  serving(newAdapter, { proxies: { trust: ['loopback'] }, mode: 'all' });

  it.each(['open', 'secret', 'office', 'status', 'api', 'moved'])('for /%s passes, for any host', async (path) => {
    expect((await ask(`/${path}`, { headers: { ...stated, ...authorized } })).body).toBe(path);
    expect((await ask(`/${path}`, { headers: { ...stated, Host: 'evil.com' } })).body).toBe(path);
  });

  it('passes as a preflight too', async () => {
    expect((await ask('/secret', { method: 'OPTIONS', headers: { ...preflight, ...stated } })).body).toBe('secret');
  });

  it('that the proxy says is none does not pass', async () => {
    expect((await ask('/secret', { headers: { 'X-Forwarded-Proto': 'http' } })).status).toBe(307);
    expect(ran).toEqual([]);
  });
});

describe.each(adapters)('mode "all" on %s', (_platform, newAdapter) => {
  serving(newAdapter, { mode: 'all', exempt: ['/healthz', '/office/hours'] });

  it.each([
    ['/open', '307 https://example.com/open'],
    ['/nowhere', '307 https://example.com/nowhere'],
    ['/', '307 https://example.com/'],
    ['/office/hours', '404'],
    ['/office/x', '307 https://example.com/office/x'],
    ['/healthz', '404'],
    ['/healthz?x', '404'],
    ['/healthz/x', '404'],
    ['/healthzz', '307 https://example.com/healthzz'],
    ['/HEALTHZ', '307 https://example.com/HEALTHZ'],
    ['/x?/healthz', '307 https://example.com/x?/healthz'],
    ['/.well-known/acme-challenge/token', '404'],
    ['/.well-known/acme-challenge', '404'],
    ['/.well-known/acme-challengex', '307 https://example.com/.well-known/acme-challengex'],
    ['/.well-known/acme-challenge/../../open', '307 https://example.com/.well-known/acme-challenge/../../open'],
  ])('answers %s with %s', async (path, expected) => {
    expect(said(await ask(path))).toBe(expected);
    expect(ran).toEqual([]);
  });

  it('lets what is exempt by decorator pass', async () => {
    expect((await ask('/status')).body).toBe('status');
  });

  it('lets a preflight go on to the application, and never to a handler', async () => {
    expect((await ask('/nowhere', { method: 'OPTIONS', headers: preflight })).status).toBe(404);
    expect(said(await ask('/office', { method: 'OPTIONS', headers: preflight }))).toBe('403 preflight');
    expect(ran).toEqual([]);
  });

  it('refuses what may carry a secret to a path that nobody serves', async () => {
    expect(said(await ask('/nowhere', { method: 'POST', body: BODY }))).toBe('403 insecure-secret');
  });
});

describe.each(adapters)('CORS on %s', (_platform, newAdapter) => {
  serving(newAdapter, {}, { main: (app) => app.enableCors({ origin: 'https://shop.example' }) });

  it.each(['/secret', '/office', '/open'])('answers the preflight for %s over plain HTTP', async (path) => {
    const { status, headers } = await ask(path, { method: 'OPTIONS', headers: preflight });

    expect(status).toBe(204);
    expect(headers['access-control-allow-origin']).toBe('https://shop.example');
    expect(ran).toEqual([]);
  });
});

describe.each(adapters)('the redirect on %s', (_platform, newAdapter) => {
  describe.each<[string, SecureOptions, number, number]>([
    ['by default', {}, 307, 307],
    ['with permanent', { redirect: { permanent: true } }, 308, 308],
    ['with one status', { redirect: { status: 302 } }, 302, 302],
    ['with a status that wins over permanent', { redirect: { permanent: true, status: 303 } }, 303, 303],
    ['with two', { redirect: { status: { safe: 301, unsafe: 308 } } }, 301, 308],
  ])('%s', (_name, options, safe, unsafe) => {
    serving(newAdapter, { onInsecure: 'redirect', ...options });

    it.each([
      ['GET', safe],
      ['HEAD', safe],
      ['POST', unsafe],
      ['PUT', unsafe],
      ['DELETE', unsafe],
      ['OPTIONS', unsafe],
    ])('of %s has the status %i', async (method, status) => {
      for (const path of ['/secret', '/office']) {
        expect(said(await ask(path, { method, headers: authorized }))).toBe(`${status} https://example.com${path}`);
      }
      expect(ran).toEqual([]);
    });
  });

  describe('to a fixed host', () => {
    serving(newAdapter, { hosts: undefined, redirect: { host: 'www.example.com' }, ports: { https: 8443 } });

    it.each(['example.com', 'evil.com', 'example.com@evil.com', '', 'localhost', 'www.example.com:80'])(
      'leads there for the host %j',
      async (host) => {
        expect(said(await ask('/secret?x', { headers: { Host: host } }))).toBe(
          '307 https://www.example.com:8443/secret?x',
        );
      },
    );
  });

  describe('with a map of hosts', () => {
    const host = { 'example.com': 'www.example.com', '192.0.2.1': 'ip.example.net' };
    serving(newAdapter, { hosts: ['example.com', 'other.com'], redirect: { host } });

    it.each([
      ['example.com', '307 https://www.example.com/office'],
      ['EXAMPLE.com.:8080', '307 https://www.example.com/office'],
      ['192.0.2.1', '307 https://ip.example.net/office'],
      ['other.com', '307 https://other.com/office'],
      ['evil.com', '400 host-not-allowed'],
      ['__proto__', '400 host-not-allowed'],
      ['constructor', '400 host-not-allowed'],
      ['', '400 host-not-allowed'],
    ])('of the host %j is %s', async (asked, expected) => {
      expect(said(await ask('/office', { headers: { Host: asked } }))).toBe(expected);
    });
  });

  describe('where no hosts are declared', () => {
    serving(newAdapter, { hosts: undefined, ports: { http: 3000, https: 3443 } });

    it.each([
      ['localhost:3000', '307 https://localhost:3443/office'],
      ['app.localhost', '307 https://app.localhost:3443/office'],
      ['127.0.0.1:3000', '307 https://127.0.0.1:3443/office'],
      ['127.9.9.9', '307 https://127.9.9.9:3443/office'],
      ['[::1]:3000', '307 https://[::1]:3443/office'],
      ['example.com', '400 host-not-allowed'],
      ['localhost.evil.com', '400 host-not-allowed'],
      ['192.168.0.1', '400 host-not-allowed'],
      ['[::2]', '400 host-not-allowed'],
    ])('for %s is %s', async (host, expected) => {
      expect(said(await ask('/office', { headers: { Host: host } }))).toBe(expected);
    });

    it('is never a loop on a host that browsers trust over plain HTTP', async () => {
      const headers = { ...navigation, Host: 'localhost:3000' };

      for (const query of ['', '', '?x', '?x']) expect((await ask(`/secret${query}`, { headers })).status).toBe(307);
    });

    it('is not sent for a host that is not allowed, and the finding names the value to add', async () => {
      await ask('/secret', { headers: { Host: 'shop.example.net' } });

      const findings = site.nest.get(SecureAudit).findings();
      expect(findings.find(({ subject }) => subject === 'shop.example.net')).toMatchObject({
        id: 'SEC002',
        fix: expect.stringContaining("hosts: ['localhost', '127.0.0.1', 'shop.example.net']"),
      });
    });
  });
});

describe.each(adapters)('a refusal on %s', (_platform, newAdapter) => {
  describe.each([400, 403, 404, 405, 421, 426] as const)('with the status %i', (status) => {
    serving(newAdapter, { onInsecure: 'refuse', refuse: { status } });

    it.each(['/secret', '/office'])('of %s carries it, and no way out', async (path) => {
      for (const asked of [{}, { method: 'POST' }, { headers: authorized }]) {
        const { headers, ...reply } = await ask(path, asked);

        expect(reply.status).toBe(status);
        expect(headers.location).toBeUndefined();
        expect(headers['cache-control']).toBe('no-store');
        expect(headers.allow).toBe(status === 405 ? '' : undefined);
        expect(headers.upgrade).toBe(status === 426 ? 'TLS/1.2, HTTP/1.1' : undefined);
      }
      expect(ran).toEqual([]);
    });

    it('does not change a refusal that has its own', async () => {
      expect(said(await ask('/secret', { headers: stated }))).toBe('421 proxy-not-believed');
      expect(said(await ask('/secret', { headers: handshake }))).toBe('403 websocket');
      expect(said(await ask('/secret', { method: 'OPTIONS', headers: preflight }))).toBe('403 preflight');
    });
  });
});

describe.each(adapters)('a refusal with 405 on %s', (_platform, newAdapter) => {
  serving(newAdapter, { refuse: { status: 405 } });

  it.each(['/secret', '/office'])('of %s allows the methods that are redirected', async (path) => {
    for (const asked of [{ method: 'POST' }, { method: 'DELETE' }, { headers: authorized }]) {
      expect(await ask(path, asked)).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
    }
    for (const method of ['GET', 'HEAD']) expect((await ask(path, { method })).status).toBe(307);
  });
});

describe.each(adapters)('reportOnly on %s', (_platform, newAdapter) => {
  const leaks: Leak[] = [];
  serving(newAdapter, {
    mode: 'all',
    reportOnly: true,
    hsts: { maxAge: 60 },
    proxies: { trust: ['loopback'] },
    onLeak: (leak) => leaks.push(leak),
  });

  it('lets everything through, and reports what would have been answered', async () => {
    expect((await ask('/secret')).body).toBe('secret');
    expect((await ask('/office', { method: 'POST', headers: authorized })).body).toBe('office');
    expect((await ask('/nowhere')).status).toBe(404);

    const reported = site.nest
      .get(SecureAudit)
      .findings()
      .filter(({ id }) => id === 'SEC005')
      .map(({ subject, cause }) => `${subject}: ${cause}`);
    expect(reported).toEqual([
      'GET /secret: It came over plain HTTP and would have been answered 307 (insecure).',
      'POST /office: It came over plain HTTP and would have been answered 403 (insecure-secret).',
      'GET /nowhere: It came over plain HTTP and would have been answered 307 (insecure).',
    ]);
    expect(leaks).toEqual([]);
  });

  it('leaves headers and cookies as configured', async () => {
    const { headers } = await ask('/cookie', { headers: stated });

    expect(headers['strict-transport-security']).toBe('max-age=60');
    expect(headers['set-cookie']).toEqual(['theme=dark; Path=/; Secure']);
  });
});

describe.each(adapters)('httpsSupport false on %s', (_platform, newAdapter) => {
  serving(newAdapter, {
    httpsSupport: false,
    mode: 'all',
    hsts: { maxAge: 60 },
    cookies: { secure: 'all' },
    proxies: { trust: ['loopback'] },
  });

  it.each(['open', 'secret', 'office', 'api'])('lets /%s pass over plain HTTP, whatever it carries', async (path) => {
    for (const headers of [{}, authorized, { Host: 'evil.com' }]) {
      expect((await ask(`/${path}`, { headers })).body).toBe(path);
    }
    expect((await ask('/secret', { method: 'POST', body: BODY })).body).toBe('secret');
  });

  it('puts no Secure on cookies and sends no HSTS, also over https', async () => {
    for (const headers of [{}, stated]) {
      const answer = await ask('/cookie', { headers });

      expect(answer.headers['set-cookie']).toEqual(['theme=dark; Path=/']);
      expect(answer.headers['strict-transport-security']).toBeUndefined();
    }
  });

  it('makes every URL http', () => {
    expect(site.nest.get(SecureUrls).urlFor(SiteController, 'secret')).toBe('http://example.com/secret');
  });
});

describe.each(adapters)('onLeak on %s', (_platform, newAdapter) => {
  const leaks: [Leak, unknown][] = [];
  beforeEach(() => leaks.splice(0));

  const heard = (): Leak[] => leaks.map(([leak]) => leak);

  describe('where it listens', () => {
    serving(newAdapter, { onLeak: (...given) => leaks.push(given) });

    it.each(['/secret', '/office'])(
      'is told once of an Authorization header sent to %s over plain HTTP',
      async (path) => {
        await ask(`${path}?token=s3cret-query`, { headers: authorized });

        expect(heard()).toEqual([
          {
            kind: 'authorization',
            method: 'GET',
            path,
            hash: expect.stringMatching(/^[0-9a-f]{12}$/),
            peer: '127.0.0.1',
          },
        ]);
        expect(JSON.stringify(heard())).not.toContain('s3cret');
        expect(leaks[0]?.[1] instanceof IncomingMessage).toBe(true);
      },
    );

    it('is told of a body, without a hash', async () => {
      await ask('/secret', { method: 'POST', body: BODY });
      await ask('/office', { method: 'PUT', body: BODY, headers: { 'Transfer-Encoding': 'chunked' } });

      expect(heard()).toEqual([
        { kind: 'body', method: 'POST', path: '/secret', peer: '127.0.0.1' },
        { kind: 'body', method: 'PUT', path: '/office', peer: '127.0.0.1' },
      ]);
    });

    it('is told of an Authorization header of a handshake', async () => {
      await ask('/secret', { headers: { ...handshake, ...authorized } });

      expect(heard().map(({ kind }) => kind)).toEqual(['authorization']);
    });

    it('is told of both', async () => {
      await ask('/secret', { method: 'POST', body: BODY, headers: authorized });

      expect(heard().map(({ kind }) => kind)).toEqual(['authorization', 'body']);
    });

    it('tells one credential from another by the hash', async () => {
      for (const token of ['Bearer a', 'Bearer b', 'Bearer a']) {
        await ask('/secret', { headers: { Authorization: token } });
      }

      const [first, second, third] = heard().map(({ hash }) => hash);
      expect(first).toBe(third);
      expect(first).not.toBe(second);
    });

    it.each<[string, string, Ask]>([
      ['a proxy says https and is not believed', '/secret', { headers: { ...authorized, ...stated } }],
      ['a browser behaves as on https', '/secret', { method: 'POST', body: BODY, headers: navigation }],
      ['nothing secret was sent', '/secret', {}],
      ['a method without a body was refused', '/secret', { method: 'DELETE' }],
      ['the body is empty', '/secret', { method: 'POST', body: '' }],
      ['the handler requires no https', '/open', { headers: authorized }],
      ['it is redirected all the same', '/moved', { method: 'POST', body: BODY, headers: authorized }],
      ['it is a preflight', '/secret', { method: 'OPTIONS', headers: { ...preflight, ...authorized } }],
      ['it is a handshake without a secret', '/secret', { headers: handshake }],
    ])('is not told where %s', async (_why, path, asked) => {
      await ask(path, asked);

      expect(heard()).toEqual([]);
    });
  });

  describe.each<[string, () => void]>([
    [
      'throws',
      () => {
        throw new Error('onLeak is broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('onLeak is broken'))],
  ])('that %s', (_what, onLeak) => {
    serving(newAdapter, { onLeak });

    it.each(['/secret', '/office'])('does not change the answer of %s', async (path) => {
      expect(said(await ask(path, { method: 'POST', body: BODY, headers: authorized }))).toBe('403 insecure-secret');
      expect((await ask('/open')).body).toBe('open');
    });
  });
});

describe.each(adapters)('the channel nestjs-secure:verdict on %s', (_platform, newAdapter) => {
  const events: VerdictEvent[] = [];
  const listener = (event: unknown): void => {
    if (isVerdictEvent(event)) events.push(event);
  };

  beforeEach(() => subscribe(VERDICT_CHANNEL, listener));
  afterEach(() => {
    unsubscribe(VERDICT_CHANNEL, listener);
    events.splice(0);
  });

  /** The events of one request, each in one line. */
  async function published(path: string, asked?: Ask): Promise<string[]> {
    events.splice(0);
    await ask(path, asked);
    return events.map(
      ({ asks, verdict, requirement }) =>
        `${asks}: ${verdict.action} ${verdict.reason}, ${requirement.level} by ${requirement.by}`,
    );
  }

  it('has that name', () => {
    expect(VERDICT_CHANNEL).toBe('nestjs-secure:verdict');
  });

  describe('in mode "marked"', () => {
    serving(newAdapter, { proxies: { trust: ['loopback'] } });

    it('gets every verdict, the passes too', async () => {
      expect(await published('/open')).toEqual([
        'gate: pass unmarked, unmarked by nobody',
        'guard: pass unmarked, unmarked by nobody',
      ]);
      expect(await published('/status')).toContain('guard: pass exempt, exempt by handler');
      expect(await published('/secret')).toContain('guard: redirect insecure, required by handler');
      expect(await published('/office')).toEqual(['gate: redirect insecure, required by path']);
      expect(await published('/secret', { method: 'POST' })).toContain(
        'guard: refuse insecure-secret, required by handler',
      );
      expect(await published('/secret', { headers: stated })).toEqual(['guard: pass secure, required by handler']);
      expect(await published('/open', { headers: stated })).toEqual(['guard: pass secure, unmarked by nobody']);
      expect(await published('/office', { method: 'OPTIONS', headers: preflight })).toEqual([
        'gate: pass preflight, required by path',
        'guard: refuse preflight, required by path',
      ]);
    });

    it('gets the facts of the request, its path without the query', async () => {
      await published('/office?token=x', { method: 'POST', body: BODY });

      expect(
        events.map(({ request, ...facts }) => ({ ...facts, isRequest: request instanceof IncomingMessage })),
      ).toEqual([
        {
          verdict: { action: 'refuse', reason: 'insecure-secret', status: 403 },
          requirement: { level: 'required', by: 'path' },
          transport: expect.objectContaining({ secure: false, host: 'example.com', peer: '127.0.0.1', via: 'socket' }),
          method: 'POST',
          path: '/office',
          asks: 'gate',
          reportOnly: false,
          isRequest: true,
        },
      ]);
    });

    it('gets nothing once nobody listens', async () => {
      unsubscribe(VERDICT_CHANNEL, listener);

      expect(await published('/secret')).toEqual([]);
      expect((await ask('/open')).body).toBe('open');
      expect((await ask('/secret', { headers: stated })).body).toBe('secret');
    });
  });

  describe('with reportOnly', () => {
    serving(newAdapter, { reportOnly: true });

    it('gets the verdict that was not carried out, and that it was not', async () => {
      expect(await published('/secret')).toContain('guard: redirect insecure, required by handler');
      expect(events.map(({ reportOnly }) => reportOnly)).toEqual([true, true]);
      expect(ran).toEqual(['secret']);
    });
  });

  describe('with httpsSupport false', () => {
    serving(newAdapter, { httpsSupport: false });

    it('gets that https is off', async () => {
      expect(await published('/secret')).toEqual(['guard: pass https-off, required by handler']);
      expect(await published('/open')).toEqual(['guard: pass https-off, unmarked by nobody']);
    });
  });
});

function isVerdictEvent(event: unknown): event is VerdictEvent {
  return typeof event === 'object' && event !== null && 'verdict' in event;
}
