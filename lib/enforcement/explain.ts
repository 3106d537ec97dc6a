import type { FindingId } from '../audit/catalogue.js';
import type { ProxyOptions } from '../options/secure-options.js';
import type { CookieProblem } from '../response/cookies.js';
import type { Doubt, Transport } from '../transport/connection.js';
import { pathOf } from '../urls/absolute-url.js';

/** What a finding says besides its id. */
export interface Explanation {
  readonly subject: string;
  readonly cause: string;
  readonly fix: string;
}

/** Why a host was refused, and the value to add. */
export function explainHost({ host }: Transport): Explanation {
  if (host === undefined) {
    return {
      subject: 'no host',
      cause: 'The Host header was absent, doubled or malformed, so there is no safe address to redirect to.',
      fix: 'If a health check or an old client sends such requests, set redirect.host to a fixed name.',
    };
  }
  return {
    subject: host,
    cause: `A redirect may only lead to a host that is declared, and '${host}' is not.`,
    fix: `If it is yours, add '${host}' to hosts: SecureModule.forRoot({ hosts: ['${host}'] }).`,
  };
}

/** Why a sign of https was not believed, and the exact option that declares the proxy. */
export function explainDoubt(
  { reason, header }: Doubt,
  { peer }: Transport,
  proxies: ProxyOptions | undefined,
): Explanation & { readonly id: FindingId } {
  const address = peer ?? 'an unknown peer';
  const subject = `${address}, ${header}`;
  switch (reason) {
    case 'untrusted-peer':
      return {
        id: 'SEC101',
        subject,
        cause: `${address} says https in ${header}, but is not a declared proxy, so it was not believed.`,
        fix: `If it is your proxy, ${declaration(address, header, proxies)}.`,
      };
    case 'other-header':
      return {
        id: 'SEC102',
        subject,
        cause: `${address} is a declared proxy, but says https in ${header}, and proxies.header reads ${nameOf(proxies)}.`,
        fix: `Let the proxy send ${nameOf(proxies)}, or set proxies.header to ${headerValue(header)}.`,
      };
    case 'unusable-statement':
      return {
        id: 'SEC103',
        subject,
        cause: `${address} sends several values in ${header}, or a malformed one, which cannot be told apart from what a client sent.`,
        fix: `Let the outermost proxy overwrite ${header} instead of appending to it, or let every proxy append to X-Forwarded-For as well.`,
      };
    case 'fetch-metadata':
    case 'secure-cookie':
      return {
        id: 'SEC104',
        subject,
        cause: `The browser behaves as it does over https only (${header}), yet the request came in clear from ${address}: a proxy ends TLS there and does not say so.`,
        fix: `Let the proxy send ${nameOf(proxies)}, and ${proxies === undefined ? declaration(address, 'x-forwarded-proto', proxies) : `see that proxies.trust names '${address}'`}.`,
      };
  }
}

/** What says https in the headers that have a word of their own for it. */
const WORDS = new Map([
  ['x-forwarded-ssl', 'on'],
  ['x-forwarded-https', 'on'],
  ['front-end-https', 'on'],
  ['x-appengine-https', 'on'],
  ['wl-proxy-ssl', 'true'],
  ['fastly-ssl', '1'],
  ['cf-visitor', '{"scheme":"https"}'],
]);

function declaration(address: string, header: string, proxies: ProxyOptions | undefined): string {
  return proxies === undefined
    ? `declare it: SecureModule.forRoot({ proxies: { trust: ['${address}']${headerOption(header)} } })`
    : `add '${address}' to proxies.trust`;
}

function headerOption(header: string): string {
  return headerValue(header) === "'x-forwarded'" ? '' : `, header: ${headerValue(header)}`;
}

/** The setting that reads a header. X-Forwarded-Port says too little: the proxy has to send X-Forwarded-Proto as well. */
function headerValue(header: string): string {
  if (header === 'x-forwarded-proto' || header === 'x-forwarded-port') return "'x-forwarded'";
  if (header === 'forwarded') return "'forwarded'";
  if (header === 'x-arr-ssl') return "{ name: 'x-arr-ssl' }";
  return `{ name: '${header}', value: '${WORDS.get(header) ?? 'https'}' }`;
}

function nameOf(proxies: ProxyOptions | undefined): string {
  const header = proxies?.header ?? 'x-forwarded';
  if (typeof header === 'object') return header.name;
  return header === 'x-forwarded' ? 'X-Forwarded-Proto' : 'Forwarded';
}

const COOKIE_RULES: Record<CookieProblem, { cause: string; fix: string }> = {
  'same-site-none-without-secure': {
    cause: 'It says SameSite=None without Secure, and browsers drop it.',
    fix: 'Add Secure, or use SameSite=Lax.',
  },
  'partitioned-without-secure': {
    cause: 'It says Partitioned without Secure, and browsers drop it.',
    fix: 'Add Secure.',
  },
  'host-prefix-rules': {
    cause: 'Its name begins with __Host-, which needs Secure, Path=/ and no Domain, and browsers drop it.',
    fix: 'Set Secure and Path=/, leave Domain out, or take another name.',
  },
  'secure-prefix-rules': {
    cause: 'Its name begins with __Secure-, which needs Secure, and browsers drop it.',
    fix: 'Add Secure, or take another name.',
  },
  'too-large': {
    cause: 'Its name and value are longer than 4096 bytes, and browsers drop it.',
    fix: 'Keep the data in a store and only an id in the cookie.',
  },
};

/** Why browsers will not store a cookie. Its value is never named. */
export function explainCookie(setCookie: string, problem: CookieProblem, target: string): Explanation {
  const [pair = ''] = setCookie.split(';');
  const name = pair.includes('=') ? pair.slice(0, pair.indexOf('=')) : 'a cookie without a name';
  return { subject: `${name}, set by ${pathOf(target)}`, ...COOKIE_RULES[problem] };
}
