import type { RedirectStatus, SecureOptions } from '../options/secure-options.js';
import { redirectsAnything } from '../policy/redirects-anything.js';
import { isSafe } from '../policy/safe-methods.js';
import type { AnswerSettings } from '../policy/verdict.js';
import { isLoopbackHost, isSingleHost, parseHost } from '../transport/host.js';
import { compileTrust } from '../transport/trust.js';
import { handlerSubject, type BootFacts } from './boot-facts.js';
import type { Findings } from '../findings/findings.js';

/** Addresses of the documentation (RFC 5737, RFC 3849): nobody's proxy. */
const TEST_NET_ADDRESSES = ['203.0.113.1', '2001:db8::1'];

/** What can be told of the options alone, and of the environment they run in. */
export function checkOptions(facts: BootFacts, findings: Findings): void {
  checkEnforcement(facts, findings);
  checkHosts(facts, findings);
  checkRedirects(facts, findings);
  checkProxies(facts, findings);
  checkBeforeGate(facts, findings);
  checkStore(facts, findings);
  checkAdopt(facts.settings.options, findings);
}

function checkEnforcement({ settings: { httpsSupport, reportOnly }, production }: BootFacts, findings: Findings): void {
  if (!httpsSupport && production) {
    findings.report('SEC006', {
      subject: 'httpsSupport',
      cause:
        'NODE_ENV is production, and allowPlainHttp lets marked handlers run over plain HTTP, with cookies without Secure.',
      fix: 'Take httpsSupport: false and allowPlainHttp out; where a proxy ends TLS, declare it in proxies.',
    });
  } else if (!httpsSupport) {
    findings.report('SEC001', {
      subject: 'httpsSupport',
      cause: 'Marked handlers run over plain HTTP, redirects and Secure cookies are off.',
      fix: 'Right for plain-http development; take httpsSupport: false out everywhere else.',
    });
  }
  if (reportOnly) {
    findings.report('SEC004', {
      subject: 'reportOnly',
      cause: 'Marked handlers run over plain HTTP; what would have been answered is only reported.',
      fix: 'Take reportOnly out of the options once the reports are quiet.',
    });
  }
}

function checkHosts(facts: BootFacts, findings: Findings): void {
  const { options, httpsSupport } = facts.settings;
  const { hosts, redirect } = options;
  if (!httpsSupport || typeof redirect?.host === 'string') return;
  if (hosts?.includes('*') === true) {
    findings.report('SEC008', {
      subject: "hosts: '*'",
      cause: 'Any Host header is taken into redirects and links, also into a link that is sent by mail.',
      fix: "Name the hosts of the site, hosts: ['example.com'], or fix one: redirect: { host: 'example.com' }.",
    });
  }
  const outsiders = [...(hosts ?? []), ...Object.keys(redirect?.host ?? {})].some(
    (host) => typeof host === 'function' || !isOwnName(host),
  );
  if (outsiders || !isDeployed(facts) || !redirectsAnything(facts.settings, facts.routes)) return;
  findings.report('SEC007', {
    subject: hosts === undefined ? 'hosts' : `hosts: ${hosts.map(String).join(', ')}`,
    cause: 'Only names of this machine for itself are allowed, so every redirect for another name is answered 400.',
    fix: "Name the hosts of the site, hosts: ['example.com'], or fix one: redirect: { host: 'example.com' }.",
  });
}

/** Whether a pattern of `hosts` matches loopback names only. */
function isOwnName(pattern: string): boolean {
  const host = parseHost(pattern.replace(/^\./, ''))?.host;
  return host !== undefined && isLoopbackHost(host);
}

/** Outsiders reach it: it says so, or proxies on other machines stand in front. */
function isDeployed({ settings, production }: BootFacts): boolean {
  const trust = settings.options.proxies?.trust ?? [];
  if (production || typeof trust === 'number') return production || trust !== 0;
  return entriesOf(trust).some((entry) => !/^(?:loopback|unix|127\.[\d./]+|::1(?:\/128)?)$/.test(entry));
}

function checkRedirects({ settings, routes }: BootFacts, findings: Findings): void {
  const moduleWide = redirectsOf(settings.policy([]), 'ALL');
  const isFixed = hasFixedHost(settings.options);
  const { lossy, permanent } = moduleWide;
  if (lossy !== undefined) reportLossy(`redirect.status: ${lossy}`, findings);
  if (permanent !== undefined && !isFixed) reportPermanent(`redirect.status: ${permanent}`, findings);
  for (const route of routes) {
    const options = route.requirement?.options ?? [];
    if (options.every(({ redirect, onInsecure }) => redirect === undefined && onInsecure === undefined)) continue;
    const own = redirectsOf(settings.policy(options), route.method);
    if (own.lossy !== undefined && lossy === undefined) reportLossy(handlerSubject(route), findings);
    if (own.permanent !== undefined && permanent === undefined && !isFixed)
      reportPermanent(handlerSubject(route), findings);
  }
}

/** The statuses that matter among those a redirect of a route may carry. */
function redirectsOf(
  { onInsecure, redirectStatus }: AnswerSettings,
  method: string,
): { readonly lossy: RedirectStatus | undefined; readonly permanent: RedirectStatus | undefined } {
  const safe = onInsecure === 'refuse' || !(isSafe(method) || method === 'ALL') ? undefined : redirectStatus.safe;
  const unsafe = onInsecure !== 'redirect' || isSafe(method) ? undefined : redirectStatus.unsafe;
  return {
    lossy: [301, 302, 303].includes(unsafe ?? 0) ? unsafe : undefined,
    permanent: [safe, unsafe].find((status) => status === 301 || status === 308),
  };
}

/** Nothing of a request chooses the host: it is given, or there is but one. */
function hasFixedHost({ hosts = [], redirect }: SecureOptions): boolean {
  return (
    typeof redirect?.host === 'string' ||
    (hosts.length === 1 && hosts.every((host) => typeof host === 'string' && isSingleHost(host)))
  );
}

function reportLossy(subject: string, findings: Findings): void {
  findings.report('SEC303', {
    subject,
    cause: 'A client follows it with GET, so what a POST carried is lost on the way.',
    fix: 'Use 307 or 308 for unsafe methods: redirect: { status: { safe: 301, unsafe: 308 } }.',
  });
}

function reportPermanent(subject: string, findings: Findings): void {
  findings.report('SEC009', {
    subject,
    cause: 'Browsers and caches keep it for good, also one that led to the wrong host, or away from localhost.',
    fix: "Fix the host, redirect: { host: 'example.com' }, or leave the redirect temporary (307).",
  });
}

function checkProxies({ settings, frameworkTrustsEverybody }: BootFacts, findings: Findings): void {
  const { options, httpsSupport } = settings;
  const trust = options.proxies?.trust;
  const fix = "Name the proxies by address: proxies: { trust: ['10.0.0.0/8'] }";
  if (typeof trust === 'number' && trust > 0) {
    findings.report('SEC110', {
      subject: `proxies.trust: ${trust}`,
      cause: 'A client that connects to the application directly is taken for a proxy and believed.',
      fix: `${fix}.`,
    });
  }
  const believed = typeof trust === 'number' || trust === undefined ? undefined : compileTrust(trust);
  const trustsAnyPeer = TEST_NET_ADDRESSES.some((address) => believed?.(address, 0) === true);
  if (!httpsSupport || !(trustsAnyPeer || frameworkTrustsEverybody)) return;
  findings.report('SEC111', {
    subject: trust === undefined ? 'trust proxy' : `proxies.trust: ${[trust].flat().join(', ')}`,
    cause: 'Anybody who sends X-Forwarded-Proto: https passes for secure.',
    fix: trust === undefined ? `${fix}, or give the framework's own setting addresses.` : `${fix}.`,
  });
}

function checkBeforeGate({ beforeGate }: BootFacts, findings: Findings): void {
  if (beforeGate.length === 0) return;
  findings.report('SEC010', {
    subject: beforeGate.join(', '),
    cause:
      'It was put on the instance that the adapter was given, so it sees every request first, also over plain HTTP, and what it answers no rule covers.',
    fix: 'Put it on the application: app.use(...), a plugin registered after NestFactory.create(), or module middleware.',
  });
}

function checkStore({ sessionStore, hosting }: BootFacts, findings: Findings): void {
  if (sessionStore === undefined) return;
  const { kind, silent } = sessionStore;
  if (kind === 'memory') {
    findings.report('SEC221', {
      subject: 'session.store',
      cause:
        'A restart signs everybody out, a second process knows none of the sessions, and production refuses to start.',
      fix: 'Leave store out for the embedded one (lmdb), or give one that machines share: store: new RedisStore({ client }).',
    });
  }
  if (kind === 'plain') {
    findings.report('SEC229', {
      subject: 'session.store',
      cause:
        'It has get, set and destroy only. Each write is followed by a read of what may have ended the session; a process that dies in between may leave an ended session alive until its idle timeout.',
      fix: 'Use the embedded store, connect-redis 9 with node-redis, or connect-pg-simple where that matters.',
    });
  }
  if (kind === 'embedded' && hosting !== undefined) {
    findings.report('SEC227', {
      subject: hosting,
      cause:
        'Sessions are kept in a directory of this machine, which a restart deletes there and other instances do not share.',
      fix: 'Give a store that instances share: store: new RedisStore({ client }). Where dir is on a volume that lasts, and one instance uses it at a time, accept this finding.',
    });
  }
  for (const { option, survives } of silent) {
    findings.report('SEC228', {
      subject: option,
      cause: survives
        ? 'Its client has no listener for error, so ioredis writes every lost connection to the console and your logger hears nothing of it.'
        : 'Its client has no listener for error. Node ends the process when a connection is lost and nobody listens. SecureModule listens from its start on: an error before that ends the process, and your logger hears of none.',
      fix: "Add one before the client connects: client.on('error', (error) => logger.error(error)).",
    });
  }
}

function checkAdopt({ session }: SecureOptions, findings: Findings): void {
  const until = session?.adopt?.until;
  if (until === undefined || new Date(until).getTime() > Date.now()) return;
  findings.report('SEC226', {
    subject: 'session.adopt',
    cause: `until is ${new Date(until).toISOString()}, which has passed: old cookies are no longer looked at, and a visitor who comes with one is signed out.`,
    fix: 'Write a later date if this one is wrong. Otherwise take adopt out, and delete the old secret.',
  });
}

function entriesOf(trust: string | readonly string[]): readonly string[] {
  return (typeof trust === 'string' ? trust.split(',') : trust).map((entry) => entry.trim());
}
