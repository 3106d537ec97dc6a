// What is compared with what, and the target each comparison is held to.
const HTTPS = { 'x-forwarded-proto': 'https' };

/**
 * `of` is the subject, `to` the one its rate is divided by; `target` is the least ratio, absent where the row is there
 * to know the field.
 */
export const ROWS = [
  { of: 'module imported, unmarked', to: 'bare', target: 0.97 },
  { of: 'pass-through guard', to: 'bare' },
  { of: 'marked', to: 'bare, proxy trusted', target: 0.96, headers: HTTPS },
  { of: 'Reflector guard', to: 'bare, proxy trusted', headers: HTTPS },
  { of: 'marked, HSTS, noStore', to: 'bare, two headers', target: 0.97, headers: HTTPS },
  { of: 'marked, HSTS, noStore', to: 'helmet, express-sslify', target: 1, headers: HTTPS },
  { of: 'redirect-ssl', to: 'bare', headers: HTTPS },
  { of: 'marked', to: 'express-sslify', target: 1, redirects: true },
  { of: 'path rule', to: 'express-sslify', target: 1.3, redirects: true },
  { of: "mode 'all'", to: 'express-sslify', target: 1.3, redirects: true },
  { of: 'Reflector guard', to: 'express-sslify', redirects: true },
  { of: 'redirect-ssl', to: 'express-sslify', redirects: true },
  { of: 'createRedirectServer', to: 'node:http', target: 0.9, redirects: true, platformless: true },
  { of: 'sessions configured', to: 'module, proxies, no sessions', target: 0.95, headers: HTTPS },
  { of: 'express-session', to: 'bare, proxy trusted', headers: HTTPS },
  { of: 'session in lmdb', to: 'express-session, with a session', target: 1, headers: HTTPS, signedIn: true },
];
