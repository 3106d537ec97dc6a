import { comment } from './comment.js';
import { STATES_HTTPS, type HeaderPlan, type HeaderValue } from './headers.js';
import { TOO_LONG } from './host-pattern.js';
import type { ProxyPlan } from './plan.js';
import { allowedMethods, listStatuses } from './request-plan.js';
import { answerBody, COVERAGE, decisionText, KINDS, KINDS_NOTE } from './wording.js';

/** A snippet for the sites that are served over http too: the rules, which act over plain HTTP only. */
export function writeCaddyHttp(plan: ProxyPlan): readonly string[] {
  const { refusals } = listStatuses(plan);
  return [
    ...comment(
      'Where: import this file at the top of the Caddyfile, and write "import nestjs-secure" first in the site; within route { ... } if the site has one around all. By itself Caddy redirects every page of a site to https: to serve some over plain HTTP, name both addresses, as in "http://example.com, https://example.com { ... }". The rules look at the protocol and do nothing over https, so they cannot loop. Do not import it where another server has ended TLS before: this Caddy has to be the one that does.',
    ),
    '',
    '(nestjs-secure) {',
    ...(refusals.length === 0 ? [] : [...requestLines(plan), ...hostLines(plan), ...answerLines(plan)]),
    ...comment('What the application reads of its proxy, in the place of what the client has sent.', '\t'),
    ...headerLines(plan.headers, 'nestjs-secure'),
    '}',
  ];
}

/** A snippet for every site that hands requests on. */
export function writeCaddyHttps({ headers }: ProxyPlan): readonly string[] {
  return [
    ...comment(
      'Where: import this file at the top of the Caddyfile, and write "import nestjs-secure-headers" first in every site that hands requests on to the application and does not import nestjs-secure, which holds the same. Caddy writes X-Forwarded-For, -Proto and -Host by itself in the place of what the client has sent; leave out trusted_proxies where no proxy stands in front of it.',
    ),
    '',
    '(nestjs-secure-headers) {',
    ...headerLines(headers, 'nestjs-secure-headers'),
    '}',
  ];
}

const ABSOLUTE_FORM = '(?:[a-z][a-z0-9+.-]*://[^/?#\\x5c]*)?';

/** A placeholder made from another: the first line that matches decides. */
function map(source: string, destination: string, lines: readonly string[]): string[] {
  return [`\tmap "${source}" {${destination}} {`, ...lines.map((line) => `\t\t${line}`), '\t}'];
}

function requestLines({ base, steps }: ProxyPlan): string[] {
  return [
    ...comment('The target as it was sent.', '\t'),
    ...map('{http.request.orig_uri}', 'nestjs_secure_target', [
      `"~(?i)^${ABSOLUTE_FORM}(/.*)$" "\${1}"`,
      `"~(?i)^${ABSOLUTE_FORM}(.*)$" "/\${1}"`,
    ]),
    ...comment(`What requires https. The first line that matches decides. ${COVERAGE}`, '\t'),
    ...map('{http.request.method} {nestjs_secure_target}', 'nestjs_secure', [
      ...steps
        .toReversed()
        .flatMap(({ says, sensitive, pattern, decision }) => [
          ...says.flatMap((text) => comment(text)),
          `"~${sensitive ? '' : '(?i)'}${pattern}" "${decisionText(decision)}"`,
        ]),
      `default "${decisionText(base)}"`,
    ]),
    '',
  ];
}

function hostLines({ fixedHost, hosts }: ProxyPlan): string[] {
  const steps = [...hosts, { pattern: TOO_LONG, host: '', says: 'Longer than a host can be' }].toReversed();
  return [
    ...comment(
      fixedHost === undefined
        ? 'The hosts that redirects may lead to. The first line that matches decides; none: 400.'
        : 'Where redirects lead: redirect.host.',
      '\t',
    ),
    ...map('{http.request.hostport}', 'nestjs_secure_host', [
      ...(fixedHost === undefined
        ? steps.flatMap(({ pattern, host, says }) => [...comment(says), `"~(?i)${pattern}" "${host ?? '${1}'}"`])
        : []),
      `default "${fixedHost ?? ''}"`,
    ]),
    '',
  ];
}

function answerLines(plan: ProxyPlan): string[] {
  const { redirects, refusals } = listStatuses(plan);
  const port = plan.httpsPort === 443 ? '' : `:${plan.httpsPort}`;
  const stated = plan.headers.stated.map(headerOf).join('|');
  return [
    ...comment(KINDS_NOTE, '\t'),
    ...map(`|${stated}|`, 'nestjs_secure_stated', [`"~(?i)${STATES_HTTPS}" "stated"`, 'default ""']),
    ...map(
      `{nestjs_secure_stated} ${headerOf('X-Arr-Ssl')} ${headerOf('Upgrade')} {http.request.method} ${headerOf('Authorization')}`,
      'nestjs_secure_kind',
      [
        '"~^stated " "stated"',
        '"~^ [^ ]" "stated"',
        '"~(?i)^  websocket " "websocket"',
        '"~^  [^ ]* (?:GET|HEAD) $" "safe"',
        '"~^  [^ ]* (?:GET|HEAD) " "authorized"',
        'default "unsafe"',
      ],
    ),
    ...map('{nestjs_secure_kind}/{nestjs_secure}', 'nestjs_secure_found', [
      ...KINDS.map(({ kind, pattern, status }) => `"~^${kind}/${pattern}" "${status ?? '${1}'}"`),
      'default ""',
    ]),
    ...map('{nestjs_secure_found}/{nestjs_secure_host}', 'nestjs_secure_status', [
      '"~^3../$" "400"',
      '"~^(...)/" "${1}"',
      'default ""',
    ]),
    '',
    ...redirects.flatMap((status) => [
      ...matcher(status),
      `\tredir @nestjs-secure-${status} "https://{nestjs_secure_host}${port}{http.request.uri}" ${status}`,
      '',
    ]),
    ...refusals.flatMap((status) => [...matcher(status), ...refusalLines(status, allowedMethods(plan))]),
  ];
}

/** Over plain HTTP, and no CORS preflight: those are left to the application. */
function matcher(status: number): string[] {
  return [
    `\t@nestjs-secure-${status} {`,
    '\t\tprotocol http',
    `\t\tvars {nestjs_secure_status} ${status}`,
    '\t\tnot {',
    '\t\t\tmethod OPTIONS',
    '\t\t\theader Origin *',
    '\t\t\theader Access-Control-Request-Method *',
    '\t\t}',
    '\t}',
  ];
}

/** Rewritten first, for Caddy comes to `handle` blocks of the site before it comes to `respond`. */
function refusalLines(status: number, allow: string): string[] {
  return [
    `\trewrite @nestjs-secure-${status} /.nestjs-secure/${status}`,
    `\thandle /.nestjs-secure/${status} {`,
    '\t\theader Cache-Control no-store',
    '\t\theader Content-Type text/plain',
    ...(status === 405 ? [`\t\theader Allow "${allow}"`] : []),
    ...(status === 426 ? ['\t\theader Upgrade "TLS/1.2, HTTP/1.1"'] : []),
    `\t\trespond "${answerBody(status)}" ${status}`,
    '\t}',
    '',
  ];
}

/** A site may import both snippets, so each has names of its own for what it matches. */
function headerLines({ set, clear }: HeaderPlan, snippet: string): string[] {
  return [
    ...set.flatMap(({ name, value }) => setHeader(name, value, snippet)),
    ...clear.map((name) => `\trequest_header -${name}`),
  ];
}

function setHeader(name: string, value: HeaderValue, snippet: string): string[] {
  const line = (text: string): string => `\trequest_header ${name} ${text}`;
  switch (value.kind) {
    case 'host':
      // Caddy hands on the Host itself.
      return name === 'Host' ? [] : [line('{http.request.hostport}')];
    case 'scheme':
      return [line('{http.request.scheme}')];
    case 'address':
      return [line('{http.request.remote.host}')];
    case 'https':
      return [
        `\t@${snippet}-https protocol https`,
        `\trequest_header @${snippet}-https ${name} ${quoted(value.value)}`,
        `\t@${snippet}-http protocol http`,
        `\trequest_header @${snippet}-http -${name}`,
      ];
    case 'forwarded':
      return [
        line(
          value.host
            ? '"proto={http.request.scheme};host=\\"{http.request.hostport}\\""'
            : 'proto={http.request.scheme}',
        ),
      ];
  }
}

function headerOf(name: string): string {
  return `{http.request.header.${name}}`;
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '\\"').replace(/[{}]/g, '\\$&')}"`;
}
