import type { IncomingHttpHeaders } from 'node:http';
import type { ProxyOptions } from '../options/secure-options.js';
import type { Connection } from './connection.js';
import { fieldValue, listMembers, TOKEN } from './field.js';
import { compileTrust } from './trust.js';

/** What a declared proxy says of the path prefix it has taken off. */
export interface StatedPrefix {
  /** The prefix; undefined where there is none. */
  readonly prefix: string | undefined;
  /** What was stated instead, and is no prefix. */
  readonly unusable: string | undefined;
}

/** How the prefix is read from the headers of a declared proxy. */
export interface PrefixReader {
  /** The header it is read from, in lower case; undefined for a fixed path. */
  readonly header: string | undefined;
  /** The fixed path; undefined where it is read from a header. */
  readonly fixed: string | undefined;
  read(headers: IncomingHttpHeaders): StatedPrefix;
}

const SEGMENTS = /^(?:\/[A-Za-z0-9\-._~]+)+$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
const LONGEST = 256;
const NONE: StatedPrefix = { prefix: undefined, unusable: undefined };
const ACCEPTED =
  "Accepted: false, true (X-Forwarded-Prefix), the name of a header, or a path such as '/app' without a slash at its end.";

/**
 * Compiles `proxies.prefix`; undefined where no prefix is believed.
 *
 * Throws RangeError for a fixed path that is no prefix, and for what is no name of a header.
 */
export function compilePrefix(prefix: ProxyOptions['prefix']): PrefixReader | undefined {
  if (prefix === undefined || prefix === false) return undefined;
  if (typeof prefix === 'string' && prefix.startsWith('/')) {
    if (!isPrefix(prefix)) {
      throw new RangeError(
        `proxies.prefix: '${prefix}' is not a prefix: it may have segments of letters, digits and '-._~' only, none of them empty, '.' or '..', and ${LONGEST} characters at most. ${ACCEPTED}`,
      );
    }
    const stated: StatedPrefix = { prefix, unusable: undefined };
    return { header: undefined, fixed: prefix, read: () => stated };
  }
  if (prefix !== true && !(typeof prefix === 'string' && TOKEN.test(prefix))) {
    throw new RangeError(`proxies.prefix: '${String(prefix)}' is not the name of a header. ${ACCEPTED}`);
  }
  const header = prefix === true ? 'x-forwarded-prefix' : prefix.toLowerCase();
  return { header, fixed: undefined, read: (headers) => readPrefix(fieldValue(headers, header)) };
}

/** Compiles what a declared proxy states as a prefix and is none; undefined where none is read from a header. */
export function compilePrefixFault({
  prefix,
  trust,
}: ProxyOptions): ((connection: Connection) => string | undefined) | undefined {
  const reader = compilePrefix(prefix);
  if (reader?.header === undefined) return undefined;
  const trusts = compileTrust(trust);
  return ({ peer, headers }) => (trusts(peer, 0) ? reader.read(headers).unusable : undefined);
}

/** The last member: the direct peer wrote it. */
function readPrefix(value: string | undefined): StatedPrefix {
  if (value === undefined) return NONE;
  const last = value.includes(',') ? (listMembers(value).at(-1) ?? '') : value;
  if (last === '/') return NONE;
  return isPrefix(last) ? { prefix: last, unusable: undefined } : { prefix: undefined, unusable: value };
}

/** Whether a text is a path prefix: segments of unreserved characters, none of them a dot segment, 256 characters at most. */
export function isPrefix(text: string): boolean {
  return text.length <= LONGEST && SEGMENTS.test(text) && !DOT_SEGMENT.test(text);
}

/** A path, or a path and query, under a prefix; as it is where it begins with the prefix. */
export function withPrefix(prefix: string | undefined, path: string): string {
  return prefix === undefined || isUnder(prefix, path) ? path : prefix + path;
}

/** A path, or a path and query, without the prefix it begins with; as it is where it does not. */
export function withoutPrefix(prefix: string | undefined, path: string): string {
  if (prefix === undefined || !isUnder(prefix, path)) return path;
  const rest = path.slice(prefix.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

function isUnder(prefix: string, path: string): boolean {
  if (!path.startsWith(prefix)) return false;
  const next = path[prefix.length];
  return next === undefined || next === '/' || next === '?';
}
