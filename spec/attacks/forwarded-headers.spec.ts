import * as fc from 'fast-check';
import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { forwardedElement } from '../../lib/transport/forwarded.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { forwardedMember } from '../../lib/transport/x-forwarded.js';
import { connect, type HeaderLines } from '../support/connection.js';
import { oftenEnough, PROPERTY_RUNS } from '../support/everything.js';

// Each property returns a boolean: an expect() per run costs more than the run.

/** Node takes no more than this of all headers together. */
const LONGEST = 16_384;

const DECLARED = '10.0.0.1';

function readerOf(header: ProxyOptions['header']): (lines: HeaderLines) => boolean {
  const transport = compileTransport({ trust: ['127.0.0.1', DECLARED], header });
  return (lines) => {
    const connection = connect({ Host: 'example.com', ...lines });
    const { secure, doubts } = transport.read(connection);
    if (secure !== transport.isSecure(connection)) throw new Error('read and isSecure differ');
    if (secure && doubts.length > 0) throw new Error('what is secure is doubted');
    return secure;
  };
}

// --- Values by the grammar of RFC 7239 4 (and RFC 9110 5.6), and what they say

const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~019azAZ";
const token = fc.string({ unit: fc.constantFrom(...TOKEN_CHARACTERS), minLength: 1, maxLength: 6 });
const quotable = fc.constantFrom(...'az09 \t,;=:[]_/\\"!\x80\xff');

/** A text as a quoted-string, some of its characters needlessly escaped. */
const quoted = (text: string, escaped: boolean): string =>
  `"${[...text].map((character) => (escaped || /["\\]/.test(character) ? `\\${character}` : character)).join('')}"`;

/** How one text may be written: as a token where it is one, or quoted. */
const writtenAs = (text: string): fc.Arbitrary<string> => {
  const ways = [quoted(text, false), quoted(text, true)];
  return fc.constantFrom(...(/^[!#$%&'*+.^_`|~0-9a-z-]+$/i.test(text) ? [text, text, ...ways] : ways));
};

interface Pair {
  readonly name: string;
  readonly value: string;
  readonly written: string;
}

const pairOf = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<Pair> =>
  value.chain((text) =>
    fc.record({
      name: fc.constant(name),
      value: fc.constant(text),
      written: fc
        .tuple(fc.constantFrom(name, name.toUpperCase(), name[0]?.toUpperCase() + name.slice(1)), writtenAs(text))
        .map(([spelt, what]) => `${spelt}=${what}`),
    }),
  );

const node = fc.constantFrom(
  DECLARED,
  `${DECLARED}:80`,
  `${DECLARED}:_x`,
  '192.0.2.1',
  '"[2001:db8::1]:80"',
  'unknown',
  '_a',
);
const scheme = fc.constantFrom('https', 'HTTPS', 'wss', 'http', 'ws', 'ftp', 'httpss');
const element = fc
  .record({
    node: fc.option(pairOf('for', node), { nil: undefined }),
    scheme: fc.option(pairOf('proto', scheme), { nil: undefined }),
    host: fc.option(pairOf('host', fc.constantFrom('example.com', 'evil.com:80', 'https')), { nil: undefined }),
    other: fc.option(
      fc
        .tuple(token, fc.oneof(token, fc.string({ unit: quotable, maxLength: 6 })))
        .chain(([name, value]) => pairOf(`x${name.toLowerCase()}`, fc.constant(value))),
      { nil: undefined },
    ),
    order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    empty: fc.constantFrom('', '', '', ';'),
    separator: fc.constantFrom(';', ';', '; ', ' \t;\t '),
  })
  .map(({ order, empty, separator, ...given }) => {
    const pairs = [given.node, given.scheme, given.host, given.other];
    const present = order.map((at) => pairs[at]).filter((pair) => pair !== undefined);
    return { pairs: present, written: empty + present.map(({ written }) => written).join(separator) };
  });

/** What a field says, by its model: read from the right as far as the hops are declared. */
function saysHttps(elements: readonly { pairs: readonly Pair[] }[]): boolean {
  const valueOf = ({ pairs }: { pairs: readonly Pair[] }, wanted: string): string | undefined =>
    pairs.find(({ name }) => name === wanted)?.value;
  const firstOutside = elements.findLast((one) => !valueOf(one, 'for')?.startsWith(DECLARED));
  const client = firstOutside ?? elements[0];
  return client !== undefined && /^(?:https|wss)$/i.test(valueOf(client, 'proto') ?? '');
}

const field = fc
  .array(fc.tuple(element, fc.constantFrom('', ' ', '\t ')), { minLength: 1, maxLength: 4 })
  .map((elements) => ({
    elements: elements.map(([one]) => one),
    written: elements.map(([{ written }, space]) => `${space}${written}`).join(','),
  }));

// --- One character taken away, added or changed, here and there

const character = fc.oneof(
  fc.constantFrom(...',;="\\ \t:[]'),
  fc.constantFrom(...'https HTTPSwfor=1.0'),
  fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)),
);
const change = fc.record({
  kind: fc.constantFrom('remove', 'insert', 'replace', 'double', 'swap', 'cut'),
  at: fc.nat(),
  character,
});
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

function changed(text: string, { kind, at: anywhere, character: other }: Change): string {
  const at = anywhere % (text.length + 1);
  const [before, here, after] = [text.slice(0, at), text.slice(at, at + 1), text.slice(at + 1)];
  switch (kind) {
    case 'remove':
      return before + after;
    case 'insert':
      return before + other + here + after;
    case 'replace':
      return before + other + after;
    case 'double':
      return before + here + here + after;
    case 'swap':
      return before + after.slice(0, 1) + here + after.slice(1);
    default:
      return before;
  }
}

const mutated = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(value, fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([text, changes]) => changes.reduce(changed, text));

// --- The grammar once more, written another way: what the last elements of a field say

const PAIR =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"((?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*)")/;

/** Reads a field from its left, pair by pair. Each element is its parameters, or undefined where it is malformed. */
function readField(text: string): (Map<string, string> | undefined)[] {
  const elements: (Map<string, string> | undefined)[] = [];
  for (const part of partsOf(text, ',')) {
    const parameters = new Map<string, string>();
    let wellFormed = true;
    for (const pair of partsOf(part, ';').map(withoutSpace)) {
      if (pair === '') continue;
      const [whole, name = '', plain, inQuotes = ''] = PAIR.exec(pair) ?? [];
      if (whole !== pair || parameters.has(name.toLowerCase())) wellFormed = false;
      parameters.set(name.toLowerCase(), plain ?? inQuotes.replace(/\\(.)/gs, '$1'));
    }
    elements.push(wellFormed ? parameters : undefined);
  }
  return elements;
}

function withoutSpace(text: string): string {
  return text.replace(/^[ \t]*/, '').replace(/(?<![ \t])[ \t]+$/, '');
}

/** Parts between separators that no quotes hold together. */
function partsOf(text: string, separator: string): string[] {
  const part = new RegExp(`(?:"(?:\\\\[^]|[^"\\\\])*(?:"|$|\\\\$)|[^"${separator}])*`, 'y');
  const parts: string[] = [];
  for (let at = 0; at <= text.length;) {
    part.lastIndex = at;
    const [found = ''] = part.exec(text) ?? [];
    parts.push(found);
    at += found.length + 1;
  }
  return parts;
}

function mayBeHttps(text: string): boolean {
  for (const parameters of readField(text.replace(/^[ \t]+/, '')).toReversed()) {
    if (parameters === undefined) return false;
    if (!isDeclared(parameters.get('for') ?? '')) return /^(?:https|wss)$/i.test(parameters.get('proto') ?? '');
  }
  const [first] = readField(text);
  return /^(?:https|wss)$/i.test(first?.get('proto') ?? '');
}

function isDeclared(name: string): boolean {
  return /^(?:10\.0\.0\.1|\[(?:::ffff:)?10\.0\.0\.1\])(?::[\w.-]+)?$/i.test(name);
}

describe('Forwarded (RFC 7239)', () => {
  const isSecure = readerOf('forwarded');

  it('means what its grammar says, however it is written', () => {
    let secure = 0;
    fc.assert(
      fc.property(field, ({ elements, written }) => {
        const told = isSecure({ Forwarded: written });
        secure += told ? 1 : 0;
        return told === saysHttps(elements);
      }),
      PROPERTY_RUNS,
    );
    expect(secure).toBeGreaterThan(oftenEnough(1000));
  });

  it('with characters changed is secure only where the grammar still says so', () => {
    let secure = 0;
    const malformed = { all: 0 };
    fc.assert(
      fc.property(mutated(field.map(({ written }) => written)), (text) => {
        const told = isSecure({ Forwarded: text });
        secure += told ? 1 : 0;
        if (readField(text).includes(undefined)) malformed.all += 1;
        return !told || mayBeHttps(text);
      }),
      PROPERTY_RUNS,
    );
    // Enough of both to mean something.
    expect(secure).toBeGreaterThan(oftenEnough(500));
    expect(malformed.all).toBeGreaterThan(oftenEnough(5000));
  });

  it('of bytes throws nothing and is never secure without the word', () => {
    const bytes = fc.string({
      unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)),
      maxLength: 60,
    });
    const soup = fc.array(character, { maxLength: 80 }).map((characters) => characters.join(''));
    fc.assert(
      fc.property(
        fc.oneof(bytes, soup),
        (text) => !isSecure({ Forwarded: text }) || /https|wss/i.test(text.replaceAll('\\', '')),
      ),
      PROPERTY_RUNS,
    );
  });
});

describe('X-Forwarded-Proto', () => {
  const isSecure = readerOf('x-forwarded');
  const member = fc.tuple(
    fc.constantFrom('https', 'HTTPS', 'wss', 'http', 'ws', '', 'on'),
    fc.constantFrom('', ' ', '\t'),
  );
  const address = fc.constantFrom(DECLARED, `${DECLARED}:8080`, '[::ffff:10.0.0.1]:80', '192.0.2.1', 'unknown', '');
  const list = (one: fc.Arbitrary<string>): fc.Arbitrary<string[]> => fc.array(one, { minLength: 1, maxLength: 5 });
  const protos = list(member.map(([word, space]) => space + word + space));

  /** The rule in other words: whoever wrote the last node that is not declared speaks of the client. */
  function saysSo(given: readonly string[], nodes: readonly string[] | undefined): boolean {
    const words = given.map((word) => word.replace(/[ \t]/g, ''));
    const isHttps = (word: string | undefined): boolean => /^(?:https|wss)$/i.test(word ?? '');
    if (words.length === 1) return isHttps(words[0]);
    if (nodes === undefined || nodes.length !== words.length) return false;
    const outside = nodes.findLastIndex((one) => !/10\.0\.0\.1/.test(one));
    return isHttps(words[Math.max(outside, 0)]);
  }

  it('means what its rule says, with and without X-Forwarded-For', () => {
    let secure = 0;
    fc.assert(
      fc.property(protos, fc.option(list(address), { nil: undefined }), (given, nodes) => {
        const text = given.join(',');
        // Optional whitespace is no part of a value, and an empty value is none.
        const lines: HeaderLines =
          nodes === undefined || nodes.join(',') === '' ? {} : { 'X-Forwarded-For': nodes.join(', ') };
        const told = isSecure({ 'X-Forwarded-Proto': text, ...lines });
        secure += told ? 1 : 0;
        return told === saysSo(given, nodes);
      }),
      PROPERTY_RUNS,
    );
    expect(secure).toBeGreaterThan(oftenEnough(1000));
  });

  it('with characters changed is secure only by a member that is the word itself', () => {
    let secure = 0;
    const lists = fc.tuple(
      mutated(protos.map((given) => given.join(','))),
      mutated(list(address).map((nodes) => nodes.join(','))),
    );
    fc.assert(
      fc.property(lists, ([text, nodes]) => {
        const told = isSecure({ 'X-Forwarded-Proto': text, 'X-Forwarded-For': nodes });
        secure += told ? 1 : 0;
        const words = partsOf(text, ',').map(withoutSpace);
        const single = words.length === 1;
        return (
          !told ||
          (words.some((word) => /^(?:https|wss|"https"|"wss")$/i.test(word)) &&
            (single || partsOf(nodes, ',').length === words.length))
        );
      }),
      PROPERTY_RUNS,
    );
    expect(secure).toBeGreaterThan(oftenEnough(500));
  });
});

describe('a header of its own', () => {
  const header = { name: 'CF-Visitor', value: ['{"scheme":"https"}', 'on'] };
  const isSecure = readerOf(header);

  it('is secure by the value that is declared and by no other', () => {
    let secure = 0;
    const value = fc.oneof(
      fc.constantFrom(...header.value, 'ON', ' on\t', 'on,on', '{"scheme": "https"}', '{"SCHEME":"https"}'),
      mutated(fc.constantFrom(...header.value)),
    );
    fc.assert(
      fc.property(value, (text) => {
        const told = isSecure({ 'CF-Visitor': text });
        secure += told ? 1 : 0;
        return told === header.value.includes(text.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase());
      }),
      PROPERTY_RUNS,
    );
    expect(secure).toBeGreaterThan(oftenEnough(1000));
  });
});

// Time is measured in bench/header-cost.mjs; here work is counted.
describe('the longest header there can be', () => {
  const parts = [
    'for=10.0.0.1;proto=http,',
    'https,',
    '10.0.0.1,',
    ',',
    ';',
    '=',
    '"',
    '\\"',
    'a="',
    '", "',
    ' ',
    ', \t',
    'proto ',
    'p=a;',
    '\xff',
  ];

  it.each(parts)('of %j is read with one question for each hop at most, and throws nothing', (part) => {
    const value = part.repeat(Math.ceil(LONGEST / part.length)).slice(0, LONGEST);
    const members = value.split(',').length;
    let asked = 0;
    const trusts = (): boolean => {
      asked += 1;
      return true;
    };
    forwardedElement(value, trusts);
    expect(asked).toBeLessThanOrEqual(members);
    asked = 0;
    forwardedMember(value, value, trusts);
    expect(asked).toBeLessThanOrEqual(members);
  });

  it.each(parts)('of %j is over plain HTTP, whoever reads it', (part) => {
    const value = part.repeat(Math.ceil(LONGEST / part.length)).slice(0, LONGEST);
    const [name, lines] = ['X-Forwarded-Proto', { 'X-Forwarded-For': value, 'CF-Visitor': value, Cookie: value }];
    for (const header of ['x-forwarded', 'forwarded', { name: 'CF-Visitor', value: 'on' }] as const) {
      expect(readerOf(header)({ ...lines, [name]: `${value}!`, Forwarded: `${value}!` })).toBe(false);
    }
  });
});
