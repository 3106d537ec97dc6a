// What the longest header and the longest path that Node takes cost, however they are made: npm run bench:headers. Linear work is 4 times as much for 16 KB as for 4 KB; from 10 times on the script fails.
import { compilePathRules } from '../dist/esm/policy/paths.js';
import { cookieProblems, secureCookie } from '../dist/esm/response/cookies.js';
import { compileTransport } from '../dist/esm/transport/transport.js';
import { pathAndQueryOf } from '../dist/esm/transport/request-target.js';
import { upgradeRedirect } from '../dist/esm/urls/upgrade-redirect.js';

const SIZES = [1024, 2048, 4096, 8192, 16_384];
const ROUNDS = 60;
const SUPERLINEAR = 10;
/** Below this many microseconds nothing is measured but the clock. */
const NOISE = 100;

const trust = ['loopback', '10.0.0.0/8', '2001:db8::/32'];
const xForwarded = compileTransport({ trust, host: true });
const forwarded = compileTransport({ trust, header: 'forwarded', host: true });
const custom = compileTransport({ trust, header: { name: 'CF-Visitor', value: '{"scheme":"https"}' } });
const undeclared = compileTransport(undefined);
const rules = compilePathRules(['/admin', '/office/\u00e9'], ['/healthz', '/status/x']);

/** A text of a length that repeats a part. */
const repeated = (part, size) => part.repeat(Math.ceil(size / part.length)).slice(0, size);

function reading(transport, headersOf) {
  return (size) => {
    const headers = { host: 'example.com', ...headersOf(size) };
    const rawHeaders = Object.entries(headers).flat();
    return () => transport.read({ encrypted: false, peer: '127.0.0.1', headers, rawHeaders });
  };
}

const header = (transport, name, part, end = '') =>
  reading(transport, (size) => ({ [name]: repeated(part, size - end.length) + end }));

const path = (part) => (size) => {
  const target = `/${repeated(part, size - 1)}`;
  return () => {
    rules.requires(target);
    rules.exempts(target);
    return pathAndQueryOf(target);
  };
};

const CASES = {
  'X-Forwarded-Proto: https,https,...': header(xForwarded, 'x-forwarded-proto', 'https,'),
  'X-Forwarded-Proto: paired with as many declared hops': reading(xForwarded, (size) => ({
    'x-forwarded-proto': repeated('http,', (size * 5) / 14),
    'x-forwarded-for': repeated('10.0.0.1,', (size * 9) / 14),
  })),
  'X-Forwarded-Proto: , and a run of spaces': header(xForwarded, 'x-forwarded-proto', ' ', ',x'),
  'X-Forwarded-Proto: ,    ,    ,': header(xForwarded, 'x-forwarded-proto', `,${' '.repeat(60)}`),
  'X-Forwarded-Proto: https and a run of spaces': reading(undeclared, (size) => ({
    'x-forwarded-proto': `https${' '.repeat(size - 6)}x`,
  })),
  'X-Forwarded-Host: 16 KB of labels': header(xForwarded, 'x-forwarded-host', 'a.'),
  'Forwarded: declared hops': header(forwarded, 'forwarded', 'for=10.0.0.1;proto=http,'),
  'Forwarded: ;;;;': header(forwarded, 'forwarded', ';'),
  'Forwarded: ,,,,': header(forwarded, 'forwarded', ','),
  'Forwarded: ====': header(forwarded, 'forwarded', '='),
  'Forwarded: quoted pairs': header(forwarded, 'forwarded', '\\"', '"'),
  'Forwarded: an open quote': header(forwarded, 'forwarded', 'for="a,'),
  'Forwarded: as many parameters as fit': reading(forwarded, (size) => ({
    forwarded: Array.from({ length: size / 8 }, (_, at) => `p${at.toString(36).padStart(4, '0')}=a`).join(';'),
  })),
  'Forwarded: proto   proto   (undeclared)': header(undeclared, 'forwarded', `proto${' '.repeat(40)}`),
  'Forwarded: proto and a run of spaces (undeclared)': header(undeclared, 'forwarded', ' ', 'x'),
  'CF-Visitor: "scheme" and a run of spaces': reading(undeclared, (size) => ({
    'cf-visitor': `"scheme"${' '.repeat(size - 9)}x`,
  })),
  'CF-Visitor: another value of 16 KB': header(custom, 'cf-visitor', '{"scheme":"https"},'),
  'Cookie: ;   ;   ;': header(undeclared, 'cookie', `;${' '.repeat(60)}`),
  'Cookie: __Host __Host __Host': header(undeclared, 'cookie', ';__Host'),
  'Host: 16 KB of digits after the colon': header(undeclared, 'host', '1', ':1'),
  'Host: 16 KB in brackets': reading(undeclared, (size) => ({ host: `[${repeated(':0', size - 2)}]` })),
  'as many headers as fit, each saying https': reading(undeclared, (size) =>
    Object.fromEntries(Array.from({ length: size / 14 }, (_, at) => [`x-${at.toString(36)}`, 'https'])),
  ),
  'path: /////': path('/'),
  'path: /../../': path('../'),
  'path: /;/;/;': path(';/'),
  'path: %25%25%25': path('%25'),
  'path: %2525252525': path('25%'),
  'path: bytes that are no characters': path('\xff'),
  'path: bytes to be encoded': path('\xc3\xa9'),
  'path: marks above and below': path('\xcc\x81\xcc\xa3'),
  'path: escaped marks above and below': path('%CC%81%CC%A3'),
  'path: spaces, then a letter': path(' '),
  'path: absolute-form without an authority': (size) => {
    const target = `${repeated('a+', size)}:/`;
    return () => pathAndQueryOf(target);
  },
  'Location: 16 KB of a redirect': (size) => {
    const location = `http://example.com/${repeated('#a', size)}`;
    return () => upgradeRedirect(location, () => true, 443);
  },
  'Set-Cookie: a run of spaces': (size) => {
    const cookie = `a=b${' '.repeat(size)}c; Secure${' '.repeat(size)}x`;
    return () => [secureCookie(cookie), cookieProblems(cookie)];
  },
};

/** The best of many rounds: whatever else the machine does can only add. */
function microseconds(run) {
  for (let i = 0; i < 20; i += 1) run();
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    run();
    return (performance.now() - start) * 1000;
  });
  return Math.min(...times);
}

const width = Math.max(...Object.keys(CASES).map((name) => name.length));
const cells = (values) => values.map((value) => String(value).padStart(9)).join('');
console.log(
  `${'microseconds, best of 60 rounds'.padEnd(width)}${cells([...SIZES.map((size) => `${size / 1024} KB`), 'x 4'])}`,
);

let superlinear = 0;
for (const [name, make] of Object.entries(CASES)) {
  const costs = SIZES.map((size) => microseconds(make(size)));
  const growth = costs[4] / costs[2];
  const bad = growth >= SUPERLINEAR && costs[4] > NOISE;
  if (bad) superlinear += 1;
  console.log(
    `${name.padEnd(width)}${cells([...costs.map((cost) => cost.toFixed(0)), growth.toFixed(1)])}${bad ? '  SUPERLINEAR' : ''}`,
  );
}
if (superlinear > 0) process.exitCode = 1;
