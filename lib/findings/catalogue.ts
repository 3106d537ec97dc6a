/** How much a finding matters: an error leaves a secret open or a page unreachable. */
export type Severity = 'error' | 'warning' | 'info';

/**
 * Every finding there is. Ids are stable: SEC0xx configuration, SEC1xx transport and proxies, SEC2xx sessions and
 * cookies, SEC3xx routes, SEC4xx HSTS, SEC5xx certificates. Each has a page in docs/findings.
 */
export const CATALOGUE = {
  SEC001: { severity: 'warning', title: 'Nothing is enforced: httpsSupport is false' },
  SEC002: { severity: 'error', title: 'A request was refused because its host is not allowed' },
  SEC003: { severity: 'warning', title: 'Redirects lead to a port that nothing of this application serves' },
  SEC004: { severity: 'warning', title: 'Report only: every request is let through' },
  SEC005: { severity: 'warning', title: 'Report only: a request would not have passed' },
  SEC006: { severity: 'error', title: 'Production speaks plain http' },
  SEC007: { severity: 'error', title: 'Redirects have no host that outsiders use' },
  SEC008: { severity: 'error', title: 'A client chooses where its request is redirected' },
  SEC009: { severity: 'warning', title: 'Permanent redirects without a fixed host' },
  SEC010: { severity: 'warning', title: 'Something sees requests before the gate' },
  SEC011: { severity: 'warning', title: 'A rule in paths covers no route' },
  SEC012: { severity: 'info', title: 'A rule in exempt covers no route' },
  SEC015: { severity: 'error', title: 'The template in refuse.page made no page' },
  SEC101: { severity: 'error', title: 'A peer that is not a declared proxy says https' },
  SEC102: { severity: 'error', title: 'A declared proxy says https in a header that is not read' },
  SEC103: { severity: 'error', title: 'A declared proxy says https in a way that cannot be read' },
  SEC104: { severity: 'error', title: 'A browser on https is redirected in circles' },
  SEC105: { severity: 'error', title: 'A proxy takes a prefix off the path, which redirects do not know' },
  SEC106: { severity: 'warning', title: 'Outsiders use a port that is not declared' },
  SEC110: { severity: 'warning', title: 'Proxies are trusted by a number of hops' },
  SEC111: { severity: 'error', title: 'The forwarded headers of everybody are believed' },
  SEC112: { severity: 'error', title: 'A declared proxy talks TLS and states no scheme' },
  SEC113: { severity: 'warning', title: "The framework's trust setting stands beside declared proxies" },
  SEC114: { severity: 'error', title: 'A declared proxy states a path prefix that is none' },
  SEC115: { severity: 'error', title: 'A function in hosts did not answer' },
  SEC116: { severity: 'warning', title: 'The runtime that calls the function is not declared' },
  SEC201: { severity: 'error', title: 'A session was written over http and is lost' },
  SEC202: { severity: 'error', title: 'A session was written after the answer had begun' },
  SEC210: { severity: 'warning', title: 'A cookie breaks a rule of browsers and will not be stored' },
  SEC212: { severity: 'warning', title: 'A request brought several session cookies' },
  SEC213: { severity: 'error', title: 'A session changed its user and kept its id' },
  SEC214: { severity: 'warning', title: 'A session id arrived over plain HTTP' },
  SEC215: { severity: 'warning', title: 'A credential arrived over plain HTTP' },
  SEC220: { severity: 'error', title: 'The session store failed' },
  SEC221: { severity: 'warning', title: 'Sessions are kept in memory' },
  SEC226: { severity: 'info', title: 'Sessions of the old engine are no longer moved in' },
  SEC227: { severity: 'warning', title: 'The embedded session store is on a disk that does not last' },
  SEC228: { severity: 'error', title: 'The client of the session store has no error listener' },
  SEC229: { severity: 'info', title: 'The session store has no conditional writes' },
  SEC230: { severity: 'warning', title: 'Shared caches may keep a page that was made from a session' },
  SEC231: { severity: 'error', title: 'A cache answers one user with the page of another' },
  SEC232: { severity: 'warning', title: 'A request from another site came without the session cookie' },
  SEC233: { severity: 'error', title: 'A second session engine is in the application' },
  SEC234: { severity: 'warning', title: 'A handler deletes req.session, which ends nothing' },
  SEC235: { severity: 'warning', title: 'A session was written under an id that it no longer has' },
  SEC236: { severity: 'warning', title: 'A session cookie outlives its session' },
  SEC237: { severity: 'error', title: 'A session holds something that cannot be stored' },
  SEC240: { severity: 'warning', title: 'A session was asked for over ws, and there is none' },
  SEC241: { severity: 'warning', title: 'A sign-in has no time, and is refused where a recent one is required' },
  SEC242: { severity: 'info', title: 'A sensitive handler does not ask for a recent sign-in' },
  SEC250: { severity: 'warning', title: 'Sessions are bound to devices by a draft' },
  SEC251: { severity: 'warning', title: 'The cookie of a device-bound session came without a proof' },
  SEC252: { severity: 'warning', title: 'A browser did not renew the proof of its device' },
  SEC253: { severity: 'warning', title: 'A proof of a device was refused' },
  SEC254: { severity: 'warning', title: 'Proofs of a device are due more often than browsers sign' },
  SEC301: { severity: 'warning', title: 'A method overrides a marked one and keeps its mark' },
  SEC302: { severity: 'warning', title: 'A path rule requires https of a handler that says it is exempt' },
  SEC303: { severity: 'warning', title: 'A redirect that loses the body of a request' },
  SEC304: { severity: 'warning', title: 'An exempt route answers for any name' },
  SEC305: { severity: 'error', title: 'A page is marked, and what is sent to it is not' },
  SEC306: { severity: 'info', title: 'A class is marked in part' },
  SEC307: { severity: 'info', title: 'A handler is exempt in a class that is marked' },
  SEC310: { severity: 'error', title: 'A handler that takes a password is not marked' },
  SEC311: { severity: 'warning', title: 'A handler that takes a token is not marked' },
  SEC312: { severity: 'warning', title: 'A handler that takes a file is not marked' },
  SEC313: { severity: 'warning', title: 'A handler that sets a cookie is not marked' },
  SEC314: { severity: 'warning', title: 'A handler that uses the session is not marked' },
  SEC315: { severity: 'warning', title: 'A handler behind an authentication guard is not marked' },
  SEC316: { severity: 'warning', title: 'A handler that may sign somebody in or out, by its name, is not marked' },
  SEC317: { severity: 'error', title: 'An exempt handler takes a password' },
  SEC320: { severity: 'warning', title: 'A message handler is marked' },
  SEC321: {
    severity: 'warning',
    title: 'A function runs as a handler of a marked class and is not known to be its method',
  },
  SEC322: { severity: 'warning', title: 'A library calls a handler of a marked class without a request' },
  SEC325: { severity: 'warning', title: 'A handler that may take a password is not marked' },
  SEC326: { severity: 'warning', title: 'An exempt handler may take or give a secret' },
  SEC401: { severity: 'warning', title: 'HSTS beside pages that are meant for http' },
  SEC402: { severity: 'warning', title: 'HSTS is off' },
  SEC403: { severity: 'warning', title: 'HSTS lasts too short a time' },
  SEC404: { severity: 'error', title: 'HSTS preload beside pages that answer over http' },
  SEC405: { severity: 'warning', title: 'Something else sets HSTS as well' },
  SEC406: { severity: 'warning', title: 'HSTS is sent although no hsts option says so' },
  SEC407: { severity: 'warning', title: 'HSTS preload with options that the list refuses' },
  SEC408: { severity: 'info', title: 'HSTS is raised step by step' },
  SEC501: { severity: 'error', title: 'No certificate is for a host of the site' },
  SEC502: { severity: 'error', title: 'The intermediate certificate is not sent' },
  SEC503: { severity: 'error', title: 'A self-signed certificate in production' },
  SEC504: { severity: 'error', title: 'Broken versions of TLS are accepted' },
  SEC505: { severity: 'warning', title: 'A certificate has less than a third of its life left' },
  SEC506: { severity: 'error', title: 'A renewed certificate cannot be served' },
} as const satisfies Record<string, { severity: Severity; title: string }>;

/** The id of a finding. */
export type FindingId = keyof typeof CATALOGUE;

/** Ids of earlier versions that nothing reports any more, with what took their place. They stay known to `findings.ignore`. */
export const RETIRED: ReadonlyMap<string, string> = new Map();

/** Whether this version or an earlier one has a finding of this id. */
export function isKnownFinding(id: string): boolean {
  return Object.hasOwn(CATALOGUE, id) || RETIRED.has(id);
}

/** Where the documentation explains a finding: a path in the package. */
export function documentationOf(id: FindingId): string {
  return `docs/findings/${id}.md`;
}
