import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { pathAndQueryOf } from '../../lib/transport/request-target.js';

/** A plain-HTTP request, byte for byte. */
export interface ClearRequest {
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly lines: readonly string[];
  /** It is spelt as nobody means it, so that a proxy may answer it more strictly than the application. */
  readonly odd: boolean;
}

/** What became of a request: the status of a refusal, or where a redirect leads, as a URL parser would write it. */
export type ClearOutcome =
  | { readonly action: 'pass' }
  | { readonly action: 'redirect'; readonly status: number; readonly location: string }
  | { readonly action: 'refuse'; readonly status: number };

/** What an upstream writes that only says that it was reached. */
export const PASSED = 'passed';

/** Sends a request and reads until the server hangs up. */
export async function sendOverHttp(port: number, { method, target, host, lines }: ClearRequest): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...lines];
  socket.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'));
  const answer = buffer(socket);
  await once(socket, 'close');
  return (await answer).toString('latin1');
}

/** What an application decided: its refusals are not to be stored, and its handlers say nothing of that. */
export function applicationOutcome(answer: string): ClearOutcome {
  const redirect = redirectIn(answer);
  if (redirect !== undefined) return redirect;
  return /^cache-control: no-store\r$/im.test(answer)
    ? { action: 'refuse', status: statusOf(answer) }
    : { action: 'pass' };
}

/** What a proxy decided, in front of an upstream that says `PASSED`. */
export function proxyOutcome(answer: string): ClearOutcome {
  const status = statusOf(answer);
  if (status === 200) return { action: 'pass' };
  return redirectIn(answer) ?? { action: 'refuse', status };
}

const STRICTNESS = { pass: 0, redirect: 1, refuse: 2 };

/** Whether one outcome is what the other is, or stricter. */
export function isAsStrict(one: ClearOutcome, other: ClearOutcome): boolean {
  return STRICTNESS[one.action] >= STRICTNESS[other.action];
}

function statusOf(answer: string): number {
  return Number(answer.split(' ', 2)[1]);
}

function redirectIn(answer: string): ClearOutcome | undefined {
  const [, location] = /^location: (https:.*)\r$/im.exec(answer) ?? [];
  if (location === undefined) return undefined;
  const [, origin = '', target = ''] = /^(https:\/\/[^/]*)(.*)$/.exec(location) ?? [];
  // A proxy leaves some characters as they are that the application escapes; and `/?` is `/` with an empty query.
  return {
    action: 'redirect',
    status: statusOf(answer),
    location: origin.toLowerCase() + pathAndQueryOf(target).replace(/\?$/, ''),
  };
}

const HOSTS = [
  'example.com',
  'EXAMPLE.com:80',
  'a.b.example.org.',
  'www.example.net',
  'localhost',
  'evil.example',
  'example.com.evil.example',
];
const AUTHORIZED = ['Authorization: Basic dTpw'];

/** Paths that people and programs write, for the site of proxy-config-site.ts. */
const PLAIN = [
  '/',
  '/health',
  '/health/',
  '/api',
  '/api/open',
  '/api/open/door',
  '/api/members',
  '/api/members/7',
  '/api/members/a%2Fb',
  '/api/members/%C3%A9t%C3%A9',
  '/api/members/J%C3%BCrgen%20K.',
  '/api/members/7/edit',
  '/api/members/new/edit',
  '/api/members/7/delete',
  '/api/account',
  '/api/account/ping',
  '/api/account/avatar',
  '/api/account/7',
  '/api/account/settings/mail',
  '/api/account/settings',
  '/api/bank/statement',
  '/api/bank/rates',
  '/api/bank/branches',
  '/api/v1/reports/2026',
  '/api/v2/reports/2026',
  '/api/v3/reports/2026',
  '/api/v4/reports/2026',
  '/api/reports/2026',
  '/files/private/a',
  '/files/private/a/b.txt',
  '/files/private/secret/a',
  '/files/public/a',
  '/files/public/a/b%20c.txt',
  '/files/public/stra%C3%9Fe',
  '/api/admin',
  '/api/admin/users',
  '/api/admin/upload',
  '/api/admin/status',
  '/api/admin/public',
  '/api/admin/public/logo.svg',
  '/api/administrator',
  '/api/admin.html',
  '/api/ping',
  '/.well-known/security.txt',
  '/.well-known/acme-challenge/abc_-9',
  '/nobody/home',
  '/favicon.ico',
];

/** The same and others, as they come from people who try. */
const ODD = [
  // Told apart by its host as well.
  '/api/office/desk',
  '/api/members/7?next=//evil.example/%3f#f',
  '/API/Members/7',
  '/api/MEMBERS/7/Edit',
  '/api/members/new/Edit',
  '/Api/Account/Ping',
  '/api/account/ping/',
  '/api/members/',
  '/api/members/7/',
  '/api/members/7/edit/',
  '/api/members/late/edit',
  '/api/members/new/edit/',
  '/api/members/7;v=1',
  '/api/members;x/7',
  '/api//members/7',
  '//api/members/7',
  '/api/members//7',
  '/api/./members/7',
  '/api/open/../members/7',
  '/api/open/%2e%2e/members/7',
  '/api/open/..%2fmembers/7',
  '/api/open%2f..%2fmembers%2f7',
  '/api/members/..',
  '/api/members/.',
  '/api/%6dembers/7',
  '/%61pi/%6dembers/a%2fb',
  '/api/%256dembers/7',
  '/api/members%2f7',
  '/api/members%2F7%2Fedit',
  '/api\\members\\7',
  '/api/open\\..\\members/7',
  '/api/members/7%00',
  '/api/members/%ff',
  '/api/members/%c3%28',
  '/api/members/%zz',
  '/api/members/%',
  '/api/members/a%0d%0aX',
  '/api/members/7#top',
  '/api/members/"<>|{}^`',
  '/api/members/\xfc',
  '/api/members/{env.HOME}',
  '/api/members/%24%7Benv%7D$1%1',
  '/api/account/%70ing',
  '/api/account/ping%2f',
  '/api/account/ping;x',
  '/api/account/ping/../7',
  '/health;x',
  '/Health',
  '/health%2f',
  '/health/../api/members/7',
  '/files/public/../private/a',
  '/files/public/..%2fprivate/a',
  '/files/public/%2e%2e/private/secret',
  '/files/public//private/a',
  '/files/public/a;b',
  '/files/public/%c5%bfecret',
  '/files/PRIVATE/a',
  '/files/private',
  '/files/private/',
  '/files/private/%2e',
  '/files/private/\u017fecret',
  '/api/ADMIN/users',
  '/api//admin/users',
  '/api/admin;x=1/users',
  '/api/admin%2fusers',
  '/api%2fadmin',
  '/api/%61dmin',
  '/api/%2561dmin',
  '/api\\admin',
  '/x/..%2fapi/admin',
  '/x/%2e%2e/api/admin',
  '/x;/../api/admin',
  '/;x/api/admin',
  '//x/api/admin',
  '/api/adm%C4%B1n',
  '/api/admin%20',
  '/api/admin%3fx',
  '/api/admin%23x',
  '/api/admin#x',
  '/api/ad%09min',
  '/api/admin/public/../users',
  '/api/admin/public/%2e%2e/users',
  '/api/admin/PUBLIC',
  '/api/admin/public;x',
  '/.well-known/acme-challenge/../../api/admin',
  '/.well-known/acme-challenge/../../api/members/7',
  '/.WELL-KNOWN/acme-challenge/x',
  `/api/members/${'x'.repeat(600)}`,
  '*',
  'http://example.com/api/members/7',
  'http://evil.example/api/members/7',
  'HTTP://EXAMPLE.COM/api/admin',
];

const QUERIES = ['?', '?x=/api/admin&y=%2e%2e/', '?next=//evil.example/%3f', '?a?b', '?a="<>|{}^`'];

function request(target: string, given: Partial<ClearRequest> = {}): ClearRequest {
  return { method: 'GET', target, host: 'example.com', lines: [], odd: false, ...given };
}

/** Requests whose target the application cannot read; a proxy may write it anew. */
export const unreadableRequests: readonly ClearRequest[] = [
  request('http://example.com?x=/api/members/7', { odd: true }),
  request('http://example.com?x=/api/members/7', { odd: true, method: 'POST' }),
  request('http://example.com?x=/api/members/7', { odd: true, lines: AUTHORIZED }),
];

/** Requests for the site of proxy-config-site.ts: each path in several ways. */
export const clearRequests: readonly ClearRequest[] = [
  ...PLAIN.flatMap((target) => [
    request(target),
    request(target, { method: 'POST' }),
    request(target, { lines: AUTHORIZED }),
    request(`${target}?x=1`),
  ]),
  ...ODD.flatMap((target) => [
    request(target, { odd: true }),
    request(target, { odd: true, method: 'POST' }),
    request(target, { odd: true, lines: AUTHORIZED }),
  ]),
  ...[
    '/api/members/7',
    '/api/account/settings/mail',
    '/api/admin/upload',
    '/files/private/a',
    '/api/open',
    '/health',
  ].flatMap((target) => [
    ...['HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'].map((method) => request(target, { method })),
    request(target, { method: 'PUT', lines: AUTHORIZED }),
    ...HOSTS.flatMap((host) => [request(target, { host }), request(target, { host, method: 'POST' })]),
    ...QUERIES.map((query) => request(target + query)),
    request(target, { lines: ['X-Forwarded-Proto: https'] }),
    request(target, { lines: ['Forwarded: for=1.2.3.4;proto=https'], method: 'POST' }),
    request(target, { lines: ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: http'] }),
    request(target, { lines: ['X-Arr-Ssl: 2048|256'] }),
    request(target, { method: 'POST', lines: ['X-HTTP-Method-Override: GET'] }),
    request(target, { lines: ['Upgrade: websocket', 'Sec-WebSocket-Version: 13'] }),
  ]),
];
