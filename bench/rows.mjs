// What is compared with what, and the target each comparison is held to.
const HTTPS = { 'x-forwarded-proto': 'https' };
const EXPRESS_12 = 'Nest 12, Express';
const SIGNED_IN = { headers: HTTPS, signedIn: true };

/**
 * The rows of a stack, in groups: the subjects of a group run side by side, and share what they are compared with. Of a row,
 * `of` is the subject and `to` what it is divided by; `atMost` is the target for the processor time of a request, `atLeast`
 * for the rate; neither where the row is there to know the field. `floor` is the least that has to be done in that
 * place, and nothing else. A row is measured in every pass, or in every fourth: its target is not near 1, or it has none.
 */
export function requestGroups({ name, platform }) {
  const express = platform === 'express';
  const newest = name.startsWith('Nest 12');
  const floor = (subject) => (newest ? { floor: subject } : {});
  const groups = [
    [
      { name: 'bare, in another process', of: 'bare, again', to: 'bare' },
      {
        name: 'module imported, unmarked handler',
        of: 'module imported, unmarked',
        to: 'bare',
        atMost: 1.02,
        chart: 'module imported, unmarked handler',
        ...floor('empty guard'),
      },
      {
        name: "mode 'all', exempt handler, over plain HTTP",
        of: "mode 'all', exempt",
        to: 'bare',
        atMost: 1.06,
        chart: "mode 'all', exempt handler, plain HTTP",
      },
    ],
    [
      {
        name: 'marked handler, over https, proxies declared',
        of: 'marked',
        to: 'bare, proxy trusted',
        headers: HTTPS,
        atMost: 1.04,
        chart: 'marked handler',
        ...floor('empty guard, proxy trusted'),
      },
      ...(name === EXPRESS_12
        ? [{ name: 'Reflector guard', of: 'Reflector guard', to: 'bare, proxy trusted', headers: HTTPS, every: 4 }]
        : []),
    ],
    [
      {
        name: 'the same with HSTS and noStore, beside middleware that sets both',
        of: 'marked, HSTS, noStore',
        to: 'bare, two headers',
        headers: HTTPS,
        atMost: 1.04,
        chart: 'marked handler, HSTS and noStore',
        ...floor('empty guard and hook, two headers'),
      },
      ...(newest
        ? [
            {
              name: 'the same, beside helmet and express-sslify',
              of: 'marked, HSTS, noStore',
              to: 'helmet, express-sslify',
              headers: HTTPS,
              every: 4,
            },
          ]
        : []),
    ],
    [
      {
        name: 'sessions configured (deviceBound off), no cookie',
        of: 'lmdb, not touched',
        to: 'module, no sessions',
        headers: HTTPS,
        atMost: 1.03,
        chart: 'sessions configured, visitor without one',
        ...floor('module, empty hooks'),
      },
      {
        name: 'sessions configured (deviceBound off), session untouched',
        of: 'lmdb, not touched',
        to: 'module, no sessions',
        ...SIGNED_IN,
        atMost: 1.03,
        chart: 'sessions configured, session untouched',
      },
      ...(newest
        ? [
            {
              name: 'the same with deviceBound on, beside off',
              of: 'lmdb, device-bound, not touched',
              to: 'lmdb, not touched',
              ...SIGNED_IN,
              every: 4,
            },
          ]
        : []),
    ],
    [
      {
        name: 'redirect of a marked handler, beside express-sslify',
        every: 4,
        of: 'marked',
        to: 'express-sslify',
        redirects: true,
        atLeast: express ? 1 : 0.95,
        ...floor('answered at the route'),
      },
      {
        name: 'redirect by a path rule, beside express-sslify',
        every: 4,
        of: 'path rule',
        to: 'express-sslify',
        redirects: true,
        atLeast: express ? 1.3 : 0.95,
        ...floor('answered at the server'),
      },
      {
        name: "redirect in mode 'all', beside express-sslify",
        every: 4,
        of: "mode 'all'",
        to: 'express-sslify',
        redirects: true,
        atLeast: express ? 1.3 : 0.95,
      },
      ...(name === EXPRESS_12
        ? ['Reflector guard', 'redirect-ssl'].map((of) => ({
            name: `redirect by ${of}, beside express-sslify`,
            of,
            to: 'express-sslify',
            redirects: true,
            every: 4,
          }))
        : []),
    ],
  ];
  if (name === EXPRESS_12) {
    groups.push([
      {
        name: 'redirect by createRedirectServer, beside node:http',
        of: 'createRedirectServer',
        to: 'node:http',
        redirects: true,
        atLeast: 0.9,
        every: 4,
      },
    ]);
  }
  return groups;
}

/** Sessions beside those people use today; `needs` is the server without which a row is left out. */
export function sessionGroups({ platform }) {
  const express = platform === 'express';
  const others = express ? 'express-session' : '@fastify/session';
  const row = (given) => ({ every: 4, ...SIGNED_IN, ...given, name: `${given.of}, beside ${given.to}` });
  const reads = [
    row({ of: 'lmdb, read', to: `${others}, memory, read`, atLeast: express ? 1.05 : 1.2, floor: 'lmdb alone, read' }),
    ...(express
      ? [
          row({ of: 'lmdb, read', to: 'express-session, Redis, read', atLeast: 1, needs: 'Redis' }),
          row({ of: 'Redis, read', to: 'express-session, Redis, read', atLeast: 1, needs: 'Redis' }),
          row({ of: 'Postgres, read', to: 'express-session, Postgres, read', atLeast: 1, needs: 'Postgres' }),
        ]
      : [row({ of: 'lmdb, read', to: '@fastify/secure-session, read' })]),
  ];
  return [
    reads,
    [row({ of: 'lmdb, write', to: `${others}, memory, write`, floor: 'lmdb alone, write' })],
    [row({ of: 'Redis, not touched', to: 'module, no sessions', needs: 'Redis' })],
    [
      {
        name: '15 KB of cookies that are none of ours, beside none',
        of: 'lmdb, anonymous read',
        to: 'lmdb, anonymous read',
        cookies: '__Host-sid=s:.;'.repeat(1000),
        headers: HTTPS,
        atLeast: 0.5,
        every: 4,
      },
    ],
  ];
}
