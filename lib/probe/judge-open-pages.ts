import { writeDirective } from './directives.js';
import { cookieProblems } from '../response/cookies.js';
import { headerLine, headerLines, type Answered } from './observations.js';
import { redirectTarget } from './judge-redirects.js';
import { originText, findRoute, routeSubject, type Judged, type Problem } from './problems.js';

/** Of a field that a browser fills with a password. */
const PASSWORD_TYPE = /\btype\s*=\s*["']?password\b/i;

/** A cookie that may stand for a visitor, by its name. */
const SESSION_NAME = /^(?:__(?:Host|Secure)-|connect\.sid$)|sess|(?:^|[-_.])sid$|auth|token|jwt/i;

/** What pages show that answer over plain HTTP and are not marked. */
export function judgeOpenPages(judged: Judged): Problem[] {
  const { site, answered } = judged;
  return answered.flatMap((exchange): Problem[] => {
    const { scheme, forged, target } = exchange.ask;
    const route = findRoute(exchange, site);
    if (scheme !== 'http' || forged !== undefined || route === undefined || route.requirement.level === 'required') {
      return [];
    }
    const secret = secretShown(exchange);
    const { level, by } = route.requirement;
    if (secret !== undefined) {
      const lift =
        by === 'exempt-rule' ? `take its rule out of exempt` : level === 'exempt' ? 'take @SecureExempt() off it' : '';
      return [
        {
          id: 'SEC533',
          subject: routeSubject(route),
          cause: `GET ${originText(site, 'http')}${target} is answered over plain HTTP (${level}), and ${secret}.`,
          fix: `Put @SecureRequired() on the handler${lift === '' ? '' : `, and ${lift}`}; or write its path into paths of SecureModule.forRoot().`,
        },
      ];
    }
    const leadsTo = redirectTarget(exchange, site);
    if (level !== 'exempt' || leadsTo?.protocol !== 'https:' || leadsTo.pathname + leadsTo.search !== target) return [];
    return [redirectedExempt(exchange, routeSubject(route), judged)];
  });
}

function secretShown({ answer }: Answered): string | undefined {
  if (hasPasswordField(answer.body)) return 'the page has a field for a password';
  if (answer.status !== 401 || headerLine(answer, 'www-authenticate') === undefined) return undefined;
  return 'it asks for a password (WWW-Authenticate)';
}

/** Tag by tag: one expression for all of it takes seconds for a body of nothing but `<input`. */
function hasPasswordField(body: string): boolean {
  return body.split('>').some((text) => {
    const start = text.search(/<input\b/i);
    return start >= 0 && PASSWORD_TYPE.test(text.slice(start));
  });
}

function redirectedExempt({ ask }: Answered, subject: string, { site, server }: Judged): Problem {
  const { target } = ask;
  return {
    id: 'SEC534',
    subject,
    cause: `It is exempt, and the server in front redirects ${originText(site, 'http')}${target} to https: a client that asks for it over http, such as a health check, does not get it.`,
    fix: `Hand that path on over plain HTTP (${writeDirective(server, {
      nginx: `\`location = ${target} { proxy_pass … }\` in the server with \`listen 80\`, and the redirect in \`location /\``,
      Apache: `\`RewriteCond %{REQUEST_URI} !=${target}\` before the RewriteRule`,
      Caddy: `\`handle ${target} { reverse_proxy … }\` in the http site, and the redirect in \`handle\``,
      HAProxy: `\`unless { ssl_fc } or { path ${target} }\` behind the redirect`,
    })}); or take the exemption out.`,
  };
}

/** Cookies that are set over plain HTTP, and session cookies as they arrive over https. */
export function judgeCookies(judged: Judged): Problem[] {
  const { site, answered } = judged;
  return answered.flatMap((exchange) =>
    headerLines(exchange.answer, 'set-cookie').flatMap((cookie) => judgeCookie(cookie, exchange, judged)),
  );

  function judgeCookie(cookie: string, exchange: Answered, { server }: Judged): Problem[] {
    const [name = ''] = cookie.split('=');
    const { scheme, target } = exchange.ask;
    const isSession = name === site.sessionCookie || SESSION_NAME.test(name);
    const page = target;
    if (scheme === 'http') {
      const isRequired = findRoute(exchange, site)?.requirement.level === 'required';
      if (!isSession && !isRequired) return [];
      return [
        {
          id: 'SEC535',
          subject: `${originText(site, 'http')}: cookie ${name}`,
          page,
          cause: `The cookie ${name} is set over plain HTTP, where others on the network can read it.`,
          fix: `Take out the part that sets it: a second session engine in the application, or the server in front (nginx: add_header Set-Cookie, sticky; Apache: Header Set-Cookie; Caddy: header Set-Cookie; HAProxy: cookie … insert, which has the option secure). Or require https of the page: paths: ['${target.slice(site.prefix.length)}'] in SecureModule.forRoot().`,
        },
      ];
    }
    const problems = cookieProblems(cookie);
    const isBare = isSession && !/;\s*secure\s*(?:;|$)/i.test(cookie);
    if (!isBare && problems.length === 0) return [];
    const what = isBare
      ? 'it has no Secure, so browsers send it over plain HTTP too'
      : `browsers refuse it: ${problems.join(', ')}`;
    return [
      {
        id: 'SEC536',
        subject: `${originText(site, 'https')}: cookie ${name}`,
        page,
        cause: `The cookie ${name} arrives as '${cookie.replace(/=[^;]*/, '=…')}': ${what}.`,
        fix: `Take out the directives that rewrite cookies in the server in front: ${writeDirective(server, {
          nginx: '`proxy_cookie_domain`, `proxy_cookie_path` and `proxy_cookie_flags`',
          Apache: '`ProxyPassReverseCookieDomain`, `ProxyPassReverseCookiePath` and `Header edit Set-Cookie`',
          Caddy: '`header_down Set-Cookie` and `header Set-Cookie`',
          HAProxy: '`http-response replace-header Set-Cookie`',
        })}. Where the application sets it: cookies: { secure: 'all' } in SecureModule.forRoot().`,
      },
    ];
  }
}
