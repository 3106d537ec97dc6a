import { isObject } from '../platform/unknown-values.js';

/*
 * Device Bound Session Credentials, W3C editor's draft of 17 February 2026 (https://w3c.github.io/webappsec-dbsc/), as
 * Chromium 156 speaks it. Every name of the protocol stands in this file. Where the two differ, the browser is followed:
 *
 * - The draft says that Secure-Session-Response and Sec-Secure-Session-Id are structured strings, in quotes; Chromium
 *   sends them without. Both are read.
 * - A proof holds `jti` alone: no audience, no times, no subject.
 */

/** Sent with a new session cookie: where a browser may register a key, and the challenge for it (draft 9.1). */
export const REGISTRATION_HEADER = 'secure-session-registration';
/** Sent with a 403: what the browser is to sign now (draft 9.2). */
export const CHALLENGE_HEADER = 'secure-session-challenge';
/** Brings a proof (draft 9.3). */
export const RESPONSE_HEADER = 'secure-session-response';
/** Brings the identifier of the session that is to be refreshed; no script can set it (draft 9.4). */
export const ID_HEADER = 'sec-secure-session-id';
/** Says why a browser did not refresh (draft 9.5). */
export const SKIPPED_HEADER = 'secure-session-skipped';

/** The type of a proof (draft 9.11). */
export const PROOF_TYPE = 'dbsc+jwt';

/** The algorithms of proofs that are accepted. The draft has `none` as well, which proves nothing. */
export const ALGORITHMS = ['ES256', 'RS256'] as const;

/** An algorithm of proofs. */
export type Algorithm = (typeof ALGORITHMS)[number];

/** What is answered to have a browser forget that a session was bound. */
export const STOP = JSON.stringify({ continue: false });

/** Offers a browser to register a key. */
export function formatRegistration(path: string, challenge: string): string {
  return `(${ALGORITHMS.join(' ')});path="${path}";challenge="${challenge}"`;
}

/** Asks a browser to sign a challenge. */
export function formatChallenge(challenge: string, identifier: string): string {
  return `"${challenge}";id="${identifier}"`;
}

/** A session as a browser is told of it. */
export interface Instructions {
  readonly identifier: string;
  readonly refreshPath: string;
  /** The bound cookie. */
  readonly cookieName: string;
  readonly cookieAttributes: string;
  /** What needs no bound cookie: the endpoints themselves. */
  readonly excludedPath: string;
}

/** The JSON that answers a proof (draft 9.6). */
export function formatInstructions(session: Instructions): string {
  return JSON.stringify({
    session_identifier: session.identifier,
    refresh_url: session.refreshPath,
    scope: {
      include_site: false,
      scope_specification: [{ type: 'exclude', domain: '*', path: session.excludedPath }],
    },
    credentials: [{ type: 'cookie', name: session.cookieName, attributes: session.cookieAttributes }],
    // Without it a link from another site comes without the bound cookie, once that has expired.
    allowed_refresh_initiators: ['*'],
  });
}

/** The string in a header, with quotes around it or without; undefined where it is none, or there are several. */
export function parseString(header: string | readonly string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const quoted = /^"([^"\\]*)"\s*(?:;.*)?$/.exec(header)?.[1];
  const value = quoted ?? header;
  return /^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/.test(value) ? value : undefined;
}

/** The reasons in a Secure-Session-Skipped header, as far as they are of this form. */
export function parseSkipped(header: string | readonly string[] | undefined): readonly string[] {
  if (typeof header !== 'string') return [];
  return [
    ...new Set([...header.matchAll(/(?:^|,)\s*([a-z_]{1,32})(?=\s*(?:[;,]|$))/g)].map(([, token]) => token ?? '')),
  ];
}

/** The public part of a key that a browser registers (RFC 7517). */
export type PublicJwk =
  | { readonly kty: 'EC'; readonly crv: 'P-256'; readonly x: string; readonly y: string }
  | { readonly kty: 'RSA'; readonly n: string; readonly e: string };

/** The public part of a JWK that goes with an algorithm; undefined where it does not, or where it has a private part. */
export function parseJwk(value: unknown, algorithm: Algorithm): PublicJwk | undefined {
  if (!isObject(value) || value['d'] !== undefined || value['k'] !== undefined) return undefined;
  const { kty, crv, x, y, n, e } = value;
  if (algorithm === 'ES256' && kty === 'EC' && crv === 'P-256' && typeof x === 'string' && typeof y === 'string') {
    return { kty, crv, x, y };
  }
  if (algorithm === 'RS256' && kty === 'RSA' && typeof n === 'string' && typeof e === 'string') return { kty, n, e };
  return undefined;
}

/** Whether a word names an accepted algorithm. */
export function isAlgorithm(value: unknown): value is Algorithm {
  return ALGORITHMS.some((known) => known === value);
}
