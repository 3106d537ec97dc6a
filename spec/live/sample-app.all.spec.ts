import { jest } from '@jest/globals';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecureAudit, type AuditedRoute } from 'nestjs-secure';
import { generate } from 'selfsigned';
import { nextPath } from '../../sample-app/src/accounts/next-path.js';
import { localCertificate, type Certificate } from '../../sample-app/src/certificate.js';
import { routeTable, wantsColour } from '../../sample-app/src/route-table.js';
import { localSecret } from '../../sample-app/src/sessions/session-secret.js';
import { SessionStorage } from '../../sample-app/src/sessions/session-storage.js';
import { readSettings } from '../../sample-app/src/settings.js';
import { html } from '../../sample-app/src/site/html.js';
import { idIn } from '../support/sessions.js';
import { adapters } from '../support/applications.js';
import { startSample, type SampleSite } from '../support/sample-site.js';
import { Visitor, type Answer, type Visit } from '../support/visitor.js';

const EDIT = '/members/ada-marlowe/edit';
const ADA = { name: 'Ada Marlowe', password: 'lamplight' };
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
const MEMBER_PAGES = [EDIT, '/accounts/sessions'];
const SECRET_PAGES = [...MEMBER_PAGES, '/accounts/login', '/accounts/profile', '/admin'];
const SECRET = 'jVY5b0gR2mS8uK4tQxW7cN1eLd6hZfAo';

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sample-app-'));
  certificate = await localCertificate(folder);
});

afterAll(() => rm(folder, { recursive: true }));

function linksIn(page: string): string[] {
  return [...page.matchAll(/<a\s[^>]*?href="([^"]*)"/g)]
    .map(([, href]) => href ?? '')
    .filter((href) => href !== '#content');
}

function formActionsIn(page: string): string[] {
  return [...page.matchAll(/<form\s[^>]*?action="([^"]*)"/g)].map(([, action]) => action ?? '');
}

/** The sessions that a page offers to end. */
function endableIn(page: string): string[] {
  return [...page.matchAll(/name="session" value="([^"]*)"/g)].map(([, id]) => id ?? '');
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

const options = (sessionFolder: string) => ({
  hosts: undefined,
  sessionSecret: SECRET,
  sessionStore: undefined,
  sessionFolder,
});

describe.each(adapters)('the sample application on %s', (name, newAdapter) => {
  let site: SampleSite;
  /** Nobody has signed in here. */
  let stranger: Visitor;
  /** Ada is signed in here. */
  let member: Visitor;

  const overHttp = (path: string, visit?: Visit, visitor = stranger): Promise<Answer> =>
    visitor.ask(site.http + path, visit);
  const overHttps = (path: string, visit?: Visit, visitor = stranger): Promise<Answer> =>
    visitor.ask(site.https + path, visit);
  const asMember = (path: string, visit?: Visit): Promise<Answer> => overHttps(path, visit, member);

  async function signedIn(form = ADA): Promise<Visitor> {
    const visitor = new Visitor(certificate.cert);
    const answer = await visitor.ask(`${site.https}/accounts/login`, { form });
    if (answer.status !== 303) throw new Error(`not signed in: ${answer.status}`);
    return visitor;
  }

  beforeAll(async () => {
    site = await startSample(newAdapter, certificate, options(join(folder, name)));
    stranger = new Visitor(certificate.cert);
    member = await signedIn();
  });

  afterAll(() => site.app.close());

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
      expect(answer.headers.location).toBe(site.https + path);
      expect(answer.body).not.toContain('ada@lamplight.example');
    },
  );

  it.each(['/ADMIN', '/admin%2f', '//admin', '/admin/', '/%61dmin', '/x/../admin'])(
    '%s over http is the office by another name, and redirected',
    async (path) => {
      const answer = await overHttp(path);

      expect(answer.status).toBe(307);
      expect(answer.headers.location).toBe(site.https + path);
    },
  );

  it.each(SECRET_PAGES)('%s is there over https for a member', async (path) => {
    const answer = await asMember(path);

    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('This page came over https:');
  });

  const FORMS = [EDIT, '/accounts/login', '/accounts/logout', '/accounts/sessions/revoke'];

  it.each(FORMS)('a form posted to %s over http is refused', async (path) => {
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

    const saved = await asMember('/members/ines-okafor/edit', { form: typed });

    expect(saved.status).toBe(303);
    expect(saved.headers.location).toBe(`${site.https}/members/ines-okafor`);
    const shown = await asMember('/members/ines-okafor');
    expect(shown.body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;\n&amp; more');
    expect(shown.body).toContain('<h1>Ines &quot;the gull&quot; O&#39;Kafor</h1>');
    const form = await asMember('/members/ines-okafor/edit');
    expect(form.body).toContain('value="Ines &quot;the gull&quot; O&#39;Kafor"');
    for (const page of [shown, form, await overHttp('/')]) expect(page.body).not.toContain('<script');
    expect(JSON.parse((await asMember('/api/members/ines-okafor')).body)).toMatchObject(typed);
  });

  it('an edit with a blank name keeps the name, and what was not sent stays', async () => {
    await asMember('/members/tomas-reyes/edit', { form: { name: '  ', lamp: 'The Short Mole' } });

    expect(JSON.parse((await asMember('/api/members/tomas-reyes')).body)).toMatchObject({
      name: 'Tomas Reyes',
      lamp: 'The Short Mole',
      email: 'tomas@lamplight.example',
    });
  });

  it('an edit ten minutes after the sign-in asks for the password again, leads back, and is saved then', async () => {
    const visitor = await signedIn();
    const clock = Date.now;
    const later = jest.spyOn(Date, 'now').mockImplementation(() => clock() + 11 * 60_000);
    try {
      const path = '/members/tomas-reyes/edit';
      const edit: Visit = {
        form: { lamp: 'The Long Pier' },
        accept: 'text/html',
        headers: { referer: site.https + path },
      };
      const lampNow = async (): Promise<string> => JSON.parse((await overHttps('/api/members/tomas-reyes')).body).lamp;

      const refused = await overHttps(path, edit, visitor);
      expect(refused.status).toBe(303);
      expect(refused.headers.location).toBe(`/accounts/login?return=${encodeURIComponent(path)}`);
      expect(await lampNow()).not.toBe('The Long Pier');

      const { body } = await overHttps(refused.headers.location ?? '', {}, visitor);
      expect(body).toContain('Give the password again to confirm that it is you.');
      expect(body).toContain(`<input type="hidden" name="next" value="${path}" />`);
      const wrong = await overHttps('/accounts/login', { form: { ...ADA, password: 'wrong', next: path } }, visitor);
      expect(wrong.status).toBe(401);
      expect((await overHttps(path, edit, visitor)).headers.location).toContain('/accounts/login?return=');

      const confirmed = await overHttps('/accounts/login', { form: { ...ADA, next: path } }, visitor);
      expect([confirmed.status, confirmed.headers.location]).toEqual([303, site.https + path]);
      const saved = await overHttps(path, edit, visitor);
      expect([saved.status, saved.headers.location]).toEqual([303, `${site.https}/members/tomas-reyes`]);
      expect(await lampNow()).toBe('The Long Pier');
    } finally {
      later.mockRestore();
    }
  });

  it('a right name and password over https sign in, and lead to the profile', async () => {
    const visitor = new Visitor(certificate.cert);
    const answer = await overHttps('/accounts/login', { form: { ...ADA, name: 'ada marlowe' } }, visitor);

    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe(`${site.https}/accounts/profile`);
    expect((await overHttps('/accounts/profile', {}, visitor)).body).toContain('You are signed in as Ada Marlowe.');
  });

  it('the session cookie is one for this host, https and the server alone', () => {
    expect(member.jar.cookies()).toEqual([
      expect.objectContaining({
        name: '__Host-sid',
        domain: 'localhost',
        hostOnly: true,
        path: '/',
        secure: true,
        httpOnly: true,
        sameSite: 'Lax',
        expires: undefined,
      }),
    ]);
  });

  it.each([
    ['a wrong password', { ...ADA, password: 'correct horse' }],
    ['no password', { name: ADA.name }],
    ['a name that nobody has', { ...ADA, name: '<script>x</script>' }],
    ['nothing', {}],
  ])('%s is 401: the same page, what was typed escaped, the password gone', async (_what, form) => {
    const visitor = new Visitor(certificate.cert);
    const answer = await overHttps('/accounts/login', { form }, visitor);

    expect(answer.status).toBe(401);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.body).toContain('This name and this password do not belong together.');
    expect(answer.body).toContain(`value="${'name' in form ? html`${form.name}`.toString() : ''}"`);
    expect(answer.body).not.toContain('correct horse');
    expect(visitor.jar.cookies()).toEqual([]);
  });

  it('the login says which password the members use', async () => {
    expect((await overHttps('/accounts/login')).body).toContain('<code>lamplight</code>');
  });

  it.each(MEMBER_PAGES)('%s leads a stranger to the login, and from there back', async (path) => {
    const visitor = new Visitor(certificate.cert);
    const refused = await overHttps(`${path}?from=letter&x=1`, {}, visitor);
    expect(refused.status).toBe(303);
    const login = new URL(refused.headers.location ?? '');
    expect(login.origin + login.pathname).toBe(`${site.https}/accounts/login`);

    const { body } = await visitor.ask(login.href);
    const next = `${path}?from=letter&x=1`;
    expect(body).toContain(`<input type="hidden" name="next" value="${html`${next}`.toString()}" />`);
    const answer = await overHttps('/accounts/login', { form: { ...ADA, next } }, visitor);

    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe(site.https + next);
    expect((await overHttps(next, {}, visitor)).status).toBe(200);
  });

  it.each(['//evil.example/x', '/\\evil.example', 'https://evil.example/', 'javascript:alert(1)'])(
    'a login that should lead on to %s leads to the profile',
    async (next) => {
      const { body } = await overHttps(`/accounts/login?next=${encodeURIComponent(next)}`);
      expect(body).not.toContain('evil.example');
      expect(body).not.toContain('name="next"');

      const answer = await overHttps('/accounts/login', { form: { ...ADA, next } }, new Visitor(certificate.cert));
      expect(answer.headers.location).toBe(`${site.https}/accounts/profile`);
    },
  );

  it.each(['/members/tomas-reyes/edit', '/accounts/sessions/revoke', '/accounts/sessions/revoke-others'])(
    'a stranger who posts to %s is led to the login, and nothing changes',
    async (path) => {
      const before = (await overHttps('/api/members/tomas-reyes')).body;
      const answer = await overHttps(path, { form: { name: 'Mallory', session: 'x' }, accept: 'text/html' });

      expect(answer.status).toBe(303);
      expect(new URL(answer.headers.location ?? '', site.https).href).toBe(`${site.https}/accounts/login`);
      expect((await overHttps('/api/members/tomas-reyes')).body).toBe(before);
    },
  );

  it.each(PUBLIC_PAGES)('%s says who is signed in over https, and nobody over http', async (path) => {
    expect((await asMember(path)).body).toContain('Signed in as <b>Ada Marlowe</b>');
    expect((await overHttps(path)).body).toContain('<p class="who">Not signed in</p>');
    const clear = await overHttp(path, {}, member);
    expect(clear.body).toContain('<p class="who">Not signed in here</p>');
    expect(clear.headers['set-cookie']).toBeUndefined();
  });

  it('a browser that trusts localhost over plain HTTP sends its cookie there, and is not signed in', async () => {
    const trusting = new Visitor(certificate.cert, { trustLocalhost: true });
    await overHttps('/accounts/login', { form: ADA }, trusting);

    const clear = await overHttp('/', {}, trusting);
    const still = await overHttps('/accounts/profile', {}, trusting);

    expect(trusting.jar.header(`${site.http}/`)).toMatch(/^__Host-sid=/);
    expect(clear.body).toContain('Not signed in here');
    expect(clear.body).not.toContain('Signed in as');
    expect(still.body).toContain('You are signed in as Ada Marlowe.');
  });

  it.each(['\u00a0__Host-sid', '\u0085__Host-sid', '"__Host-sid"', '%5F%5FHost-sid', 'sid'])(
    'a session planted over http as the cookie %j, which browsers allow, signs nobody in',
    async (planted) => {
      const tomas = await signedIn({ ...ADA, name: 'Tomas Reyes' });
      const visitor = new Visitor(certificate.cert);
      const [cookie] = tomas.jar.cookies();
      const refused = visitor.jar.store(site.http, `${planted}=${cookie?.value}; Path=/`);

      expect(refused).toEqual([]);
      expect((await overHttps('/', {}, visitor)).body).toContain('<p class="who">Not signed in</p>');
    },
  );

  it.each(SECRET_PAGES)('%s is kept by no browser', async (path) => {
    expect((await asMember(path)).headers['cache-control']).toMatch(path === '/admin' ? /^private/ : /^no-store$/);
  });

  it('logging out ends the session in the store and in the browser', async () => {
    const visitor = await signedIn();
    const cookie = visitor.jar.header(site.https);
    const answer = await overHttps('/accounts/logout', { method: 'POST' }, visitor);

    expect(answer.status).toBe(200);
    expect(answer.body).toContain('Nobody is signed in on this browser any more.');
    expect(answer.body).toContain('<p class="who">Not signed in</p>');
    expect(visitor.jar.cookies()).toEqual([]);
    const thief = new Visitor(certificate.cert);
    thief.jar.store(site.https, `${cookie}; Path=/; Secure`);
    expect((await overHttps('/accounts/profile', {}, thief)).body).toContain('Nobody is signed in on this browser.');
  });

  it('logging out where nobody is signed in does no harm', async () => {
    expect((await overHttps('/accounts/logout', { method: 'POST' })).status).toBe(200);
  });

  it('logging in again takes a new id and ends the session before', async () => {
    const visitor = await signedIn();
    const before = visitor.jar.header(site.https);
    await overHttps('/accounts/login', { form: { ...ADA, name: 'Tomas Reyes' } }, visitor);

    expect(visitor.jar.header(site.https)).not.toBe(before);
    expect((await overHttps('/accounts/profile', {}, visitor)).body).toContain('You are signed in as Tomas Reyes.');
    const thief = new Visitor(certificate.cert);
    thief.jar.store(site.https, `${before}; Path=/; Secure`);
    expect((await overHttps('/accounts/profile', {}, thief)).body).toContain('Nobody is signed in on this browser.');
  });

  it.each(PUBLIC_PAGES)('%s over http links to secret pages over https, to the others over http', async (path) => {
    const links = linksIn((await overHttp(path)).body);

    expect(links.filter(isSecret).length).toBeGreaterThanOrEqual(3);
    for (const link of links) {
      expect(new URL(link).origin).toBe(isSecret(link) ? site.https : site.http);
    }
  });

  it.each([...PUBLIC_PAGES, ...SECRET_PAGES])('%s over https links to nothing over plain HTTP', async (path) => {
    const { body } = await asMember(path);

    for (const link of [...linksIn(body), ...formActionsIn(body)]) {
      expect(new URL(link).origin).toBe(site.https);
    }
  });

  it('has no broken link, and no link that needs a redirect', async () => {
    await signedIn();
    const found = new Set([`${site.http}/`]);
    const forms = new Set<string>();
    for (const url of found) {
      const answer = await member.ask(url);
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
      '/accounts/sessions/revoke',
      '/accounts/sessions/revoke-others',
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
    const told = site.app
      .get(SecureAudit)
      .routes()
      .map(({ method, path, requirement }) => `${method} ${path} ${requirement.level} by ${requirement.by}`);

    expect(told.toSorted()).toEqual([
      'GET / unmarked by nobody',
      'GET /accounts/login required by class',
      'GET /accounts/profile required by class',
      'GET /accounts/sessions required by class',
      'GET /accounts/sessions/live required by class',
      'GET /accounts/sessions/live.js required by class',
      'GET /accounts/status exempt by handler',
      'GET /admin required by path',
      'GET /api/members/:slug required by class',
      'GET /blog/:slug unmarked by nobody',
      'GET /healthz exempt by handler',
      'GET /members/:slug unmarked by nobody',
      'GET /members/:slug/edit required by handler',
      'POST /accounts/login required by class',
      'POST /accounts/logout required by class',
      'POST /accounts/sessions/revoke required by class',
      'POST /accounts/sessions/revoke-others required by class',
      'POST /members/:slug/edit required by handler',
    ]);
  });
});

describe.each(adapters)('the sessions page of the sample application on %s', (name, newAdapter) => {
  let site: SampleSite;
  let here: Visitor;
  let elsewhere: Visitor;

  const isSignedIn = async (visitor: Visitor): Promise<boolean> =>
    (await visitor.ask(`${site.https}/accounts/profile`)).body.includes('You are signed in');
  const sessionsOf = (visitor: Visitor): Promise<Answer> => visitor.ask(`${site.https}/accounts/sessions`);

  async function signedIn(form = ADA): Promise<Visitor> {
    const visitor = new Visitor(certificate.cert);
    await visitor.ask(`${site.https}/accounts/login`, { form });
    return visitor;
  }

  beforeEach(async () => {
    const sessions = await mkdtemp(join(folder, `${name}-`));
    site = await startSample(newAdapter, certificate, options(sessions));
    [here, elsewhere] = [await signedIn(), await signedIn()];
  });

  afterEach(() => site.app.close());

  it('lists where the member is signed in, when it began, when it was last used, and which one is this', async () => {
    const { body } = await sessionsOf(here);

    expect(body.match(/<time datetime="/g)).toHaveLength(4);
    expect(body.match(/<b>This one<\/b>/g)).toHaveLength(1);
    expect(endableIn(body)).toHaveLength(1);
    expect(endableIn((await sessionsOf(elsewhere)).body)).not.toEqual(endableIn(body));
  });

  it('tells one session from another by browser and address, and the sign-in of a page that changes by its time', async () => {
    const { body } = await sessionsOf(here);
    expect(body.match(/<td>A program<\/td>/g)).toHaveLength(2);
    expect(body.match(/<td>(?:::ffff:)?127\.0\.0\.1<\/td>/g)).toHaveLength(2);
  });

  it('has a live list, which is complete when its session ends', async () => {
    const cookie = elsewhere.jar.header(site.https) ?? '';
    const sent = get(`${site.https}/accounts/sessions/live`, {
      ca: certificate.cert,
      agent: false,
      headers: { cookie },
    });
    const [stream]: IncomingMessage[] = await once(sent, 'response');
    if (stream === undefined) throw new Error('no stream');
    let told = '';
    stream.on('data', (chunk) => (told += String(chunk)));
    while (!told.includes('data: ["')) await once(stream, 'data');
    const ended = once(stream, 'end');
    await here.ask(`${site.https}/accounts/sessions/revoke-others`, { form: {} });
    await ended;
    expect(stream.complete).toBe(true);
  });

  it('shows nothing that anybody could sign in with', async () => {
    const { body } = await sessionsOf(here);

    for (const { value } of [...here.jar.cookies(), ...elsewhere.jar.cookies()]) {
      expect(value).toHaveLength(65);
      expect(body).not.toContain(value);
      expect(body).not.toContain(idIn(value));
    }
  });

  it('ends one session elsewhere, and leaves the others', async () => {
    const third = await signedIn();
    const [id = ''] = endableIn((await sessionsOf(here)).body);
    const answer = await here.ask(`${site.https}/accounts/sessions/revoke`, { form: { session: id } });

    expect(answer.status).toBe(303);
    expect(answer.headers.location).toBe(`${site.https}/accounts/sessions`);
    expect(await isSignedIn(here)).toBe(true);
    expect([await isSignedIn(elsewhere), await isSignedIn(third)].filter(Boolean)).toHaveLength(1);
    expect(endableIn((await sessionsOf(here)).body)).toHaveLength(1);
  });

  it('ends all the others', async () => {
    await signedIn();
    await here.ask(`${site.https}/accounts/sessions/revoke-others`, { form: {} });

    expect([await isSignedIn(here), await isSignedIn(elsewhere)]).toEqual([true, false]);
    const { body } = await sessionsOf(here);
    expect(endableIn(body)).toEqual([]);
    expect(body).not.toContain('End all the others');
  });

  it('ends nothing of another member', async () => {
    const tomas = await signedIn({ ...ADA, name: 'Tomas Reyes' });
    const [id = ''] = endableIn((await sessionsOf(here)).body);
    await tomas.ask(`${site.https}/accounts/sessions/revoke`, { form: { session: id } });

    expect([await isSignedIn(here), await isSignedIn(elsewhere)]).toEqual([true, true]);
    expect(endableIn((await sessionsOf(tomas)).body)).toEqual([]);
  });

  it('ends this one too when its id is posted', async () => {
    const [id = ''] = endableIn((await sessionsOf(elsewhere)).body);
    await here.ask(`${site.https}/accounts/sessions/revoke`, { form: { session: id } });

    expect([await isSignedIn(here), await isSignedIn(elsewhere)]).toEqual([false, true]);
  });

  it('is the same after a restart, and so is who is signed in', async () => {
    const sessions = await mkdtemp(join(folder, `${name}-`));
    await site.app.close();
    site = await startSample(newAdapter, certificate, options(sessions));
    [here, elsewhere] = [await signedIn(), await signedIn()];
    const before = endableIn((await sessionsOf(here)).body);

    await site.app.close();
    site = await startSample(newAdapter, certificate, options(sessions));

    expect([await isSignedIn(here), await isSignedIn(elsewhere)]).toEqual([true, true]);
    expect(endableIn((await sessionsOf(here)).body)).toEqual(before);
    await here.ask(`${site.https}/accounts/logout`, { method: 'POST' });
    await site.app.close();
    site = await startSample(newAdapter, certificate, options(sessions));
    expect([await isSignedIn(here), await isSignedIn(elsewhere)]).toEqual([false, true]);
  });

  it('with another secret nobody is signed in', async () => {
    const sessions = await mkdtemp(join(folder, `${name}-`));
    await site.app.close();
    site = await startSample(newAdapter, certificate, options(sessions));
    here = await signedIn();

    await site.app.close();
    site = await startSample(newAdapter, certificate, {
      ...options(sessions),
      sessionSecret: [...SECRET].toReversed().join(''),
    });

    expect(await isSignedIn(here)).toBe(false);
  });
});

describe('where the login of the sample application leads on to', () => {
  it.each(['/', '/members/ada-marlowe/edit', '/accounts/sessions?x=%41&y=//z', '/a?b=c'])('%s it may', (path) => {
    expect(nextPath(path)).toBe(path);
  });

  it.each([
    undefined,
    '',
    'members',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    ' //evil.example',
    'https://evil.example/',
    'https:evil.example',
    'javascript:alert(1)',
    '//user@here.invalid:8443/',
    ['/a', '/b'],
    { path: '/' },
  ])('%j it may not', (given) => {
    expect(nextPath(given)).toBeUndefined();
  });
});

describe('the session secret of the sample application', () => {
  let kept: string;

  beforeEach(async () => {
    kept = join(await mkdtemp(join(folder, 'secret-')), 'certificate');
  });

  it('is 32 random bytes, kept for the next start and for the owner alone', async () => {
    const first = await localSecret(kept);

    expect(Buffer.from(first, 'base64url')).toHaveLength(32);
    expect(await localSecret(kept)).toBe(first);
    expect(await localSecret(join(kept, 'elsewhere'))).not.toBe(first);
    expect((await stat(join(kept, 'session-secret'))).mode & 0o777).toBe(0o600);
  });

  it('is one and the same for two that start together', async () => {
    const [one, other] = await Promise.all([localSecret(kept), localSecret(kept)]);

    expect(one).toBe(other);
  });

  it('that cannot be kept is an error that names the settings to change', async () => {
    const file = join(folder, 'not-a-folder');
    await writeFile(file, '');

    await expect(localSecret(join(file, 'below'))).rejects.toThrow(/could not be kept .*SESSION_SECRET.*CERT_DIR/);
  });
});

describe('the session store of the sample application', () => {
  it.each(['redis', 'postgres'])('that cannot be reached over %s is named without its password', async (scheme) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const host = `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
    server.close();
    await once(server, 'close');

    const sessionStore = new URL(`${scheme}://user:pass-word@${host}/0`);
    const opened = SessionStorage.open({ sessionStore, sessionFolder: folder });

    await expect(opened).rejects.toThrow(`SESSION_STORE: ${scheme}://${host} cannot be used`);
    await expect(opened).rejects.not.toThrow('pass-word');
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
    const names = ['ADAPTER', 'HTTP_PORT', 'HTTPS_PORT', 'CERT_DIR', 'HOSTS', 'SESSION_SECRET', 'SESSION_STORE'];
    const empty = Object.fromEntries([...names, 'SESSION_DIR'].map((variable) => [variable, '']));
    expect(readSettings(empty)).toEqual(readSettings({}));
    expect(readSettings({}).certificateFolder).toBe(join(process.cwd(), '.certificate'));
    expect(readSettings({}).sessionFolder).toBe(join(process.cwd(), '.sessions'));
  });

  it('are read from the environment', () => {
    const env = {
      ADAPTER: 'fastify',
      HTTP_PORT: '0',
      HTTPS_PORT: '0',
      CERT_DIR: '/somewhere/c',
      HOSTS: 'www.lamplight.test, .lamplight.example',
      SESSION_SECRET: SECRET,
      SESSION_STORE: 'redis://127.0.0.1:6379/1',
      SESSION_DIR: '/somewhere/s',
    };

    expect(readSettings(env)).toEqual({
      adapter: 'fastify',
      httpPort: 0,
      httpsPort: 0,
      certificateFolder: '/somewhere/c',
      hosts: ['www.lamplight.test', '.lamplight.example'],
      sessionSecret: SECRET,
      sessionStore: new URL('redis://127.0.0.1:6379/1'),
      sessionFolder: '/somewhere/s',
    });
  });

  it.each(['web', '-1', '65536', '80.5', '0x50', '1e3', ' 80', '000080'])('refuse %j as a port', (port) => {
    expect(() => readSettings({ HTTP_PORT: port })).toThrow(`HTTP_PORT is "${port}", which is not a port`);
    expect(() => readSettings({ HTTPS_PORT: port })).toThrow(`HTTPS_PORT is "${port}", which is not a port`);
  });

  it('refuse one port for both listeners', () => {
    expect(() => readSettings({ HTTP_PORT: '8080', HTTPS_PORT: '8080' })).toThrow('are both 8080');
  });

  it.each(['mysql://root:pass-word@db/0', 'localhost:6379', 'pass-word'])(
    'refuse %j as a session store, and do not repeat it',
    (given) => {
      const read = () => readSettings({ SESSION_STORE: given });

      expect(read).toThrow('SESSION_STORE is not the URL of a store: give redis://... or postgres://...');
      expect(read).not.toThrow('pass-word');
    },
  );

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
