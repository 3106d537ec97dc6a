import * as fc from 'fast-check';
import type { ProxyOptions } from '../../lib/options/secure-options.js';
import type { Connection } from '../../lib/transport/connection.js';
import { compileHosts, parseHost } from '../../lib/transport/host.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { connect } from '../support/connection.js';
import { oftenEnough, PROPERTY_RUNS } from '../support/everything.js';

// Each property returns a boolean: an expect() per run costs more than the run.

function oneOf(words: string): fc.Arbitrary<string> {
  return fc.constantFrom(...words.split(' '));
}

const name = fc.oneof(
  oneOf('X-Forwarded-Proto X-Forwarded-For X-Forwarded-Host X-Forwarded-Port X-Forwarded-Ssl Forwarded X-Host Host'),
  oneOf('CloudFront-Forwarded-Proto CF-Visitor X-ARR-SSL Front-End-Https X-Scheme X-Forwared-Proto Cookie :authority'),
  oneOf('Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest __proto__ constructor toString'),
  fc.string({ minLength: 1, maxLength: 8, unit: 'grapheme-ascii' }),
);

const value = fc.oneof(
  oneOf('https HTTPS wss http on 443 proto=https for=10.0.0.1;proto=https 10.0.0.1,192.0.2.1 https,http'),
  fc
    .array(
      fc.oneof(
        oneOf(
          'https HTTPS wss http on 1 proto for host proto=https for=10.0.0.1 unknown 10.0.0.1 192.0.2.1 "[::1]:80"',
        ),
        oneOf('[::1] unix example.com localhost {"scheme":"https"} __Host-a=1 navigate 443'),
        fc.constantFrom(...',;="\\ \t\u00a0\u0000', ', ', '\\"', ''),
      ),
      { maxLength: 8 },
    )
    .map((words) => words.join('')),
  fc.string({ maxLength: 12, unit: 'binary' }),
);

const lines = fc.array(fc.tuple(name, fc.oneof(value, fc.tuple(value, value))), { maxLength: 5 });

function proxies(...trust: ProxyOptions['trust'][]): fc.Arbitrary<ProxyOptions> {
  return fc.record({
    trust: fc.constantFrom(...trust),
    header: fc.constantFrom<ProxyOptions['header'][]>(
      'x-forwarded',
      'forwarded',
      { name: 'CloudFront-Forwarded-Proto', value: 'https' },
      { name: 'X-Scheme', value: ['https', 'wss'] },
      { name: 'X-ARR-SSL' },
    ),
    host: fc.constantFrom<ProxyOptions['host'][]>(false, true, 'X-Host'),
  });
}

const peer = fc.constantFrom('127.0.0.1', '10.0.0.1', '192.0.2.1', '::ffff:10.0.0.1', 'unix', 'x', '', undefined);

const request: fc.Arbitrary<Connection> = fc
  .tuple(lines, fc.boolean(), peer)
  .map(([given, encrypted, from]) => connect(Object.fromEntries(given), { encrypted, peer: from }));

const framework = fc.record({ secure: fc.boolean(), host: fc.option(value, { nil: undefined }) });

describe('for every request', () => {
  it('isSecure and read agree, nothing throws, and what is secure is not doubted', () => {
    const declared = fc.option(proxies('loopback', ['10.0.0.0/8', 'unix'], 0, 1, 2, 9), { nil: undefined });
    let secure = 0;
    fc.assert(
      fc.property(declared, request, (given, connection) => {
        const transport = compileTransport(given);
        const told = transport.read(connection);
        secure += told.secure ? 1 : 0;
        return (
          transport.isSecure(connection) === told.secure &&
          told.scheme === (told.secure ? 'https' : 'http') &&
          (!told.secure || told.doubts.length === 0) &&
          told.doubts.every(({ header }) => header in connection.headers) &&
          told.host === parseHost(told.host)?.host
        );
      }),
      PROPERTY_RUNS,
    );
    expect(secure).toBeGreaterThan(oftenEnough(1000));
  });

  it('no header of an undeclared peer makes it secure, lowers it, or changes its host', () => {
    const declared = proxies('127.0.0.2', ['203.0.113.0/24', '2001:db8::/32'], [], 0);
    const plain = compileTransport(undefined);
    fc.assert(
      fc.property(declared, request, (given, connection) => {
        const transport = compileTransport(given);
        const told = transport.read(connection);
        const asked = plain.read(connection);
        return (
          told.secure === connection.encrypted &&
          transport.isSecure(connection) === connection.encrypted &&
          told.via === 'socket' &&
          told.host === asked.host &&
          told.port === asked.port
        );
      }),
      PROPERTY_RUNS,
    );
  });

  it('without proxies it is what the framework says, whatever its headers say', () => {
    const transport = compileTransport(undefined);
    fc.assert(
      fc.property(request, framework, (connection, answers) => {
        const told = transport.read({ ...connection, framework: answers });
        return told.secure === answers.secure && told.via === 'framework';
      }),
      PROPERTY_RUNS,
    );
  });
});

// The grammar of RFC 7239 4 as one expression, with whitespace around the semicolon.
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\t !#-\\[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
const PAIR = `${TOKEN}=(?:${TOKEN}|${QUOTED})`;
const ELEMENT = `(?:${PAIR})?(?:[ \\t]*;[ \\t]*(?:${PAIR})?)*`;
const ENDS_WELL_FORMED = new RegExp(`(?:^|,)[ \\t]*${ELEMENT}[ \\t]*$`);

describe('Forwarded', () => {
  const transport = compileTransport({ trust: ['127.0.0.1', '10.0.0.1'], header: 'forwarded' });
  const declaredHop = fc.constantFrom('for=10.0.0.1;proto=https', 'for="10.0.0.1:80";proto=http', 'for=10.0.0.1');
  const good = fc.constantFrom(
    'proto=https',
    'for=a;proto=https',
    'for=a; proto=https',
    'for="[2001:db8::1]:80" ;\tproto=https;x="a,b" ; ',
  );
  const bad = fc.constantFrom(
    'proto=https;proto=https',
    'proto=https;Proto=http',
    'for=a;proto=https;for=b',
    'proto =https',
    'proto= https',
    'proto=https;for=',
    'proto=https;=a',
    'proto=https;for',
    'proto=https;for=a:1',
    'proto=https;for=[::1]',
    'proto="https',
    'proto=https"',
    'proto=https;x="a"b',
    'proto=https;x="\\',
    'proto=https;x=\\a',
    'proto=https;x="\u0001"',
    'proto=https;(=a',
    '\u00a0proto=https',
  );

  function isSecure(...elements: string[]): boolean {
    return transport.isSecure(connect({ Forwarded: elements.join(', ') }));
  }

  it('is never https where the way to the client meets a malformed element', () => {
    const before = fc.array(good, { maxLength: 3 });
    const after = fc.array(declaredHop, { maxLength: 3 });
    fc.assert(
      fc.property(before, bad, after, (left, middle, right) => !isSecure(...left, middle, ...right)),
      PROPERTY_RUNS,
    );
  });

  it('is https where the way to the client is well-formed and the client came over https', () => {
    const before = fc.array(fc.oneof(good, oneOf('proto=http for= = ;;')), { maxLength: 3 });
    const after = fc.array(declaredHop, { maxLength: 3 });
    fc.assert(
      fc.property(before, good, after, (left, client, right) => isSecure(...left, client, ...right)),
      PROPERTY_RUNS,
    );
  });

  it('is https only where it ends in a well-formed element', () => {
    const field = fc.oneof(
      value,
      value.map((text) => `${text}, proto=https`),
      value.map((text) => `proto=https;${text}`),
    );
    let secure = 0;
    fc.assert(
      fc.property(field, (text) => {
        const told = isSecure(text);
        secure += told ? 1 : 0;
        return !told || ENDS_WELL_FORMED.test(text);
      }),
      PROPERTY_RUNS,
    );
    expect(secure).toBeGreaterThan(oftenEnough(1000));
  });
});

describe('parseHost', () => {
  const label = fc.oneof(
    oneOf('a A1 example com xn--4ca9at xn--a xn-- - -- 0x7f 127 0 08 1 256 localhost %41 @ / : _ [::1] ['),
    fc.constantFrom('', ' ', '\u00e4', 'a'.repeat(63), 'a'.repeat(64)),
  );
  const host = fc.oneof(
    fc.array(label, { maxLength: 6 }).map((labels) => labels.join('.')),
    fc.array(label, { maxLength: 4 }).map((labels) => labels.join('')),
    fc.domain(),
    fc.ipV4(),
    fc.ipV4Extended(),
    fc.ipV6().map((address) => `[${address}]`),
    fc.string({ maxLength: 12, unit: fc.constantFrom(...'abfx0127.-:[]@/ %') }),
    fc.string({ maxLength: 20, unit: 'binary' }),
  );
  const end = fc.constantFrom('', '', ':80', ':', ':0', ':65536', '.', '.:443');

  it('gives a host that a URL keeps as it is, that reads the same again, and that can be allowed', () => {
    let read = 0;
    fc.assert(
      fc.property(host, end, (start, rest) => {
        const given = parseHost(start + rest)?.host;
        if (given === undefined) return true;
        read += 1;
        const url = new URL(`https://${given}/path`);
        return (
          url.hostname === given &&
          url.href === `https://${given}/path` &&
          parseHost(given)?.host === given &&
          compileHosts([given])(given)
        );
      }),
      PROPERTY_RUNS,
    );
    expect(read).toBeGreaterThan(oftenEnough(1000));
  });
});
