import { All, Controller, Get, HttpCode, Inject, Post, Req, Res, type Type } from '@nestjs/common';
import {
  SecureModule,
  SecureOptionsError,
  SecureRequired,
  SecureUrls,
  VERDICT_CHANNEL,
  type SecureOptions,
  type VerdictEvent,
} from 'nestjs-secure';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { adapters, ran, type NewAdapter, type Reply } from '../support/applications.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';
import { HTTPS_CASES, OTHERWISE, type CaseAnswer, type CaseConfig, type CaseRequest } from '../support/https-cases.js';
import { serve, type LiveApplication } from '../support/live-application.js';
import { shared } from '../support/everything.js';

interface Response {
  header(name: string, value: string | readonly string[]): void;
}

/** What the application of the case at hand sets itself. */
let page: CaseConfig['app'];

@Controller()
class PageController {
  constructor(@Inject(SecureUrls) private readonly urls: SecureUrls) {}

  @All('*')
  @HttpCode(200)
  any(@Req() request: object, @Res({ passthrough: true }) response: Response): object {
    ran.push('page');
    for (const [name, value] of Object.entries(page?.responseHeaders ?? {})) response.header(name, value);
    if (page?.setCookie !== undefined) response.header('set-cookie', page.setCookie);
    return { secure: this.urls.isSecure(request), url: this.absoluteUrl(request) };
  }

  private absoluteUrl(request: object): string | undefined {
    try {
      return this.urls.buildAbsoluteUrl(request);
    } catch {
      return undefined;
    }
  }
}

// The routes of the cases that ask for marked ones.
@SecureRequired()
@Controller()
class MarkedController {
  @Get(['ssl', 'ssl/nested/route/:id'])
  page(): void {
    ran.push('page');
  }

  @Post('sslEcho')
  @HttpCode(200)
  echo(): void {
    ran.push('page');
  }
}

function optionsOf(config: CaseConfig, answer: CaseAnswer): SecureOptions {
  const { trustProxy, proxyHeader, hostHeader, environments, environment = '' } = config;
  const behindProxy = trustProxy === true || proxyHeader !== undefined || hostHeader !== undefined;
  // A value of '*' is the mere presence of the header.
  const header = proxyHeader?.value === '*' ? { name: proxyHeader.name } : proxyHeader;
  const enforced = config.sslRedirect === true && config.only === undefined;
  return {
    mode: enforced || answer.hostAccepted !== undefined ? 'all' : 'marked',
    httpsSupport: environments === undefined || environments.includes(environment),
    paths: config.only,
    exempt: config.exempt,
    onInsecure: config.onInsecure ?? (config.rejectStatus === undefined ? 'redirect' : 'auto'),
    redirect: { status: config.redirectStatus, host: config.sslHost },
    refuse: { status: config.rejectStatus },
    ports: { http: 80, https: config.httpsPort ?? 443 },
    hosts: config.allowedHosts ?? ['*'],
    proxies: behindProxy ? { trust: ['loopback'], header, host: hostHeader } : undefined,
    hsts: config.hsts ?? false,
    cookies: { secure: config.secureCookies === true ? 'all' : 'session' },
  };
}

let certificate: Certificate;
/** The applications that serve the cases, one for all that are configured alike. */
const sites = new Map<string, Promise<LiveApplication>>();

beforeAll(async () => {
  certificate = await makeCertificate();
});

afterAll(async () => {
  for (const site of sites.values()) await (await site).close();
});

function siteFor(newAdapter: NewAdapter, options: SecureOptions, controllers: Type[]): Promise<LiveApplication> {
  const key = inspect([newAdapter.toString(), options, controllers], { depth: null });
  const site = sites.get(key) ?? serve(newAdapter, { options, controllers, certificate });
  sites.set(key, site);
  return site;
}

describe.each(adapters)('a case on %s', (platform, newAdapter) => {
  it.each(shared(HTTPS_CASES, platform === 'Express' ? 0 : 1, adapters.length))(
    '%s (%s)',
    async (_id, _source, config, request, answer) => {
      await check(newAdapter, config, request, answer);
    },
  );
});

describe.each(adapters)('a case that is answered otherwise on %s', (_platform, newAdapter) => {
  it.each(OTHERWISE)('%s (%s)', async (_id, _source, config, request, _theirs, _why, instead) => {
    await check(newAdapter, config, request, instead);
  });
});

async function check(
  newAdapter: NewAdapter,
  config: CaseConfig,
  asked: CaseRequest,
  answer: CaseAnswer,
): Promise<void> {
  if (answer.configError === true) {
    const options: unknown = config.optionsAsGiven ?? optionsOf(config, answer);
    expect(() => Reflect.apply(SecureModule.forRoot, SecureModule, [options])).toThrow(SecureOptionsError);
    return;
  }
  const { reply, events } = await run(newAdapter, config, asked, answer);
  const { location, hsts, setCookie } = answer;
  if (answer.status !== undefined) expect(reply.status).toBe(answer.status);
  if (location !== undefined) expect(reply.headers.location).toBe(location ?? undefined);
  if (hsts !== undefined) expect(reply.headers['strict-transport-security']).toBe(hsts ?? undefined);
  if (setCookie !== undefined) expect(attributesOf(reply.headers['set-cookie'])).toEqual(attributesOf(setCookie));
  if (answer.hostAccepted === true) expect(reply.headers.location).toMatch(/^https:/);
  if (answer.hostAccepted === false) expect(reply.headers.location).toBeUndefined();
  if (answer.secure !== undefined) expect(JSON.parse(reply.body).secure).toBe(answer.secure);
  if (answer.effectiveHost !== undefined) expect(JSON.parse(reply.body).url).toBe(`http://${answer.effectiveHost}/`);
  if (answer.absoluteUrl !== undefined) expect(JSON.parse(reply.body).url).toBe(answer.absoluteUrl);
  if (answer.clientIp !== undefined) expect(events[0]?.transport.peer).toBe(answer.clientIp);
  // What others do by a hook, the channel does here.
  const redirects = events.filter(({ verdict }) => verdict.action === 'redirect');
  if (answer.hookCalled !== undefined) expect(redirects).toHaveLength(answer.hookCalled === null ? 0 : 1);
  expect(ran).toEqual(reply.status === 200 ? ['page'] : []);
}

async function run(
  newAdapter: NewAdapter,
  config: CaseConfig,
  { method, url, host, target, headers, body }: CaseRequest,
  answer: CaseAnswer,
): Promise<{ reply: Reply; events: VerdictEvent[] }> {
  const [, scheme, authority = '', path = ''] = /^(https?):\/\/([^/]*)(.*)$/.exec(url) ?? [];
  const controllers: Type[] =
    config.requireRoutes === undefined ? [PageController] : [MarkedController, PageController];
  const site = await siteFor(newAdapter, optionsOf(config, answer), controllers);
  const events: VerdictEvent[] = [];
  const listener = (event: unknown): void => {
    if (isVerdictEvent(event)) events.push(event);
  };
  subscribe(VERDICT_CHANNEL, listener);
  page = config.app;
  try {
    const reply = await site.ask(target ?? (path === '' ? '/' : path), {
      method,
      body,
      headers: { Host: host ?? authority, ...contentTypeOf(body), ...headers },
      tls: scheme === 'https',
    });
    return { reply, events };
  } finally {
    unsubscribe(VERDICT_CHANNEL, listener);
  }
}

function contentTypeOf(body: string | undefined): Record<string, string> {
  return body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' };
}

/** Cookies with their attributes in lower case, for these compare without case and without order. */
function attributesOf(cookies: readonly string[] | null | undefined): string[][] | undefined {
  return cookies?.map((cookie) => {
    const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim());
    return [pair, ...attributes.map((attribute) => attribute.toLowerCase()).toSorted()];
  });
}

function isVerdictEvent(event: unknown): event is VerdictEvent {
  return typeof event === 'object' && event !== null && 'verdict' in event;
}
