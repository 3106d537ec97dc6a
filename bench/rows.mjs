// What is compared with what, and the target each comparison is held to.
const HTTPS = { 'x-forwarded-proto': 'https' };

/**
 * `of` is the subject, `to` the one its rate is divided by; `target` is the least ratio, absent where the row is there
 * to know the field; `always` keeps it also where only targets are measured. `floor` is the least that has to be done in
 * that place, and nothing else, measured in the same run; `tried` is printed where the target is missed.
 */
export const ROWS = [
  // What this bench cannot tell from 1: processes of the same thing, beside others.
  { of: 'bare', to: 'bare', always: true },
  {
    of: 'module imported, unmarked',
    to: 'bare',
    target: 0.97,
    floor: 'empty guard',
    tried: 'A hook that nobody needs is not set. Left: Nest calls the guard, which returns at once.',
  },
  {
    of: 'marked',
    to: 'bare, proxy trusted',
    target: 0.96,
    headers: HTTPS,
    floor: 'empty guard, proxy trusted',
    tried:
      'A memory for hosts and for trusted peers, and nothing made for a request that passes. Left: the facts of the connection, read once (0.5 to 1 us).',
  },
  { of: 'Reflector guard', to: 'bare, proxy trusted', headers: HTTPS },
  {
    of: 'marked, HSTS, noStore',
    to: 'bare, two headers',
    target: 0.97,
    headers: HTTPS,
    floor: 'empty guard and hook, two headers',
    tried:
      'No interceptor (it cost more than all else). no-store is set when the head is written, so that a handler cannot take it back: a writeHead of its own costs Express 9 us on Node 20. By a prototype it would be 6, and lost where a handler hands over to another Express application; not taken. On Node 24 to set it at once is no faster.',
  },
  {
    of: 'marked, HSTS, noStore',
    to: 'helmet, express-sslify',
    target: 1,
    headers: HTTPS,
    tried: 'As above; helmet and express-sslify call no guard.',
  },
  {
    of: 'marked',
    to: 'express-sslify',
    target: 1,
    redirects: true,
    floor: 'answered at the route',
    tried:
      'It is answered where the router would call the handler, and nothing has to be thrown and caught (which took half of the time and more). The floor writes the same answer there unasked; left beside it: to judge, 1 to 3 us; in runs of this row alone, with Express on Node 24, it was at 0.95, and at 1.00 without any judging. express-sslify answers before the router and the parsers. To answer there would take marked routes from CORS, middleware and static files of the application.',
  },
  {
    of: 'path rule',
    to: 'express-sslify',
    target: 1.3,
    redirects: true,
    floor: 'answered at the server',
    tried:
      'It is answered at the server, before the framework has seen it. The floor writes the same answer there unasked; left beside it: to judge, 1.5 to 2.5 us where the machine runs steadily.',
  },
  {
    of: "mode 'all'",
    to: 'express-sslify',
    target: 1.3,
    redirects: true,
    floor: 'answered at the server',
    tried: 'As for a path rule.',
  },
  { of: 'Reflector guard', to: 'express-sslify', redirects: true },
  { of: 'redirect-ssl', to: 'express-sslify', redirects: true },
  {
    of: 'createRedirectServer',
    to: 'node:http',
    target: 0.9,
    redirects: true,
    platformless: true,
    tried:
      'From 37 us to 16 in pipelines: no spread with quoted keys (V8 makes slow objects of them, 2 us), nothing allocated that only findings need, no body for a program. Left: 2 to 3 us to judge.',
  },
];
