import { comment } from './comment.js';
import { STATES_HTTPS, type HeaderPlan, type HeaderValue } from './headers.js';
import { TOO_LONG } from './host-pattern.js';
import type { ProxyPlan } from './plan.js';
import { allowedMethods, listStatuses } from './request-plan.js';
import { COVERAGE, decisionText, KINDS, KINDS_NOTE } from './wording.js';

/** What is to be included in the virtual host of port 80: the rules, which act over plain HTTP only, and the headers. */
export function writeApacheHttp(plan: ProxyPlan): readonly string[] {
  return [
    ...comment(
      'Where: in the <VirtualHost> of port 80, outside of every <Location> and <Directory>, before other RewriteRules. In a virtual host with SSLEngine on the rules see %{HTTPS} and do nothing, so they cannot loop. Do not include it where another server has ended TLS before: this Apache has to be the one that does.',
    ),
    ...comment('It needs mod_rewrite and mod_headers: a2enmod rewrite headers'),
    '',
    ...(listStatuses(plan).refusals.length === 0
      ? []
      : [...requestLines(plan), ...hostLines(plan), ...answerLines(plan)]),
    ...comment('What the application reads of its proxy, in the place of what the client has sent.'),
    ...headerLines(plan.headers),
  ];
}

/** What is to be included wherever requests are handed on. */
export function writeApacheHttps({ headers }: ProxyPlan): readonly string[] {
  return [
    ...comment(
      'Where: in every <VirtualHost> that hands requests on to the application, on port 443 and on port 80 alike. It needs mod_headers: a2enmod headers',
    ),
    '',
    ...headerLines(headers),
  ];
}

/** One rule: what holds, and what is done. Spaces part its words, so none stands within one. */
function rule(conditions: readonly string[], flags: string, substitution = '-'): string[] {
  return [...conditions.map((condition) => `RewriteCond ${condition}`), `RewriteRule ^ ${substitution} [${flags}]`];
}

function matches(tested: string, pattern: string, flags = ''): string {
  return `${tested} "${pattern}"${flags}`;
}

function requestLines({ base, steps }: ProxyPlan): string[] {
  return [
    'RewriteEngine On',
    ...comment(
      `What requires https. The last rule that matches decides. %{THE_REQUEST} holds the target as it was sent; its query plays no part. ${COVERAGE}`,
    ),
    ...rule([], `E=NESTJS_SECURE_PATH:/,E=NESTJS_SECURE:${decisionText(base)}`),
    ...rule(
      [matches('%{THE_REQUEST}', '^\\S+ (?:[a-z][a-z0-9+.-]*://[^/?#\\x5c ]*)?(/[^? ]*)', ' [NC]')],
      'E=NESTJS_SECURE_PATH:%1',
    ),
    ...steps.flatMap(({ says, sensitive, pattern, decision }) => [
      ...says.flatMap((text) => comment(text)),
      ...rule(
        [matches('"%{REQUEST_METHOD} %{ENV:NESTJS_SECURE_PATH}"', pattern, sensitive ? '' : ' [NC]')],
        `E=NESTJS_SECURE:${decisionText(decision)}`,
      ),
    ]),
    '',
  ];
}

function hostLines({ fixedHost, hosts }: ProxyPlan): string[] {
  if (fixedHost !== undefined) {
    return [...comment('Where redirects lead: redirect.host.'), ...rule([], `E=NESTJS_SECURE_HOST:${fixedHost}`), ''];
  }
  return [
    ...comment('The hosts that redirects may lead to. The last rule that matches decides; none: 400.'),
    ...rule([], 'E=NESTJS_SECURE_HOST:'),
    ...hosts.flatMap(({ pattern, host, says }) => [
      ...comment(says),
      ...rule([matches('%{HTTP_HOST}', pattern, ' [NC]')], `E=NESTJS_SECURE_HOST:${host ?? '%1'}`),
    ]),
    ...rule([matches('%{HTTP_HOST}', TOO_LONG)], 'E=NESTJS_SECURE_HOST:'),
    '',
  ];
}

function answerLines(plan: ProxyPlan): string[] {
  const { redirects, refusals } = listStatuses(plan);
  const port = plan.httpsPort === 443 ? '' : `:${plan.httpsPort}`;
  const stated = plan.headers.stated.map((name) => `%{HTTP:${name}}`).join('|');
  const kind = (name: string): string => `E=NESTJS_SECURE_KIND:${name}`;
  return [
    ...comment(KINDS_NOTE),
    ...rule([], kind('safe')),
    ...rule([matches('%{HTTP:Authorization}', '.')], kind('authorized')),
    ...rule([matches('%{REQUEST_METHOD}', '!^(?:GET|HEAD)$')], kind('unsafe')),
    ...rule([matches('%{HTTP:Upgrade}', '^websocket$', ' [NC]')], kind('websocket')),
    ...rule([matches(`"|${stated}|"`, STATES_HTTPS, ' [NC]')], kind('stated')),
    ...rule([matches('%{HTTP:X-Arr-Ssl}', '.')], kind('stated')),
    '',
    ...rule([], 'E=NESTJS_SECURE_STATUS:'),
    ...KINDS.flatMap(({ kind: name, pattern, status }) =>
      rule(
        [matches('%{ENV:NESTJS_SECURE_KIND}/%{ENV:NESTJS_SECURE}', `^${name}/${pattern}`)],
        `E=NESTJS_SECURE_STATUS:${status ?? '%1'}`,
      ),
    ),
    ...comment('CORS preflights are left to the application: browsers refuse a redirected one.'),
    ...rule(
      [
        matches('%{REQUEST_METHOD}', '^OPTIONS$'),
        matches('%{HTTP:Origin}', '.'),
        matches('%{HTTP:Access-Control-Request-Method}', '.'),
      ],
      'E=NESTJS_SECURE_STATUS:',
    ),
    ...comment('Nothing is done over https.'),
    ...rule([matches('%{HTTPS}', '!^off$')], 'E=NESTJS_SECURE_STATUS:'),
    '',
    ...rule([matches('%{ENV:NESTJS_SECURE_STATUS}/%{ENV:NESTJS_SECURE_HOST}', '^3../$')], 'E=NESTJS_SECURE_STATUS:400'),
    ...redirects.flatMap((status) =>
      rule(
        [matches('%{ENV:NESTJS_SECURE_STATUS}', `^${status}$`)],
        `R=${status},NE,END`,
        `https://%{ENV:NESTJS_SECURE_HOST}${port}%{ENV:NESTJS_SECURE_PATH}`,
      ),
    ),
    ...refusals.flatMap((status) =>
      rule(
        [matches('%{ENV:NESTJS_SECURE_STATUS}', `^${status}$`)],
        `R=${status},END,E=NESTJS_SECURE_REFUSED:${status}`,
      ),
    ),
    ...refusalHeader('Cache-Control', 'no-store', '.'),
    ...(refusals.includes(405) ? refusalHeader('Allow', allowedMethods(plan), '405') : []),
    ...(refusals.includes(426) ? refusalHeader('Upgrade', 'TLS/1.2, HTTP/1.1', '426') : []),
    '',
  ];
}

/** Apache puts `REDIRECT_` before the variable where an ErrorDocument of this server writes the body. */
function refusalHeader(name: string, value: string, status: string): string[] {
  const refused = ['NESTJS_SECURE_REFUSED', 'REDIRECT_NESTJS_SECURE_REFUSED'].map(
    (each) => `reqenv('${each}') =~ /${status}/`,
  );
  return [`Header always set ${name} "${value}" "expr=${refused.join(' || ')}"`];
}

function headerLines({ set, clear }: HeaderPlan): string[] {
  return [
    'ProxyPreserveHost On',
    'ProxyAddHeaders Off',
    ...set.flatMap(({ name, value }) => setHeader(name, value)),
    ...clear.map((name) => `RequestHeader unset ${quoted(name)}`),
  ];
}

function setHeader(name: string, value: HeaderValue): string[] {
  const line = (expression: string): string => `RequestHeader set ${quoted(name)} "expr=${expression}"`;
  switch (value.kind) {
    case 'scheme':
      return [line('%{REQUEST_SCHEME}')];
    case 'address':
      return [line('%{REMOTE_ADDR}')];
    case 'host':
      // ProxyPreserveHost hands on the Host itself.
      return name === 'Host' ? [] : [line('%{HTTP_HOST}')];
    case 'https':
      return [
        `RequestHeader unset ${quoted(name)}`,
        `RequestHeader set ${quoted(name)} ${quoted(value.value)} "expr=%{HTTPS} == 'on'"`,
      ];
    case 'forwarded':
      return [
        line('proto=%{REQUEST_SCHEME}'),
        ...(value.host
          ? [
              `RequestHeader set ${quoted(name)} "expr=proto=%{REQUEST_SCHEME};host=\\"%{HTTP_HOST}\\"" "expr=%{HTTP_HOST} =~ /^[A-Za-z0-9.:\\[\\]-]+$/"`,
            ]
          : []),
      ];
  }
}

function quoted(text: string): string {
  return /^[\w-]+$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`;
}
