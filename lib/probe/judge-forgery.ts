import { FOREIGN_HOST, FORGED_PORT, FORGED_PREFIX } from './asks.js';
import { dropHeader, stateForwardedHost, stateScheme, writeDirective, writeRedirect } from './directives.js';
import { headerLine, readRefusal, type Answered, type Forgery } from './observations.js';
import { originText, type Judged, type Problem } from './problems.js';
import { isTelling, redirectTarget } from './judge-redirects.js';

/** Whether a client is believed: its forwarded headers and its Host. */
export function judgeForgery(judged: Judged): Problem[] {
  const forged = judged.answered.filter(({ ask, answer }) => ask.forged !== undefined && isTelling(answer));
  return forged.flatMap((exchange) => {
    const honest = judged.answered.find(({ ask }) => isHonestTwin(ask, exchange.ask));
    if (honest === undefined || exchange.ask.forged === undefined) return [];
    return judgeForged(exchange, exchange.ask.forged, honest, judged);
  });
}

/** The same request without what it pretends. */
function isHonestTwin(ask: Answered['ask'], forged: Answered['ask']): boolean {
  return (
    ask.forged === undefined &&
    ask.scheme === forged.scheme &&
    ask.method === forged.method &&
    ask.target === forged.target
  );
}

function judgeForged(exchange: Answered, forged: Forgery, honest: Answered, judged: Judged): Problem[] {
  const { site, server } = judged;
  const target = redirectTarget(exchange, site);
  const subject = originText(site, 'http');
  const page = exchange.ask.target;
  const steered = target?.hostname === FOREIGN_HOST;
  switch (forged) {
    case 'scheme':
    case 'forwarded-proto': {
      if (!isBelieved(exchange, honest)) return [];
      const [name = ''] = Object.keys(exchange.ask.headers);
      return [
        {
          id: 'SEC524',
          subject: `${subject}: ${name}`,
          page,
          cause: `A client that writes ${name} into its request over plain HTTP is answered ${exchange.answer.status}, as if it had come over https.`,
          fix:
            name === site.schemeHeader.name
              ? `Let the server in front overwrite what a client sends, over http and https: ${writeDirective(server, stateScheme(site))}. And name its address alone in proxies.trust.`
              : `Keep the header of clients from the application: ${writeDirective(server, dropHeader(name))}. And declare the server in front in proxies.trust.`,
        },
      ];
    }
    case 'host':
      return steered ? [steeredByHost(subject, page, judged)] : [];
    case 'forwarded-host':
      return steered
        ? [
            {
              id: 'SEC525',
              subject: `${subject}: X-Forwarded-Host`,
              page,
              cause: `A redirect leads to the host that a client writes into X-Forwarded-Host.`,
              fix: `Let the server in front overwrite it: ${writeDirective(server, stateForwardedHost())}. And name the hosts of the site: hosts: ['${site.host}'] in SecureModule.forRoot().`,
            },
          ]
        : [];
    case 'port':
      return target?.port === String(FORGED_PORT)
        ? [believedHeader('X-Forwarded-Port', 'the port of redirects', exchange, judged)]
        : [];
    case 'prefix':
      return target?.pathname.startsWith(FORGED_PREFIX) === true
        ? [believedHeader('X-Forwarded-Prefix', 'the path of redirects', exchange, judged)]
        : [];
  }
}

function steeredByHost(subject: string, page: string, { site, server }: Judged): Problem {
  const byApplication = site.anyHost
    ? `Write hosts: ['${site.host}'] in place of hosts: ['*'] in SecureModule.forRoot().`
    : `Let the server in front redirect to the name of the site: ${writeRedirect(server, site)}.`;
  return {
    id: 'SEC525',
    subject: `${subject}: Host`,
    page,
    cause:
      'A redirect leads to the host that a client writes into Host. An attacker who gets a cache to keep it sends visitors to another site.',
    fix: byApplication,
  };
}

function believedHeader(name: string, what: string, { ask }: Answered, { site, server }: Judged): Problem {
  return {
    id: 'SEC524',
    subject: `${originText(site, 'http')}: ${name}`,
    page: ask.target,
    cause: `A client that writes ${name} into its request chooses ${what}.`,
    fix: `Let the server in front take it out: ${writeDirective(server, dropHeader(name))}.`,
  };
}

/** What says that a statement of https was not believed: a bad request, or one that this server does not answer (RFC 9110 15.5.20). */
const DISBELIEF: ReadonlySet<number> = new Set([400, 421]);

/** Neither answered as without the header nor refused, by nestjs-secure or by the server in front, whose rules write no document. */
function isBelieved({ answer }: Answered, honest: Answered): boolean {
  const isSame =
    answer.status === honest.answer.status && headerLine(answer, 'location') === headerLine(honest.answer, 'location');
  return !isSame && readRefusal(answer) === undefined && !DISBELIEF.has(answer.status);
}
