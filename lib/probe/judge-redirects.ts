import { isSafe } from '../policy/safe-methods.js';
import { keepHost, stateScheme, writeDirective, writeRedirect } from './directives.js';
import { headerLine, headerLines, readRefusal, type Answer, type Answered } from './observations.js';
import { findRoute, originText, routeSubject, seenAt, urlText, type Judged, type Problem } from './problems.js';
import type { ProbeSite, SiteRoute } from './site.js';

/** What the statuses of redirects are that a client follows. */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Statuses that turn a request away without saying who did: the application, or the server in front. */
const REFUSALS: ReadonlySet<number> = new Set([400, 403, 404, 405, 410, 421, 426]);

const DECLARE_PROXY =
  "declare it: proxies: { trust: ['loopback'] } in SecureModule.forRoot() where it runs on the same machine, else its address";

/** What becomes of requests over plain HTTP for routes that require https. */
export function judgeRequired(judged: Judged): Problem[] {
  const { site, answered } = judged;
  return answered.flatMap((exchange) => {
    const route = findRoute(exchange, site);
    const { scheme, forged } = exchange.ask;
    if (scheme !== 'http' || forged !== undefined || route?.requirement.level !== 'required') return [];
    return judgeOverHttp(exchange, route, judged);
  });
}

function judgeOverHttp(exchange: Answered, route: SiteRoute, judged: Judged): Problem[] {
  const { status } = exchange.answer;
  if (!isTelling(exchange.answer)) return [];
  const target = redirectTarget(exchange, judged.site);
  if (target !== undefined) return judgeRedirect(exchange, route, target, judged);
  if (REFUSALS.has(status)) return judgeRefusal(exchange, route, judged);
  return [ran(exchange, route, `was answered ${status}`, judged)];
}

/** Too busy or broken: that says nothing of what the site does when it is well. */
export function isTelling({ status }: Answer): boolean {
  return status < 500 && status !== 429;
}

/** Where a redirect leads; undefined where the answer is none. */
export function redirectTarget(exchange: Answered, site: ProbeSite): URL | undefined {
  const { status } = exchange.answer;
  const location = headerLine(exchange.answer, 'location');
  if (location === undefined || !REDIRECTS.has(status)) return undefined;
  try {
    return new URL(location, urlText(exchange, site));
  } catch {
    return undefined;
  }
}

function ran({ ask }: Answered, route: SiteRoute, what: string, { site, server }: Judged): Problem {
  const { requirement, overHttp } = route;
  const enforced = overHttp.safe.action !== 'pass';
  const advice = enforced
    ? `If the server in front says https of plain-HTTP requests, let it state the real scheme (${writeDirective(server, stateScheme(site))}); if it answers in place of the application, hand the path on, or redirect it (${writeRedirect(server, site)}).`
    : 'Take httpsSupport: false and reportOnly out of SecureModule.forRoot(): nothing is enforced.';
  return {
    id: 'SEC520',
    subject: routeSubject(route),
    cause: `It requires https (${requirement.by}), and ${ask.method} ${originText(site, 'http')}${ask.target} ${what}.`,
    fix: advice,
  };
}

function judgeRedirect(exchange: Answered, route: SiteRoute, target: URL, judged: Judged): Problem[] {
  const { site } = judged;
  const { ask } = exchange;
  if (target.protocol === 'http:') {
    if (target.href === urlText(exchange, site)) return [loop(exchange, judged)];
    return [ran(exchange, route, `was led to ${target.href}`, judged)];
  }
  if (isLedAsOverHttps(exchange, target, judged)) {
    return [ran(exchange, route, `was led to ${target.href}, as over https`, judged)];
  }
  const wrongPlace = judgePlace(exchange, target, judged);
  if (wrongPlace !== undefined) return [wrongPlace];
  return [...judgeStatus(exchange, route, judged), ...judgeStored(exchange, ask.method, route, judged)];
}

/** Led to where the same page over https leads: the application has answered, such as with its page to sign in. */
function isLedAsOverHttps({ ask }: Answered, target: URL, { site, answered }: Judged): boolean {
  const path = target.pathname + target.search;
  if (path === ask.target || path === ask.target.slice(site.prefix.length)) return false;
  const twin = answered.find(({ ask: other }) => other.scheme === 'https' && other.target === ask.target);
  return twin !== undefined && redirectTarget(twin, site)?.href === target.href;
}

function judgePlace(exchange: Answered, target: URL, { site, server }: Judged): Problem | undefined {
  const { prefix, redirectHost, port, httpPort } = site;
  const { target: asked } = exchange.ask;
  const seen = { subject: originText(site, 'http'), page: asked };
  const own = port === 443 ? '' : `:${port}`;
  const targetPort = target.port === '' ? 443 : Number(target.port);
  const elsewhere: Problem = {
    ...seen,
    id: 'SEC528',
    cause: `A redirect leads to ${target.href}, and not to the same page over https.`,
    fix: `Redirect each page to itself: ${writeRedirect(server, site)}. Or hand plain HTTP on to the application, which does.`,
  };
  if (target.protocol !== 'https:') return elsewhere;
  if (target.hostname !== redirectHost) {
    return {
      ...seen,
      id: 'SEC528',
      cause: `A redirect leads to ${target.origin}, and visitors use https://${redirectHost}${own}.`,
      fix: `If the application redirects: redirect: { host: '${redirectHost}' } in SecureModule.forRoot(). If the server in front does: ${writeRedirect(server, site)}.`,
    };
  }
  if (targetPort !== port) {
    return {
      ...seen,
      id: 'SEC526',
      cause: `A redirect leads to port ${targetPort}, and https is served on port ${port}.`,
      fix: `If the application redirects: ports: { http: ${httpPort}, https: ${port} } in SecureModule.forRoot()${httpPort === 80 && port !== 443 ? ' (http is the port that visitors use for plain HTTP: write another where it is not 80)' : ''}. If the server in front does: ${writeRedirect(server, site)}.`,
    };
  }
  if (prefix !== '' && target.pathname + target.search === asked.slice(prefix.length)) {
    return {
      ...seen,
      id: 'SEC527',
      cause: `A redirect leads to ${target.pathname} without the prefix ${prefix}, which a proxy takes off the path.`,
      fix: `Write prefix: '${prefix}' into the proxies option: SecureModule.forRoot({ proxies: { ${site.proxiesDeclared ? '…' : "trust: ['loopback']"}, prefix: '${prefix}' } }).`,
    };
  }
  return target.pathname + target.search === asked ? undefined : elsewhere;
}

/** 301, 302 and 303 make a GET of what was a POST. That matters where the path takes one. */
function judgeStatus({ ask, answer }: Answered, route: SiteRoute, { site, server }: Judged): Problem[] {
  const { status } = answer;
  if (status === 307 || status === 308) return [];
  const writer = site.routes.find(
    ({ path, method }) => path === route.path && !['GET', 'HEAD', 'OPTIONS'].includes(method),
  );
  if (writer === undefined && status !== 303) return [];
  return [
    {
      id: 'SEC529',
      subject: originText(site, 'http'),
      page: `${writer?.method ?? ask.method} ${ask.target}`,
      cause: `Plain HTTP is redirected with status ${status}, after which clients ask with GET and without the body.`,
      fix: `If the application redirects: take redirect.status out of SecureModule.forRoot(). If the server in front does: ${writeRedirect(server, site)}.`,
    },
  ];
}

/** A redirect that browsers keep outlives what it was made for. */
function judgeStored({ ask, answer }: Answered, method: string, route: SiteRoute, { site, server }: Judged): Problem[] {
  const { status } = answer;
  const { safe, unsafe } = route.overHttp;
  const expected = isSafe(method) ? safe : unsafe;
  const caching = headerLines(answer, 'cache-control').join(', ').toLowerCase();
  const isRefused = /\bno-store\b|\bno-cache\b/.test(caching);
  const isPermanent = status === 301 || status === 308;
  const isMeant = expected.action === 'redirect' && expected.status === status;
  const age = headerLine(answer, 'age');
  const kept =
    age !== undefined
      ? `it came from a cache (Age: ${age})`
      : /\bs-maxage=[1-9]|\bmax-age=[1-9]/.test(caching) && !isRefused
        ? `Cache-Control is '${caching}'`
        : isPermanent && !isMeant && !isRefused
          ? `status ${status} is permanent`
          : undefined;
  if (kept === undefined) return [];
  return [
    {
      id: 'SEC530',
      subject: originText(site, 'http'),
      page: ask.target,
      cause: `Browsers and caches keep the redirect from plain HTTP to https: ${kept}. It outlives any change of the site.`,
      fix: `Redirect with 307 and without caching: ${writeRedirect(server, site)}; and take the caching out (nginx: proxy_cache and expires; Apache: CacheEnable and ExpiresActive), or set permanent: true in redirect of SecureModule.forRoot() if it is meant.`,
    },
  ];
}

function judgeRefusal(exchange: Answered, route: SiteRoute, judged: Judged): Problem[] {
  const { site, server } = judged;
  const { answer, ask } = exchange;
  const expected = ask.method === 'GET' ? route.overHttp.safe : route.overHttp.unsafe;
  const refusal = readRefusal(answer);
  if (refusal?.reason === 'host-not-allowed') return [hostRefused(exchange, judged)];
  if (refusal?.reason === 'proxy-not-believed' || refusal?.reason === 'redirect-loop') {
    return [notBelieved(exchange, judged)];
  }
  if (expected.action !== 'redirect') return [];
  return [
    {
      id: 'SEC532',
      subject: originText(site, 'http'),
      page: ask.target,
      cause: `Plain HTTP is answered ${answer.status} where the application would redirect to https: visitors who type the address do not arrive.`,
      fix: `Hand plain HTTP on to the application, or redirect it: ${writeRedirect(server, site)}. If main.ts sets a global prefix, name the function that does so: --setup.`,
    },
  ];
}

/** The name of the site is none that the application knows. */
function hostRefused(exchange: Answered, { site, server }: Judged): Problem {
  return {
    id: 'SEC531',
    ...seenAt(exchange, site),
    cause: `The application answers 400: it does not know the host that it is asked for, which is ${site.host} or what the server in front makes of it.`,
    fix: `Hand Host on: ${writeDirective(server, keepHost(site))}. And name the host: hosts: ['${site.host}'] in SecureModule.forRoot().`,
  };
}

/** The application has a sign of https and does not believe it. */
function notBelieved(exchange: Answered, { site, server }: Judged): Problem {
  const finding = readRefusal(exchange.answer)?.finding;
  const logged = finding === undefined ? '' : ` Its log has ${finding}, with the address of the server in front.`;
  const declare = site.proxiesDeclared
    ? 'let proxies.trust name the address of the server in front, and proxies.header the header it sends'
    : DECLARE_PROXY;
  return {
    id: 'SEC522',
    ...seenAt(exchange, site),
    cause: `The application answers 421: something says https in a way that it does not believe.${logged}`,
    fix: `Let the server in front state the scheme (${writeDirective(server, stateScheme(site))}), and ${declare}.`,
  };
}

function loop(exchange: Answered, { site, server }: Judged): Problem {
  const declare = site.proxiesDeclared ? '' : ` And ${DECLARE_PROXY}.`;
  return {
    id: 'SEC521',
    ...seenAt(exchange, site),
    cause: `A page is redirected to itself: the application does not know that the request came over https.`,
    fix: `Let the server in front state the scheme: ${writeDirective(server, stateScheme(site))}.${declare}`,
  };
}

/** What becomes of requests over https. */
export function judgeHttps(judged: Judged): Problem[] {
  const { site, answered } = judged;
  return answered.flatMap((exchange) => {
    if (exchange.ask.scheme !== 'https') return [];
    const refusal = readRefusal(exchange.answer);
    if (refusal?.reason === 'host-not-allowed') return [hostRefused(exchange, judged)];
    if (refusal?.reason === 'proxy-not-believed' || refusal?.reason === 'redirect-loop') {
      return [notBelieved(exchange, judged)];
    }
    if (refusal !== undefined) return [loopOfRefusal(exchange, judged)];
    const target = redirectTarget(exchange, site);
    return target === undefined ? [] : judgeHttpsRedirect(exchange, target, judged);
  });
}

/** Refused as a plain-HTTP request, over https: the same cause as a loop. */
function loopOfRefusal(exchange: Answered, judged: Judged): Problem {
  return {
    ...loop(exchange, judged),
    cause: `A page over https is answered ${exchange.answer.status} as if it had come over plain HTTP: the application does not know that it came over https.`,
  };
}

function judgeHttpsRedirect(exchange: Answered, target: URL, judged: Judged): Problem[] {
  const { site, server } = judged;
  const self = urlText(exchange, site);
  const isOwn = target.hostname === site.host || target.hostname === site.redirectHost;
  if (target.href === self) return [loop(exchange, judged)];
  if (!isOwn || target.protocol !== 'http:') return [];
  if (target.pathname + target.search === exchange.ask.target) {
    return [
      {
        ...loop(exchange, judged),
        cause: 'A page over https is redirected to the same page over plain HTTP, and from there back.',
        fix: `Take the redirect to http out of the server in front, and state the scheme: ${writeDirective(server, stateScheme(site))}.`,
      },
    ];
  }
  return [
    {
      id: 'SEC523',
      ...seenAt(exchange, site),
      cause: `A redirect leads from https to plain HTTP: ${target.href}.`,
      fix: `State the scheme, so that the application writes https (${writeDirective(server, stateScheme(site))}); build the URL with SecureUrls; and where the server in front rewrites Location (nginx: proxy_redirect; Apache: ProxyPassReverse), let it write https.`,
    },
  ];
}
