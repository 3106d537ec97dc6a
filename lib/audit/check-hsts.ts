import type { HstsOptions } from '../options/secure-options.js';
import type { Route } from '../policy/route-table.js';
import { formatDay, rampSteps, stepAt } from '../response/hsts-value.js';
import { handlerSubject, type BootFacts } from './boot-facts.js';
import type { Findings } from '../findings/findings.js';

/** Half a year, below which scanners count HSTS as missing. */
const LEAST_SECONDS = 15_768_000;

const ONE_YEAR = 31_536_000;

/** How many routes a finding names. */
const NAMED_ROUTES = 5;

/** The pages that plain HTTP still gets, as far as HSTS is concerned with them. */
interface PlainPages {
  readonly exempt: Route | undefined;
  /** Exempt and unmarked. */
  readonly all: readonly Route[];
}

/** What can be told of Strict-Transport-Security, beside the pages there are. */
export function checkHsts(facts: BootFacts, findings: Findings): void {
  const { options, httpsSupport } = facts.settings;
  if (!httpsSupport) return;
  checkOtherSender(facts, findings);
  if (options.hsts === false) return;
  const pages = plainPages(facts.routes);
  if (options.hsts === undefined) {
    if (facts.production && pages.exempt === undefined && facts.nestHsts === undefined) reportOff(findings);
    return;
  }
  const { hsts } = options;
  if (hsts.maxAge === 0) return;
  checkDuration(hsts, pages, findings);
  checkPlainPages(hsts, pages, findings);
  if (hsts.preload === true) checkPreload(facts, findings);
}

function plainPages(routes: readonly Route[]): PlainPages {
  const levelOf = ({ requirement, path }: Route): string | undefined => requirement?.of(path).level;
  const all = routes.filter((route) => ['exempt', 'unmarked'].includes(levelOf(route) ?? ''));
  return { all, exempt: all.find((route) => levelOf(route) === 'exempt') };
}

/** `app.useSecurityHeaders()` sends it with every response, over plain HTTP too. */
function checkOtherSender({ settings, nestHsts }: BootFacts, findings: Findings): void {
  if (nestHsts === undefined) return;
  const { hsts } = settings.options;
  if (hsts === undefined || hsts === false) {
    findings.report('SEC406', {
      subject: 'app.useSecurityHeaders()',
      cause: `It tells browsers '${nestHsts}' with every response, and the hsts option is ${String(hsts)}.`,
      fix: 'Set hsts to what browsers are to be told; or app.useSecurityHeaders({ strictTransportSecurity: false }).',
    });
    return;
  }
  findings.report('SEC405', {
    subject: 'app.useSecurityHeaders()',
    cause: `It sets '${nestHsts}' on every response, over plain HTTP too. What the hsts option says is sent in its place.`,
    fix: 'Write app.useSecurityHeaders({ strictTransportSecurity: false }).',
  });
}

function reportOff(findings: Findings): void {
  findings.report('SEC402', {
    subject: 'hsts',
    cause: 'A visitor who types the address comes over http first, and an attacker on the way can keep them there.',
    fix: `Raise it step by step: hsts: { ${rampFromToday()} }; or hsts: false, where a proxy sends the header or a page needs http.`,
  });
}

/** From the day of the start on: what is advised works when it is pasted. */
function rampFromToday(): string {
  return `ramp: { from: '${new Date().toISOString().slice(0, 10)}' }`;
}

function checkDuration(hsts: HstsOptions, { all }: PlainPages, findings: Findings): void {
  const { maxAge = ONE_YEAR, ramp } = hsts;
  if (ramp !== undefined) {
    reportRamp(ramp, all, findings);
  } else if (maxAge < LEAST_SECONDS) {
    findings.report('SEC403', {
      subject: `hsts.maxAge: ${maxAge}`,
      cause: 'A browser forgets it between two visits, and the next one begins over http.',
      fix: `Raise it step by step to a year: write ${rampFromToday()} in place of maxAge.`,
    });
  }
}

/** Today's value and the days of the next steps, until the last one is reached. */
function reportRamp(ramp: NonNullable<HstsOptions['ramp']>, pages: readonly Route[], findings: Findings): void {
  const steps = rampSteps(ramp);
  const today = stepAt(steps, Date.now());
  const next = steps.slice(today === undefined ? 0 : steps.indexOf(today) + 1);
  if (next.length === 0) return;
  const value = today === undefined ? 'Today no header is sent' : `Today max-age is ${today.maxAge}`;
  const days = next.map((step) => `${step.maxAge} on ${formatDay(step)}`).join(', ');
  findings.report('SEC408', {
    subject: `hsts.ramp from ${ramp.from}`,
    cause: `${value}. The next steps, at midnight UTC: ${days}. ${answering(pages)}`,
    fix: 'Look before each step that every page works over https. To go back, set hsts: { maxAge: 0 }.',
  });
}

function answering(pages: readonly Route[]): string {
  if (pages.length === 0) return 'Nothing of this application answers over plain HTTP.';
  const named = pages.slice(0, NAMED_ROUTES).map(({ method, path }) => `${method} ${path}`);
  const more = pages.length > named.length ? ` and ${pages.length - named.length} more` : '';
  return `These still answer over plain HTTP: ${named.join(', ')}${more}.`;
}

function checkPlainPages({ preload = false }: HstsOptions, { all, exempt }: PlainPages, findings: Findings): void {
  const open = exempt ?? all.at(0);
  if (preload && open !== undefined) {
    findings.report('SEC404', {
      subject: 'hsts.preload',
      cause: `${handlerSubject(open)} answers over http: preload lists want every page redirected, and browsers that have the list never ask over http.`,
      fix: "Use mode: 'all' and exempt nothing, or take preload out.",
    });
  } else if (exempt !== undefined) {
    findings.report('SEC401', {
      subject: 'hsts',
      cause: `A browser that has seen the header asks for everything over https, also ${exempt.path}, which is meant for http.`,
      fix: 'Right if every page works over https too; otherwise set hsts: { maxAge: 0 } to take it back.',
    });
  }
}

/** The rules of hstspreload.org that options can break: the first redirect leads to https on the same host, port 443. */
function checkPreload({ settings }: BootFacts, findings: Findings): void {
  const { options, policy, reportOnly } = settings;
  const { host } = options.redirect ?? {};
  const elsewhere =
    typeof host === 'string'
      ? leadsElsewhere(
          host,
          (options.hosts ?? []).filter((name) => typeof name === 'string'),
        )
      : otherHosts(host ?? {});
  if (elsewhere !== undefined) {
    reportRefused(
      `redirect.host: ${elsewhere}`,
      `The first redirect leads to ${elsewhere}, and the list wants it to lead to https on the same host.`,
      'Take redirect.host out, and lead from one host to the other over https, or take preload out.',
      findings,
    );
  }
  const { https = 443 } = options.ports ?? {};
  if (https !== 443) {
    reportRefused(
      `ports.https: ${https}`,
      `Redirects lead to port ${https}, and the list looks at port 443.`,
      'Serve https on port 443 and take ports.https out, or take preload out.',
      findings,
    );
  }
  if (policy([]).onInsecure === 'refuse' || reportOnly) {
    reportRefused(
      reportOnly ? 'reportOnly' : "onInsecure: 'refuse'",
      `Requests over plain HTTP are ${reportOnly ? 'let through' : 'refused'}, and the list wants them redirected.`,
      `Take ${reportOnly ? 'reportOnly' : "onInsecure: 'refuse'"} out, or take preload out.`,
      findings,
    );
  }
}

/** The host, unless every name the site is known to have is that host. A list has names without `www.` only. */
function leadsElsewhere(host: string, hosts: readonly string[]): string | undefined {
  const names = hosts.filter((pattern) => pattern !== '*').map((pattern) => pattern.replace(/^\./, ''));
  const isSame = (name: string): boolean => name.toLowerCase() === host.toLowerCase();
  return !/^www\./i.test(host) && names.every(isSame) ? undefined : host;
}

function otherHosts(map: Readonly<Record<string, string>>): string | undefined {
  return Object.entries(map).find(([from, to]) => from.toLowerCase() !== to.toLowerCase())?.[1];
}

function reportRefused(subject: string, cause: string, fix: string, findings: Findings): void {
  findings.report('SEC407', { subject, cause, fix });
}
