import { valueAt } from '../response/hsts-value.js';
import { hstsOverHttpsOnly, leaveHsts, redirectToHttps, writeDirective } from './directives.js';
import { headerLines, type Answered } from './observations.js';
import { redirectTarget, isTelling } from './judge-redirects.js';
import { originText, type Judged, type Problem } from './problems.js';

const HSTS = 'strict-transport-security';
const ONE_YEAR = 31_536_000;

/** What browsers are told of HSTS, beside what the options say. */
export function judgeHsts(judged: Judged): Problem[] {
  return [...judgeOverHttps(judged), ...judgeOverHttp(judged), ...judgePreload(judged)];
}

function judgeOverHttp({ site, answered, server }: Judged): Problem[] {
  return answered
    .filter(
      ({ ask, answer }) => ask.scheme === 'http' && ask.forged === undefined && headerLines(answer, HSTS).length > 0,
    )
    .map(({ ask }) => ({
      id: 'SEC542',
      subject: originText(site, 'http'),
      page: ask.target,
      cause:
        'Strict-Transport-Security is sent over plain HTTP, where browsers must ignore it (RFC 6797 8.1), and anybody on the way can write it.',
      fix: `Send it over https alone: ${writeDirective(server, hstsOverHttpsOnly())}. In the application: helmet({ strictTransportSecurity: false }).`,
    }));
}

function judgeOverHttps(judged: Judged): Problem[] {
  const { site, server, now } = judged;
  const { option } = site.hsts;
  const values = possibleValues(judged);
  const value = values.at(-1);
  const pages = overHttps(judged);
  const subject = originText(site, 'https');
  const sent = pages.filter(({ answer }) => headerLines(answer, HSTS).length > 0);
  if (sent.length === 0) {
    if (pages.length === 0 || option === 'off' || (option === 'set' && values.includes(undefined))) return [];
    if (value !== undefined) {
      return [
        {
          id: 'SEC540',
          subject,
          cause: `No page over https has Strict-Transport-Security, and the hsts option says '${value}'.`,
          fix: `Let it through: ${writeDirective(server, leaveHsts())}.`,
        },
      ];
    }
    return [
      {
        id: 'SEC540',
        subject,
        cause:
          'No page over https has Strict-Transport-Security: a visitor who types the address comes over http first, and an attacker on the way can keep them there.',
        fix: `Raise it step by step: hsts: { ramp: { from: '${now.toISOString().slice(0, 10)}' } } in SecureModule.forRoot(). If the site sent HSTS before, write what it sent instead, such as hsts: { maxAge: 31536000, includeSubDomains: true }: the first steps of a ramp would lower what browsers have kept.`,
      },
    ];
  }
  if (option === 'off') return [];
  return sent.flatMap(({ ask, answer }): Problem[] => {
    const [first = '', ...others] = headerLines(answer, HSTS);
    const seen = { subject, page: ask.target, fix: '' };
    if (option === 'unset') {
      return [
        {
          ...seen,
          id: 'SEC541',
          cause: `Browsers are told '${first}', and no hsts option says so.`,
          fix: `Write that policy into the hsts option, and ${writeDirective(server, leaveHsts())}; or write hsts: false, which leaves the header to the server in front.`,
        },
      ];
    }
    if (others.length === 0 && values.some((one) => isSamePolicy(first, one))) return [];
    return [
      {
        ...seen,
        id: 'SEC541',
        cause: `Browsers are told '${first}'${others.length === 0 ? '' : `, and then '${others.join("', '")}', which they ignore`}. The hsts option says ${value === undefined ? 'nothing yet' : `'${value}'`}${compareAges(first, value)}.`,
        fix: `Leave the header to the application: ${writeDirective(server, leaveHsts())}. Where helmet sends it: helmet({ strictTransportSecurity: false }).`,
      },
    ];
  });
}

/** How far the clock of the site may be from the one of the probe. */
const CLOCK_SKEW = 60_000;

/** What the application may have sent while it was asked, the latest last: a ramp takes a step at midnight. */
function possibleValues({ site, observed, now }: Judged): readonly (string | undefined)[] {
  const { values } = site.hsts;
  const [from, to] = [observed.began - CLOCK_SKEW, now.getTime() + CLOCK_SKEW];
  return [valueAt(values, from), ...values.filter(({ at }) => at > from && at <= to).map(({ value }) => value)];
}

/** Answers that a page gives, and no error of the server in front; what is refused as plain HTTP has no HSTS. */
function overHttps({ answered }: Judged): readonly Answered[] {
  return answered.filter(({ ask, answer }) => ask.scheme === 'https' && isTelling(answer) && answer.status < 400);
}

/** The directives of a policy, in any order and case (RFC 6797 6.1). */
function policyIn(value: string): ReadonlyMap<string, string> {
  return new Map(
    value.split(';').flatMap((part): [string, string][] => {
      const [name = '', text = ''] = part.split('=').map((piece) => piece.trim().toLowerCase());
      return name === '' ? [] : [[name, text.replace(/^"|"$/g, '')]];
    }),
  );
}

function isSamePolicy(sent: string, expected: string | undefined): boolean {
  if (expected === undefined) return false;
  const [a, b] = [policyIn(sent), policyIn(expected)];
  return a.size === b.size && [...a].every(([name, text]) => b.get(name) === text);
}

function compareAges(sent: string, expected: string | undefined): string {
  const [told, meant] = [sent, expected ?? 'max-age=0'].map((value) => Number(policyIn(value).get('max-age')));
  if (told === undefined || meant === undefined || told === meant) return '';
  return told > meant ? ', so they keep to https for longer than you can take back' : ', so they forget it sooner';
}

/** The rules of hstspreload.org, where somebody asks to be on the list. */
function judgePreload(judged: Judged): Problem[] {
  const { site } = judged;
  const pages = overHttps(judged);
  const asked = [...possibleValues(judged), ...pages.flatMap(({ answer }) => headerLines(answer, HSTS)[0] ?? [])];
  if (!asked.some((value) => value !== undefined && policyIn(value).has('preload'))) return [];
  return [...judgeFirstRedirect(judged), ...judgeListedPolicy(judged)].map(({ cause, fix }) => ({
    id: 'SEC543',
    subject: originText(site, 'https'),
    cause: `Preload is asked for, and ${cause}`,
    fix: `${fix} Or take preload out of the hsts option.`,
  }));
}

interface PreloadFault {
  readonly cause: string;
  readonly fix: string;
}

/** Plain HTTP leads to https on the same host and port 443 first, and only then elsewhere. */
function judgeFirstRedirect({ site, answered, server }: Judged): PreloadFault[] {
  const first = answered.find(
    ({ ask }) => ask.scheme === 'http' && ask.target === `${site.prefix}/` && ask.forged === undefined,
  );
  if (first === undefined || !isTelling(first.answer)) return [];
  const target = redirectTarget(first, site);
  const { host } = site;
  if (target?.protocol === 'https:' && target.hostname === host && target.port === '') return [];
  const redirect = `Redirect to https://${host} first: ${writeDirective(server, redirectToHttps({ redirectHost: host, port: 443 }))}.`;
  const inApplication =
    " Where the application redirects: mode: 'all', no redirect.host and no ports.https in SecureModule.forRoot().";
  return [
    {
      cause:
        target === undefined
          ? `the first page is answered ${first.answer.status} over plain HTTP: the list wants it redirected.`
          : `the first redirect leads to ${target.origin}: the list wants it to lead to https://${host} on port 443, and only then elsewhere.`,
      fix: redirect + inApplication,
    },
  ];
}

/** What the first page says over https; a redirect from there says it too. */
function judgeListedPolicy({ site, answered }: Judged): PreloadFault[] {
  const first = answered.find(({ ask }) => ask.scheme === 'https' && ask.target === `${site.prefix}/`);
  if (first === undefined || !isTelling(first.answer)) return [];
  const [value] = headerLines(first.answer, HSTS);
  const policy = policyIn(value ?? '');
  const isEnough =
    Number(policy.get('max-age')) >= ONE_YEAR && policy.has('includesubdomains') && policy.has('preload');
  if (isEnough) return [];
  return [
    {
      cause: `the first page says ${value === undefined ? 'nothing of HSTS' : `'${value}'`} over https: the list wants a year, includeSubDomains and preload.`,
      fix: 'Write hsts: { includeSubDomains: true, preload: true } in SecureModule.forRoot(), and leave the header to the application.',
    },
  ];
}
