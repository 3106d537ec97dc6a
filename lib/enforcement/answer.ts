import { STATUS_CODES } from 'node:http';
import type { RefusalReason, Verdict } from '../policy/verdict.js';

/** A verdict that ends the request. */
export type Answered = Exclude<Verdict, { action: 'pass' }>;

/** What a client is told, by reason. The operator reads more: the finding in the log names the setting to change. */
const DETAILS: Record<RefusalReason | 'insecure', string> = {
  insecure: 'This page is served over https only.',
  'insecure-secret':
    'This is served over https only, and the request came in clear. Whatever it carried must be taken as read by others: change it, and use https.',
  'insecure-refused': 'This is served over https only. Ask again over https.',
  preflight: 'This is served over https only, and the application answers no CORS preflight for it.',
  websocket: 'This socket is served over wss only.',
  'host-not-allowed':
    'This page is served over https only, but the host of this request is not one of this site, so there is no address to lead you to. The operator finds the setting to change in the log.',
  'proxy-not-believed':
    'A proxy in front of this site says that you came over https, but the site was not told to believe that proxy, and sending you to https again would never end. The operator finds the setting to change in the log.',
  'redirect-loop':
    'You were sent to https a moment ago and came back in clear: a proxy in front of this site ends https without saying so, and sending you on again would never end. The operator finds the setting to change in the log.',
};

/** An answer to a request in clear: everything that is written. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The status and the headers that belong to a verdict whoever writes the body. */
export function headersOf(verdict: Answered): Readonly<Record<string, string>> {
  if (verdict.action === 'redirect') return { location: verdict.location };
  switch (verdict.status) {
    case 405:
      // RFC 9110 10.2.1: an empty list says that no method is allowed here, over http.
      return { 'cache-control': 'no-store', allow: '' };
    case 426:
      return { 'cache-control': 'no-store', upgrade: 'TLS/1.2, HTTP/1.1', connection: 'Upgrade' };
    default:
      return { 'cache-control': 'no-store' };
  }
}

/** The text of a verdict, for a person. */
export function detailOf(verdict: Answered): string {
  return DETAILS[verdict.reason];
}

/**
 * The whole answer: a problem document (RFC 9457) with the reason, or a short page for a client that accepts HTML, as
 * browsers do and programs hardly ever.
 */
export function answerOf(verdict: Answered, accept: string | undefined): Answer {
  const html = accept !== undefined && /\btext\/html\b/i.test(accept);
  const body = html ? page(verdict) : problem(verdict);
  const contentType = html ? 'text/html; charset=utf-8' : 'application/problem+json';
  return {
    status: verdict.status,
    headers: { ...headersOf(verdict), 'content-type': contentType, 'content-length': String(Buffer.byteLength(body)) },
    body,
  };
}

function problem(verdict: Answered): string {
  return JSON.stringify({
    type: 'about:blank',
    title: titleOf(verdict),
    status: verdict.status,
    detail: detailOf(verdict),
    reason: verdict.reason,
  });
}

function page(verdict: Answered): string {
  const title = titleOf(verdict);
  const link =
    verdict.action === 'redirect'
      ? `<p><a href="${escapeHtml(verdict.location)}">${escapeHtml(verdict.location)}</a></p>`
      : '';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<h1>${title}</h1>
<p>${detailOf(verdict)}</p>
${link}
</html>
`;
}

function titleOf({ status }: Answered): string {
  return STATUS_CODES[status] ?? 'Refused';
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
