import { comment } from './comment.js';
import { STATES_HTTPS, type HeaderPlan, type HeaderValue } from './headers.js';
import { TOO_LONG } from './host-pattern.js';
import type { ProxyPlan } from './plan.js';
import { allowedMethods, listStatuses, type RequestStep } from './request-plan.js';
import { answerBody, COVERAGE, decisionText, KINDS, KINDS_NOTE } from './wording.js';

/** What is to be included in a `server` block: the rules, which act over plain HTTP only, and the headers. */
export function writeNginxHttp(plan: ProxyPlan): readonly string[] {
  return [
    ...comment(
      'Where: in the server block that listens on port 80, outside of every location. In a block that listens on 443 as well the rules see $scheme and do nothing over https, so they cannot loop. Do not include it where another server has ended TLS before: this nginx has to be the one that does.',
    ),
    '',
    ...(listStatuses(plan).refusals.length === 0
      ? []
      : [...requestLines(plan), ...hostLines(plan), ...answerLines(plan)]),
    ...comment(
      'The headers below reach the application from every location that has no proxy_set_header of its own. Into one that has, include the file of --side https.',
    ),
    ...headerLines(plan.headers),
  ];
}

/** What is to be included wherever requests are handed on. */
export function writeNginxHttps({ headers }: ProxyPlan): readonly string[] {
  return [
    ...comment(
      'Where: in every location with a proxy_pass to the application, on port 443 and on port 80 alike. nginx takes over proxy_set_header lines from the server block only where a location has none of its own. Take out others for the same headers: nginx would send both.',
    ),
    '',
    ...headerLines(headers),
  ];
}

function requestLines({ base, steps }: ProxyPlan): string[] {
  return [
    ...comment(
      `What requires https. The last line that matches decides. $request_uri is the target as it was sent. ${COVERAGE}`,
    ),
    'set $nestjs_secure_target $request_uri;',
    'if ($request_uri !~ "^/") { set $nestjs_secure_target "/$request_uri"; }',
    'set $nestjs_secure_request "$request_method $nestjs_secure_target";',
    `set $nestjs_secure "${decisionText(base)}";`,
    ...steps.flatMap(stepLines),
    '',
  ];
}

function stepLines({ says, sensitive, pattern, decision }: RequestStep): string[] {
  return [
    ...says.flatMap((text) => comment(text)),
    `if ($nestjs_secure_request ${sensitive ? '~' : '~*'} "${pattern}") { set $nestjs_secure "${decisionText(decision)}"; }`,
  ];
}

function hostLines({ fixedHost, hosts }: ProxyPlan): string[] {
  if (fixedHost !== undefined) {
    return [...comment('Where redirects lead: redirect.host.'), `set $nestjs_secure_host "${fixedHost}";`, ''];
  }
  return [
    ...comment('The hosts that redirects may lead to. The last line that matches decides; none: 400.'),
    'set $nestjs_secure_host "";',
    ...hosts.flatMap(({ pattern, host, says }) => [
      ...comment(says),
      `if ($http_host ~* "${pattern}") { set $nestjs_secure_host "${host ?? '$1'}"; }`,
    ]),
    `if ($http_host ~ "${TOO_LONG}") { set $nestjs_secure_host ""; }`,
    '',
  ];
}

function answerLines(plan: ProxyPlan): string[] {
  const { redirects, refusals } = listStatuses(plan);
  const port = plan.httpsPort === 443 ? '' : `:${plan.httpsPort}`;
  const stated = plan.headers.stated.map(variableOf).join('|');
  return [
    ...comment(KINDS_NOTE),
    'set $nestjs_secure_kind "safe";',
    'if ($http_authorization != "") { set $nestjs_secure_kind "authorized"; }',
    'if ($request_method !~ "^(?:GET|HEAD)$") { set $nestjs_secure_kind "unsafe"; }',
    'if ($http_upgrade ~* "^websocket$") { set $nestjs_secure_kind "websocket"; }',
    `set $nestjs_secure_stated "|${stated}|";`,
    `if ($nestjs_secure_stated ~* "${STATES_HTTPS}") { set $nestjs_secure_kind "stated"; }`,
    'if ($http_x_arr_ssl != "") { set $nestjs_secure_kind "stated"; }',
    '',
    'set $nestjs_secure "$nestjs_secure_kind/$nestjs_secure";',
    'set $nestjs_secure_status "";',
    ...KINDS.map(
      ({ kind, pattern, status }) =>
        `if ($nestjs_secure ~ "^${kind}/${pattern}") { set $nestjs_secure_status "${status ?? '$1'}"; }`,
    ),
    ...comment('CORS preflights are left to the application: browsers refuse a redirected one.'),
    'set $nestjs_secure_preflight $request_method;',
    'if ($http_origin = "") { set $nestjs_secure_preflight ""; }',
    'if ($http_access_control_request_method = "") { set $nestjs_secure_preflight ""; }',
    'if ($nestjs_secure_preflight = OPTIONS) { set $nestjs_secure_status ""; }',
    ...comment('Nothing is done over https.'),
    'if ($scheme != http) { set $nestjs_secure_status ""; }',
    '',
    'set $nestjs_secure "$nestjs_secure_status/$nestjs_secure_host";',
    'if ($nestjs_secure ~ "^3../$") { set $nestjs_secure_status "400"; }',
    ...redirects.map(
      (status) =>
        `if ($nestjs_secure_status = "${status}") { return ${status} "https://$nestjs_secure_host${port}$nestjs_secure_target"; }`,
    ),
    ...refusals.map(
      (status) => `if ($nestjs_secure_status = "${status}") { rewrite ^ /.nestjs-secure/${status} last; }`,
    ),
    '',
    ...refusals.flatMap((status) => refusalLines(status, allowedMethods(plan))),
  ];
}

/** A refusal has headers, which nginx takes in a location only. Nobody can ask for it from outside. */
function refusalLines(status: number, allow: string): string[] {
  return [
    `location = /.nestjs-secure/${status} {`,
    '  internal;',
    '  default_type text/plain;',
    '  add_header Cache-Control no-store always;',
    ...(status === 405 ? [`  add_header Allow "${allow || ' '}" always;`] : []),
    ...(status === 426 ? ['  add_header Upgrade "TLS/1.2, HTTP/1.1" always;'] : []),
    `  return ${status} "${answerBody(status)}";`,
    '}',
    '',
  ];
}

function headerLines({ set, clear }: HeaderPlan): string[] {
  return [
    ...set.flatMap(({ name, value }) => setHeader(name, value)),
    ...clear.map((name) => `proxy_set_header ${quoted(name)} "";`),
  ];
}

function setHeader(name: string, value: HeaderValue): string[] {
  const line = (text: string): string => `proxy_set_header ${quoted(name)} ${quoted(text)};`;
  switch (value.kind) {
    case 'scheme':
      return [line('$scheme')];
    case 'address':
      return [line('$remote_addr')];
    case 'host':
      return [line('$http_host')];
    case 'https':
      return /^https$/i.test(value.value) ? [line('$scheme')] : httpsOnly(value.value, line);
    case 'forwarded':
      if (!value.host) return [line('proto=$scheme')];
      return [
        'set $nestjs_secure_forwarded "proto=$scheme";',
        'if ($http_host ~ "^[A-Za-z0-9.:[\\]-]+$") { set $nestjs_secure_forwarded "proto=$scheme;host=\\"$http_host\\""; }',
        line('$nestjs_secure_forwarded'),
      ];
  }
}

function httpsOnly(value: string, line: (text: string) => string): string[] {
  if (value === 'on') return [line('$https')];
  return [
    'set $nestjs_secure_https "";',
    `if ($scheme = https) { set $nestjs_secure_https ${quoted(value)}; }`,
    line('$nestjs_secure_https'),
  ];
}

function variableOf(header: string): string {
  return `$http_${header.toLowerCase().replace(/[^a-z0-9]/g, '_')}`;
}

function quoted(text: string): string {
  return /^[\w$-]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`;
}
