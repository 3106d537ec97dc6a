import type { Finding } from '../../lib/findings/findings.js';
import type { AuditedRoute } from '../../lib/audit/secure-audit.js';
import type { AuditReport } from '../../lib/cli/audit-report.js';

/** A route as the audit lists it: one that anybody reads over plain HTTP, but for what is given. */
export function auditedRoute(given: Partial<AuditedRoute> = {}): AuditedRoute {
  return {
    kind: 'http',
    method: 'GET',
    path: '/blog',
    hosts: [],
    versions: [],
    handler: 'BlogController.list',
    source: undefined,
    requirement: { level: 'unmarked', by: 'nobody' },
    overHttp: { safe: { action: 'pass' }, unsafe: { action: 'pass' } },
    session: false,
    recentSignIn: undefined,
    ...given,
  };
}

/** A route that requires https. */
export function requiredRoute(given: Partial<AuditedRoute> = {}): AuditedRoute {
  return auditedRoute({
    path: '/accounts',
    handler: 'AccountsController.show',
    requirement: { level: 'required', by: 'class' },
    overHttp: { safe: { action: 'redirect', status: 307 }, unsafe: { action: 'refuse', status: 403 } },
    ...given,
  });
}

export function finding(given: Partial<Finding> = {}): Finding {
  return {
    id: 'SEC310',
    severity: 'error',
    title: 'A handler that takes a password is not marked',
    subject: 'BlogController.list, /blog',
    cause: 'It names a password.',
    fix: 'Write @SecureRequired() on it.',
    documentation: 'docs/findings/SEC310.md',
    occurrences: 1,
    ...given,
  };
}

export function auditReport(given: Partial<AuditReport> = {}): AuditReport {
  return {
    format: 1,
    name: 'bookshop',
    module: 'dist/app.module.js',
    look: 'preview',
    platform: 'express',
    nest: '12.5.1',
    options: 'known',
    routes: [auditedRoute(), requiredRoute()],
    unlisted: [],
    unknown: [],
    findings: [],
    ...given,
  };
}

/** The report of a large application: routes of thirty sections, of every kind, and findings about some. */
export function largeReport(handlers: number): AuditReport {
  const sections = Array.from({ length: 30 }, (_, index) => `section-${index}`);
  const methods = ['GET', 'GET', 'POST', 'PUT', 'DELETE'];
  const routes = Array.from({ length: handlers }, (_, index) => {
    const section = sections[(index * 7) % sections.length];
    const given = {
      method: methods[index % methods.length] ?? 'GET',
      path: `/api/${section}/:id/things-${index}`,
      handler: `Section${(index * 7) % sections.length}Controller.handle${index}`,
      source: { file: `src/${section}/${section}.controller.ts`, line: index },
    };
    if (index % 3 === 0) return requiredRoute(given);
    return auditedRoute({ ...given, ...(index % 11 === 0 ? { requirement: { level: 'exempt', by: 'handler' } } : {}) });
  });
  const findings = routes
    .filter(({ method, requirement }) => method === 'POST' && requirement.level === 'unmarked')
    .slice(0, 40)
    .map(({ handler, path }) => finding({ subject: `${handler}, ${path}` }));
  return auditReport({ routes, findings });
}
