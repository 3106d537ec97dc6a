import type { Settings } from '../options/settings.js';
import type { Route, RouteTable } from '../policy/route-table.js';
import type { Findings } from './findings.js';

/** What can be told of the options alone. */
export function checkOptions({ options, httpsSupport, reportOnly }: Settings, findings: Findings): void {
  if (!httpsSupport) {
    findings.report('SEC001', {
      subject: 'httpsSupport',
      cause: 'Marked handlers run in clear, redirects and Secure cookies are off.',
      fix: 'Right for plain-http development; take httpsSupport: false out everywhere else.',
    });
  }
  if (reportOnly) {
    findings.report('SEC004', {
      subject: 'reportOnly',
      cause: 'Marked handlers run in clear; what would have been answered is only reported.',
      fix: 'Take reportOnly out of the options once the reports are quiet.',
    });
  }
  if (typeof options.proxies?.trust === 'number' && options.proxies.trust > 0) {
    findings.report('SEC110', {
      subject: `proxies.trust: ${options.proxies.trust}`,
      cause: 'Whoever reaches the application directly is taken for a proxy and believed.',
      fix: "Name the proxies by address: proxies: { trust: ['10.0.0.0/8'] }.",
    });
  }
  const { status } = options.redirect ?? {};
  const unsafe = typeof status === 'object' ? status.unsafe : status;
  if (options.onInsecure === 'redirect' && (unsafe === 301 || unsafe === 302 || unsafe === 303)) {
    findings.report('SEC303', {
      subject: `redirect.status: ${unsafe}`,
      cause: 'A client follows it with GET, so what a POST carried is lost on the way.',
      fix: 'Use 307 or 308 for unsafe methods: redirect: { status: { safe: 301, unsafe: 308 } }.',
    });
  }
}

/** What can be told of the routes, once they are all known. */
export function checkRoutes(table: RouteTable, settings: Settings, findings: Findings): void {
  for (const route of table.routes()) {
    checkKeptMark(route, findings);
    checkExemptUnderPath(route, settings, findings);
    checkExemptForAnyName(route, settings, findings);
  }
  const exempt = table.routes().find(({ requirement }) => requirement?.exempt === true);
  if (settings.hsts !== undefined && exempt !== undefined) {
    findings.report('SEC401', {
      subject: 'hsts',
      cause: `A browser that has seen the header asks for everything over https, also ${exempt.path}, which is meant for http.`,
      fix: 'Right if every page works over https too; otherwise set hsts: { maxAge: 0 } to take it back.',
    });
  }
}

function checkKeptMark({ controller, handler, keptFrom }: Route, findings: Findings): void {
  if (keptFrom === undefined) return;
  findings.report('SEC301', {
    subject: `${controller?.name}.${handler}`,
    cause: `It overrides ${keptFrom}.${handler}, which is marked with @SecureRequired(), and has no mark of its own; the mark was kept.`,
    fix: 'Write @SecureRequired() or @SecureExempt() on it, so that the next reader sees it.',
  });
}

function checkExemptForAnyName(route: Route, { mode }: Settings, findings: Findings): void {
  const { path, requirement, controller, handler } = route;
  if (mode !== 'all' || requirement?.exempt !== true || !/^\/?[:*{]/.test(path)) return;
  findings.report('SEC304', {
    subject: `${controller?.name}.${handler}, ${path}`,
    cause:
      "In mode 'all' whatever has such a path goes past the gate, also static files and middleware, which come before the handler.",
    fix: 'Give the handler a path that begins with a name of its own, or cover what must be https with a rule in paths.',
  });
}

function checkExemptUnderPath(
  { path, requirement, controller, handler }: Route,
  settings: Settings,
  findings: Findings,
): void {
  if (requirement?.exempt !== true || !settings.rules.requires(path)) return;
  findings.report('SEC302', {
    subject: `${controller?.name}.${handler}, ${path}`,
    cause: 'It carries @SecureExempt(), and a rule in paths covers it; the rule decides.',
    fix: 'Narrow the rule, add a longer one to exempt, or take the decorator away.',
  });
}

/** What the framework itself believes, where no proxies are declared: asked with a header from an address nobody owns. */
export function checkFrameworkTrust(trustsEverybody: boolean, { httpsSupport }: Settings, findings: Findings): void {
  if (!trustsEverybody || !httpsSupport) return;
  findings.report('SEC111', {
    subject: 'trust proxy',
    cause: 'Anybody who sends X-Forwarded-Proto: https passes for secure.',
    fix: "Declare the proxies by address: proxies: { trust: ['10.0.0.0/8'] }, or give the framework's own setting addresses.",
  });
}
