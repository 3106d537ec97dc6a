import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { listenSecurely, SecureAudit, type AuditedRoute } from 'nestjs-secure';
import { generate } from 'selfsigned';
import { AppModule } from '../sample-app/src/app.module.js';
import { localCertificate, type Certificate } from '../sample-app/src/certificate.js';
import { routeTable, wantsColour } from '../sample-app/src/route-table.js';
import { readSettings } from '../sample-app/src/settings.js';
import { html } from '../sample-app/src/site/html.js';

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Ask {
  method?: string;
  form?: Record<string, string>;
  accept?: string;
}

const EDIT = '/members/ada-marlowe/edit';
const ADAPTERS = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const;
const PUBLIC_PAGES = [
  '/',
  '/blog/a-postcard-and-a-letter',
  '/blog/links-that-know-the-way',
  '/blog/the-lamp-that-answers-anybody',
  '/members/ada-marlowe',
  '/members/tomas-reyes',
  '/members/ines-okafor',
  '/accounts/status',
];
const SECRET_PAGES = [EDIT, '/accounts/login', '/accounts/profile', '/admin'];

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sample-app-'));
  certificate = await localCertificate(folder);
});

afterAll(() => rm(folder, { recursive: true }));

function ask(
  scheme: 'http' | 'https',
  port: number,
  path: string,
  { method, form, accept }: Ask = {},
): Promise<Answer> {
  const body = form === undefined ? undefined : new URLSearchParams(form).toString();
  const headers = {
    ...(accept === undefined ? {} : { accept }),
    ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
  };
  const target = { host: 'localhost', port, path, headers, method: method ?? (form === undefined ? 'GET' : 'POST') };
  return new Promise((resolve, reject) => {
    const request =
      scheme === 'https'
        ? httpsRequest({ ...target, ca: certificate.cert, rejectUnauthorized: true, agent: false })
        : httpRequest({ ...target, agent: false });
    request.on('error', reject).on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    });
    request.end(body);
  });
}

function linksIn(page: string): string[] {
  return [...page.matchAll(/<a\s[^>]*?href="([^"]*)"/g)]
    .map(([, href]) => href ?? '')
    .filter((href) => href !== '#content');
}

function formActionsIn(page: string): string[] {
  return [...page.matchAll(/<form\s[^>]*?action="([^"]*)"/g)].map(([, action]) => action ?? '');
}

function isSecret(url: string): boolean {
  const { pathname } = new URL(url);
  return (
    pathname.endsWith('/edit') ||
    pathname.startsWith('/api/') ||
    pathname === '/admin' ||
    (pathname.startsWith('/accounts/') && pathname !== '/accounts/status')
  );
}

describe.each(ADAPTERS)('the sample application on %s', (_name, adapter) => {
  let app: INestApplication;
  let httpPort: number;
  let httpsPort: number;

  const overHttp = (path: string, options?: Ask): Promise<Answer> => ask('http', httpPort, path, options);
  const overHttps = (path: string, options?: Ask): Promise<Answer> => ask('https', httpsPort, path, options);

  beforeAll(async () => {
    app = await NestFactory.create(AppModule, adapter(), { logger: false, abortOnError: false });
    const listening = await listenSecurely(app, { http: 0, https: 0, tls: certificate });
    httpPort = listening.http.port;
    httpsPort = listening.https.port;
  });

  afterAll(() => app.close());

  it.each(PUBLIC_PAGES)('%s is there over http and https, and says which it was', async (path) => {
    const clear = await overHttp(path);
    const secure = await overHttps(path);

    expect([clear.status, secure.status]).toEqual([200, 200]);
    expect(clear.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(clear.body).toContain('This page came over http:');
    expect(secure.body).toContain('This page came over https:');
  });

  it('the health check answers over http and https', async () => {
    for (const answer of [await overHttp('/healthz'), await overHttps('/healthz')]) {
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.body)).toEqual({ status: 'ok' });
    }
  });

  it.each([...SECRET_PAGES, `${EDIT}?from=letter&x=%41`])(
    '%s over http is redirected to itself over https',
    async (path) => {
      const answer = await overHttp(path);

      expect(answer.status).toBe(307);
      expect(answer.headers.location).toBe(`https://localhost:${httpsPort}${path}`);
      expect(answer.body).not.toContain('ada@lamplight.example');
    },
  );

  it.each(['/ADMIN', '/admin%2f', '//admin', '/admin/', '/%61dmin', '/x/../admin'])(
    '%s over http is the office by another name, and redirected',
    async (path) => {
      const answer = await overHttp(path);

      expect(answer.status).toBe(307);
      expect(answer.headers.location).toBe(`https://localhost:${httpsPort}${path}`);
    },
  );

  it.each(SECRET_PAGES)('%s is there over https', async (path) => {
    const answer = await overHttps(path);

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('This page came over https:');
  });

  it.each([EDIT, '/accounts/login', '/accounts/logout'])('a form posted to %s over http is refused', async (path) => {
    const answer = await overHttp(path, { form: { name: 'Mallory', about: 'was here', password: 'x' } });

    expect(answer.status).toBe(403);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.body).not.toContain('Mallory');
  });

  it('a form posted over http changes nothing', async () => {
    const before = (await overHttps('/api/members/tomas-reyes')).body;

    await overHttp('/members/tomas-reyes/edit', { form: { name: 'Mallory', about: 'was here' } });

    expect((await overHttps('/api/members/tomas-reyes')).body).toBe(before);
    expect(JSON.parse(before)).toMatchObject({ name: 'Tomas Reyes', email: 'tomas@lamplight.example' });
  });

  it('the API is refused over http with a problem, and never redirected', async () => {
    const answer = await overHttp('/api/members/ada-marlowe');

    expect(answer.status).toBe(403);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json\b/);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.body).not.toContain('ada@lamplight.example');
  });

  it('an edit over https changes the member, and what was typed comes out escaped', async () => {
    const typed = {
      name: 'Ines "the gull" O\'Kafor',
      about: '<script>alert(1)</script>\n& more',
      email: 'i@x.example',
    };

    const saved = await overHttps('/members/ines-okafor/edit', { form: typed });

    expect(saved.status).toBe(303);
    expect(saved.headers.location).toBe(`https://localhost:${httpsPort}/members/ines-okafor`);
    const shown = await overHttps('/members/ines-okafor');
    expect(shown.body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;\n&amp; more');
    expect(shown.body).toContain('<h1>Ines &quot;the gull&quot; O&#39;Kafor</h1>');
    const form = await overHttps('/members/ines-okafor/edit');
    expect(form.body).toContain('value="Ines &quot;the gull&quot; O&#39;Kafor"');
    for (const page of [shown, form, await overHttp('/')]) expect(page.body).not.toContain('<script');
    expect(JSON.parse((await overHttps('/api/members/ines-okafor')).body)).toMatchObject(typed);
  });

  it('an edit with a blank name keeps the name, and what was not sent stays', async () => {
    await overHttps('/members/tomas-reyes/edit', { form: { name: '  ', lamp: 'The Short Mole' } });

    expect(JSON.parse((await overHttps('/api/members/tomas-reyes')).body)).toMatchObject({
      name: 'Tomas Reyes',
      lamp: 'The Short Mole',
      email: 'tomas@lamplight.example',
    });
  });

  it('logging in over https greets the member and says that nobody is remembered yet', async () => {
    const answer = await overHttps('/accounts/login', { form: { name: 'ada marlowe', password: 'correct horse' } });

    expect(answer.status).toBe(200);
    expect(answer.body).toContain('Good evening, Ada Marlowe');
    expect(answer.body).toContain('sessions come later');
    expect(answer.body).not.toContain('correct horse');
  });

  it('logging in by a name that nobody has comes back escaped', async () => {
    const answer = await overHttps('/accounts/login', { form: { name: '<script>x</script>' } });

    expect(answer.status).toBe(200);
    expect(answer.body).toContain('&lt;script&gt;x&lt;/script&gt;');
    expect(answer.body).not.toContain('<script');
  });

  it('logging out over https explains itself', async () => {
    const answer = await overHttps('/accounts/logout', { method: 'POST' });

    expect(answer.status).toBe(200);
    expect(answer.body).toContain('There was nothing to forget');
  });

  it.each(PUBLIC_PAGES)('%s over http links to secret pages over https, to the others over http', async (path) => {
    const links = linksIn((await overHttp(path)).body);

    expect(links.filter(isSecret).length).toBeGreaterThanOrEqual(3);
    for (const link of links) {
      expect(new URL(link).origin).toBe(
        isSecret(link) ? `https://localhost:${httpsPort}` : `http://localhost:${httpPort}`,
      );
    }
  });

  it.each([...PUBLIC_PAGES, ...SECRET_PAGES])('%s over https links to nothing in clear', async (path) => {
    const { body } = await overHttps(path);

    for (const link of [...linksIn(body), ...formActionsIn(body)]) {
      expect(new URL(link).origin).toBe(`https://localhost:${httpsPort}`);
    }
  });

  it('has no broken link, and no link that needs a redirect', async () => {
    const found = new Set([`http://localhost:${httpPort}/`]);
    const forms = new Set<string>();
    for (const url of found) {
      const { protocol, port, pathname } = new URL(url);
      const answer = await ask(protocol === 'https:' ? 'https' : 'http', Number(port), pathname);
      expect({ url, status: answer.status }).toEqual({ url, status: 200 });
      for (const link of linksIn(answer.body)) found.add(link);
      for (const action of formActionsIn(answer.body)) forms.add(action);
    }

    const paths = new Set([...found].map((url) => new URL(url).pathname));
    expect(
      [...PUBLIC_PAGES, ...SECRET_PAGES, '/healthz', '/api/members/ada-marlowe'].filter((path) => !paths.has(path)),
    ).toEqual([]);
    expect([...found].filter((url) => url.startsWith('https:')).length).toBeGreaterThan(PUBLIC_PAGES.length);
    expect([...forms].map((action) => new URL(action).pathname).toSorted()).toEqual([
      '/accounts/login',
      '/accounts/logout',
      EDIT,
      '/members/ines-okafor/edit',
      '/members/tomas-reyes/edit',
    ]);
  });

  it.each(['/members/nobody', '/blog/nothing', '/nowhere'])('%s is a page that says it is not there', async (path) => {
    const answer = await overHttp(path, { accept: 'text/html' });

    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('There is no page at this address.');
  });

  it('a program that asks for what is not there gets JSON, which no browser takes for a page', async () => {
    const answer = await overHttp('/members/<b>', { accept: 'application/json' });

    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toMatch(/^application\/json\b/);
    expect(JSON.parse(answer.body)).toMatchObject({ statusCode: 404 });
  });

  it('its audit lists every route with what it asks for and who said so', () => {
    const told = app
      .get(SecureAudit)
      .routes()
      .map(({ method, path, requirement }) => `${method} ${path} ${requirement.level} by ${requirement.by}`);

    expect(told.toSorted()).toEqual([
      'GET / unmarked by nobody',
      'GET /accounts/login required by class',
      'GET /accounts/profile required by class',
      'GET /accounts/status exempt by handler',
      'GET /admin required by path',
      'GET /api/members/:slug required by class',
      'GET /blog/:slug unmarked by nobody',
      'GET /healthz exempt by handler',
      'GET /members/:slug unmarked by nobody',
      'GET /members/:slug/edit required by handler',
      'POST /accounts/login required by class',
      'POST /accounts/logout required by class',
      'POST /members/:slug/edit required by handler',
    ]);
  });
});

describe('the certificate of the sample application', () => {
  let kept: string;

  beforeEach(async () => {
    kept = join(await mkdtemp(join(folder, 'kept-')), 'certificate');
  });

  it('is for this machine by each of its names, and for a year', async () => {
    const made = new X509Certificate((await localCertificate(kept)).cert);

    expect(made.checkHost('localhost')).toBe('localhost');
    expect(made.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(made.checkIP('::1')).toBeDefined();
    const days = (Date.parse(made.validTo) - Date.parse(made.validFrom)) / 86_400_000;
    expect(Math.round(days)).toBe(365);
  });

  it('is kept for the next start, its key for the owner alone', async () => {
    const first = await localCertificate(kept);
    const second = await localCertificate(kept);

    expect(second).toEqual(first);
    expect((await stat(join(kept, 'key.pem'))).mode & 0o777).toBe(0o600);
  });

  it.each(['key.pem', 'cert.pem'])('is made anew when its %s cannot be read', async (file) => {
    const first = await localCertificate(kept);
    await writeFile(join(kept, file), 'not PEM');

    const second = await localCertificate(kept);

    expect(second.cert).not.toBe(first.cert);
    expect(await readFile(join(kept, 'cert.pem'), 'utf8')).toBe(second.cert);
    expect(await readFile(join(kept, 'key.pem'), 'utf8')).toBe(second.key);
  });

  it('is made anew when the key is not its own', async () => {
    const first = await localCertificate(kept);
    const other = await localCertificate(join(kept, 'other'));
    await writeFile(join(kept, 'key.pem'), other.key);

    expect((await localCertificate(kept)).cert).not.toBe(first.cert);
  });

  it('is made anew when it has expired', async () => {
    await localCertificate(kept);
    const old = await generate([{ name: 'commonName', value: 'localhost' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      notBeforeDate: new Date('2020-01-01'),
      notAfterDate: new Date('2021-01-01'),
      extensions: [
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
            { type: 7, ip: '::1' },
          ],
        },
      ],
    });
    await writeFile(join(kept, 'key.pem'), old.private);
    await writeFile(join(kept, 'cert.pem'), old.cert);

    const made = new X509Certificate((await localCertificate(kept)).cert);

    expect(Date.parse(made.validTo)).toBeGreaterThan(Date.now());
  });

  it('that cannot be kept is an error that names the setting to change', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');

    await expect(localCertificate(join(file, 'below'))).rejects.toThrow(/could not be kept .*CERT_DIR/);
  });
});

describe('the settings of the sample application', () => {
  it('have defaults, also for what is empty', () => {
    const standard = { adapter: 'express', httpPort: 3000, httpsPort: 3443 };

    expect(readSettings({})).toMatchObject(standard);
    expect(readSettings({ ADAPTER: '', HTTP_PORT: '', HTTPS_PORT: '', CERT_DIR: '' })).toEqual(readSettings({}));
    expect(readSettings({}).certificateFolder).toBe(join(process.cwd(), '.certificate'));
  });

  it('are read from the environment', () => {
    expect(readSettings({ ADAPTER: 'fastify', HTTP_PORT: '0', HTTPS_PORT: '0', CERT_DIR: '/tmp/c' })).toEqual({
      adapter: 'fastify',
      httpPort: 0,
      httpsPort: 0,
      certificateFolder: '/tmp/c',
    });
  });

  it.each(['web', '-1', '65536', '80.5', '0x50', '1e3', ' 80', '000080'])('refuse %j as a port', (port) => {
    expect(() => readSettings({ HTTP_PORT: port })).toThrow(`HTTP_PORT is "${port}", which is not a port`);
    expect(() => readSettings({ HTTPS_PORT: port })).toThrow(`HTTPS_PORT is "${port}", which is not a port`);
  });

  it('refuse one port for both listeners', () => {
    expect(() => readSettings({ HTTP_PORT: '8080', HTTPS_PORT: '8080' })).toThrow('are both 8080');
  });

  it('refuse an adapter that the sample does not know', () => {
    expect(() => readSettings({ ADAPTER: 'koa' })).toThrow('ADAPTER is "koa": give express (the default) or fastify.');
  });
});

describe('the route table of the sample application', () => {
  const routes = [
    { method: 'GET', path: '/', requirement: { level: 'unmarked', by: 'nobody' }, handler: 'Home.welcome' },
    { method: 'POST', path: '/accounts', requirement: { level: 'required', by: 'class' }, handler: undefined },
  ] as const satisfies readonly Partial<AuditedRoute>[];

  it('stands in columns', () => {
    expect(routeTable(routes, { colour: false }).split('\n')).toEqual([
      '  GET   /          unmarked  by nobody  Home.welcome',
      '  POST  /accounts  required  by class',
    ]);
  });

  it('is in colour only where that is asked for', () => {
    expect(routeTable(routes, { colour: true })).toContain('\u001b[32mPOST');
    expect(routeTable(routes, { colour: false })).not.toContain('\u001b');
  });

  it.each([
    [true, undefined, true],
    [true, '', true],
    [true, '1', false],
    [false, undefined, false],
    [undefined, undefined, false],
  ])('on a stream with isTTY %s and NO_COLOR %j, colours are wanted: %s', (isTTY, noColour, wanted) => {
    expect(wantsColour({ isTTY }, { NO_COLOR: noColour })).toBe(wanted);
  });
});

describe('the templates of the sample application', () => {
  it('escape everything but their own markup', () => {
    expect(
      html`<p title="${`"'`}">${'<&>'}${html`<b>${1}</b>`}${['<', html`<i></i>`]}${false}${undefined}</p>`.toString(),
    ).toBe('<p title="&quot;&#39;">&lt;&amp;&gt;<b>1</b>&lt;<i></i></p>');
  });
});
