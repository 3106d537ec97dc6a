/** How much a finding matters: an error leaves a secret open or a page unreachable. */
export type Severity = 'error' | 'warning' | 'info';

/** Every finding there is. Ids are stable: SEC0xx configuration, SEC1xx proxies, SEC2xx cookies, SEC3xx routes, SEC4xx HSTS. */
export const CATALOGUE = {
  SEC001: { severity: 'warning', title: 'Nothing is enforced: httpsSupport is false' },
  SEC002: { severity: 'error', title: 'A request was refused because its host is not allowed' },
  SEC003: { severity: 'warning', title: 'Redirects lead to a port that nothing of this application serves' },
  SEC004: { severity: 'warning', title: 'Report only: every request is let through' },
  SEC005: { severity: 'warning', title: 'Report only: a request would not have passed' },
  SEC101: { severity: 'error', title: 'A peer that is not a declared proxy says https' },
  SEC102: { severity: 'error', title: 'A declared proxy says https in a header that is not read' },
  SEC103: { severity: 'error', title: 'A declared proxy says https in a way that cannot be read' },
  SEC104: { severity: 'error', title: 'A browser on https is redirected in circles' },
  SEC110: { severity: 'warning', title: 'Proxies are trusted by a number of hops' },
  SEC111: { severity: 'error', title: 'The framework trusts the forwarded headers of everybody' },
  SEC201: { severity: 'error', title: 'A session was written over http and is lost' },
  SEC202: { severity: 'error', title: 'A session was written after the answer had begun' },
  SEC210: { severity: 'warning', title: 'A cookie breaks a rule of browsers and will not be stored' },
  SEC212: { severity: 'warning', title: 'A request brought several session cookies' },
  SEC213: { severity: 'error', title: 'A session changed its user and kept its id' },
  SEC214: { severity: 'warning', title: 'A session id arrived in clear' },
  SEC215: { severity: 'warning', title: 'A credential arrived in clear' },
  SEC220: { severity: 'error', title: 'The session store failed' },
  SEC301: { severity: 'warning', title: 'A method overrides a marked one and keeps its mark' },
  SEC302: { severity: 'warning', title: 'A path rule requires https of a handler that says it is exempt' },
  SEC303: { severity: 'warning', title: 'A redirect that loses the body of a request' },
  SEC304: { severity: 'warning', title: 'An exempt route answers for any name' },
  SEC401: { severity: 'warning', title: 'HSTS beside pages that are meant for http' },
} as const satisfies Record<string, { severity: Severity; title: string }>;

/** The id of a finding. */
export type FindingId = keyof typeof CATALOGUE;
