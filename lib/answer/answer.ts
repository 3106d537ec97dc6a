import { STATUS_CODES } from 'node:http';
import type { FindingId } from '../findings/catalogue.js';
import type { RefusalPage } from '../options/secure-options.js';
import type { RefuseVerdict, Verdict } from '../policy/verdict.js';

/** A verdict that ends the request. */
export type DenyVerdict = Exclude<Verdict, { action: 'pass' }> & {
  /** What the operator finds in the log, where the cause is on the side of the site. */
  readonly finding?: FindingId | undefined;
  /** The same path over https, for the page of a refusal; undefined where there is no safe URL. */
  readonly link?: string | undefined;
  /** The page of the application's own template, in place of ours. */
  readonly page?: string | undefined;
};

/** What a client is told, in words for a person. */
interface Message {
  readonly heading: string;
  /** What happened. */
  readonly what: string;
  /** What the client can do. */
  readonly advice: string;
}

const ONLY_HTTPS = 'This is served over https only';

/** By reason. The operator reads more: the finding in the log names the setting to change. */
const MESSAGES: Record<DenyVerdict['reason'], Message> = {
  insecure: {
    heading: 'This page is at another address',
    what: `${ONLY_HTTPS}.`,
    advice: 'Use the https address.',
  },
  'insecure-secret': {
    heading: 'This was not sent safely',
    what: `${ONLY_HTTPS}, and the request came over plain HTTP, so it was refused.`,
    advice: 'Others may have read what you sent, such as a password. Change it, and use the https address from now on.',
  },
  'insecure-refused': {
    heading: 'Only over https',
    what: `${ONLY_HTTPS}, and the request came over plain HTTP.`,
    advice: 'Use the https address.',
  },
  preflight: {
    heading: 'Only over https',
    what: `${ONLY_HTTPS}, and the application does not answer a CORS preflight for it.`,
    advice: 'Use the https address.',
  },
  websocket: {
    heading: 'Only over wss',
    what: 'This socket is served over wss only, and the request came over plain HTTP.',
    advice: 'Use the wss address.',
  },
  'host-not-allowed': {
    heading: 'Unknown host name',
    what: `${ONLY_HTTPS}, and this site is not known under the host name of the request, so there is no address to send you to.`,
    advice: 'Check the address for a typing error. If there is none, nothing is wrong on your side: try again later.',
  },
  'proxy-not-believed': {
    heading: 'This site is misconfigured',
    what: 'You seem to have come over https, but a server in front of this site does not say so in a way that this site is set to believe. A redirect to https would cause a redirect loop, so the request was refused.',
    advice: 'Nothing is wrong on your side. Try again later.',
  },
  'redirect-loop': {
    heading: 'This site is misconfigured',
    what: 'You were sent to https a moment ago and came back over plain HTTP: a server in front of this site ends https and does not say so. Another redirect would cause a redirect loop.',
    advice: 'Nothing is wrong on your side. Try again later.',
  },
};

/** What a redirect says in place of the advice: a page has a link, and a problem document the header alone. */
const FOLLOW_LINK = 'Your browser should take you there. If it does not, follow the link.';
const FOLLOW_LOCATION = 'The https address is in the Location header.';

/** An answer to a plain-HTTP request: everything that is written. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The status and the headers that belong to a verdict, whatever writes the body. */
export function answerHeaders(verdict: DenyVerdict): Record<string, string> {
  if (verdict.action === 'redirect') return { location: verdict.location };
  switch (verdict.status) {
    case 405:
      // RFC 9110 10.2.1: an empty list says that no method is allowed here over plain HTTP.
      return { 'cache-control': 'no-store', allow: verdict.allow?.join(', ') ?? '' };
    case 426:
      return { 'cache-control': 'no-store', upgrade: 'TLS/1.2, HTTP/1.1', connection: 'Upgrade' };
    default:
      return { 'cache-control': 'no-store' };
  }
}

/** The text of a verdict, for a person. */
export function describeVerdict(verdict: DenyVerdict, advice = MESSAGES[verdict.reason].advice): string {
  const { what } = MESSAGES[verdict.reason];
  return [what, advice, ...hintsOf(verdict)].join(' ');
}

/** What a template of the application's own is given. */
export function refusalPage(verdict: RefuseVerdict & DenyVerdict): RefusalPage {
  const { status, reason, link } = verdict;
  const { heading, what, advice } = MESSAGES[reason];
  return { status, reason, heading, paragraphs: [what, advice, ...hintsOf(verdict)], link };
}

/** What the operator is told. Every visitor can read it, so it says nothing of the application's inside. */
function hintsOf({ finding }: DenyVerdict): string[] {
  return finding === undefined
    ? []
    : [`If you run this site, look for ${finding} in the log of the application: it names the setting to change.`];
}

/**
 * The whole answer: a problem document (RFC 9457) with the reason, or a short page for a client that accepts HTML, as
 * browsers do and programs hardly ever.
 */
export function buildAnswer(verdict: DenyVerdict, accept: string | undefined): Answer {
  const html = acceptsHtml(accept);
  const { body, length } = html ? measured(verdict.page ?? page(verdict)) : problemOf(verdict);
  const contentType = html ? 'text/html; charset=utf-8' : 'application/problem+json';
  // Added one by one: a spread beside quoted names is an object that V8 is slow with, at the price of all the judging.
  const headers = answerHeaders(verdict);
  headers['content-type'] = contentType;
  headers['content-length'] = length;
  return { status: verdict.status, headers, body };
}

/** The same for a server that does nothing else: a redirect has a page for a browser, and for a program only where it leads. */
export function buildBriefAnswer(verdict: DenyVerdict, accept: string | undefined): Answer {
  if (verdict.action !== 'redirect' || acceptsHtml(accept)) return buildAnswer(verdict, accept);
  return { status: verdict.status, headers: { location: verdict.location, 'content-length': '0' }, body: '' };
}

/** Whether a client accepts a page, by its `Accept`. */
export function acceptsHtml(accept: string | undefined): boolean {
  return accept !== undefined && /\btext\/html\b/i.test(accept);
}

interface Body {
  readonly body: string;
  readonly length: string;
}

function measured(body: string): Body {
  return { body, length: String(Buffer.byteLength(body)) };
}

/** The documents that name no finding, by reason and status; the others are rare. */
const problems = new Map<string, Map<number, Body>>();

function problemOf(verdict: DenyVerdict): Body {
  const { reason, status, finding } = verdict;
  if (finding !== undefined) return measured(problem(verdict));
  const known = problems.get(reason)?.get(status);
  if (known !== undefined) return known;
  const made = measured(problem(verdict));
  problems.set(reason, (problems.get(reason) ?? new Map<number, Body>()).set(status, made));
  return made;
}

function problem(verdict: DenyVerdict): string {
  const { status, reason, finding } = verdict;
  return JSON.stringify({
    type: 'about:blank',
    title: titleOf(verdict),
    status,
    detail: describeVerdict(verdict, verdict.action === 'redirect' ? FOLLOW_LOCATION : undefined),
    reason,
    finding,
  });
}

/** Nothing in it is fetched, and nothing runs: it came over plain HTTP, and the site behind it may be down. */
function page(verdict: DenyVerdict): string {
  const { heading, what, advice } = MESSAGES[verdict.reason];
  const redirects = verdict.action === 'redirect';
  const url = redirects ? verdict.location : verdict.link;
  const link = url === undefined ? [] : [linkTo(url)];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${heading}</title>
<style>
body { max-width: 36rem; margin: 12vh auto; padding: 0 1.25rem; font: 1.0625rem/1.6 system-ui, sans-serif }
h1 { font-size: 1.625rem; line-height: 1.25 }
a { overflow-wrap: anywhere }
footer { margin-top: 3rem; border-top: 1px solid; font-size: 0.875rem }
</style>
<main>
<h1>${heading}</h1>
${[what, redirects ? FOLLOW_LINK : advice, ...link].map(paragraph).join('\n')}
<footer>
${[...hintsOf(verdict), `${verdict.status} ${titleOf(verdict)}`].map(paragraph).join('\n')}
</footer>
</main>
</html>
`;
}

function paragraph(html: string): string {
  return `<p>${html}</p>`;
}

function linkTo(location: string): string {
  const escaped = escapeHtml(location);
  return `<a href="${escaped}">${escaped}</a>`;
}

function titleOf({ status }: DenyVerdict): string {
  return STATUS_CODES[status] ?? 'Refused';
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
