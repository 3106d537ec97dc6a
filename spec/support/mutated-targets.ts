/** Makes request targets that some router, middleware or file server may take for one of the seeds. The same for a seed number. */
export function* mutatedTargets(seed: number): Generator<string> {
  const random = mulberry32(seed);
  const pick = <T>(from: readonly [T, ...T[]]): T => from[Math.floor(random() * from.length)] ?? from[0];
  const times = (most: number): number => 1 + Math.floor(random() * most);

  /** One change to a path, at a random place. */
  function mutate(path: string): string {
    const at = Math.floor(random() * path.length);
    const [before, character, after] = [path.slice(0, at), path[at] ?? '', path.slice(at + 1)];
    switch (pick([0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8])) {
      case 0:
        return before + escape(character, pick(['lower', 'upper'])) + after;
      case 1:
        return path.replaceAll(pick(['/', '/', 'a', 'd']), (found) =>
          random() < 0.5 ? escape(found, 'lower') : found,
        );
      case 2:
        return before + swapCase(character) + after;
      case 3:
        return before + pick(INSERTED) + character + after;
      case 4:
        return path.replace('/', pick(SLASHES));
      case 5:
        return before + String.fromCharCode(0x21 + Math.floor(random() * 0xde)) + character + after;
      case 6:
        return pick(PREFIXES) + path;
      case 7:
        return path + pick(SUFFIXES);
      default:
        // Escaped once more.
        return path.replace(/%(?=[0-9a-f]{2})/i, '%25');
    }
  }

  for (;;) {
    let path: string = pick(SEEDS);
    for (let left = times(4); left > 0; left -= 1) path = mutate(path);
    const isAbsolute = random() < 0.5;
    const target = isAbsolute
      ? pick(SCHEMES) + pick(AUTHORITIES) + pick(['', '', '', '/', '?', '%2f', '\\']) + path
      : path;
    // Node's parser refuses these: nothing is learnt from them.
    yield target.replace(/[\0- \x7f]/g, '%20') || '/';
  }
}

/** What a bypass would reach. */
const SEEDS = [
  '/admin/secret.txt',
  '/admin/secret.txt',
  '/admin/panel',
  '/admin/mount/a',
  '/admin',
  '/pub/../admin/secret.txt',
  '/open.txt/../admin/secret.txt',
  '/health/../admin/panel',
] as const;

const INSERTED = [
  ';',
  ';a=b',
  '%3b',
  '%00',
  '#',
  '%23',
  '?',
  '%3f',
  '?x=/',
  '@',
  ':',
  '*',
  '%',
  '%2e',
  '.',
  '..',
  '/',
  '//',
  '/./',
  '/x/../',
  '\\',
  '%5c',
  '%2f',
  '%252f',
  '%c0%af',
  '%e0%80%af',
  '\u00ad',
  '%c2%ad',
  '%ef%bc%8f',
  '+',
  '%20',
  '%09',
  '~',
  '&',
  '=',
  '|',
  '{',
  '}',
  '"',
] as const;
const SLASHES = [
  '//',
  '///',
  '\\',
  '%2f',
  '%5c',
  '/./',
  '/.//',
  '/%2e/',
  '/x/../',
  '/x/%2e%2e/',
  '/x/..;/',
  '%2f%2f',
  '/\\',
] as const;
const PREFIXES = [
  '/',
  '//',
  '/pub/..',
  '/x/..%2f',
  '/.',
  '/%2e',
  '//a',
  '/a/../..',
  '/health/..',
  '\\',
  '*',
  '/http://a',
  '/;x',
  '/#',
  '/?',
] as const;
const SUFFIXES = [
  '/',
  '//',
  '/.',
  '/..',
  '/x/..',
  '?',
  '?x',
  '?x=/open.txt',
  '#',
  '#x',
  ';',
  ';x',
  '%00',
  '%20',
  '.',
  '%2e',
  '\\',
  '%2f',
] as const;
const SCHEMES = [
  'http://',
  'http://',
  'http://',
  'https://',
  'HTTP://',
  'hTTps://',
  'http:/',
  'http:///',
  'http:\\\\',
  'ws://',
  'ftp://',
  'x://',
  'http:',
] as const;
const AUTHORITIES = [
  'example.com',
  'example.com',
  'example.com',
  'example.com',
  'example.com:80',
  'example.com:',
  'example.com:0',
  'example.com:99999',
  'a',
  '',
  'u@a',
  'u:p@a',
  '@a',
  'a@',
  'u@a@b',
  '[::1]',
  '[::1]:80',
  '[::1',
  '::1',
  'a%2fadmin',
  'a%2f',
  'a%5c',
  'a;',
  'a#',
  'a?',
  'a?x=',
  'a\\',
  'a b',
  'a%20b',
  'exa_mple',
  'a..b',
  '.a',
  'a.',
  '127.1',
  '0x7f.1',
  'a%00',
  'a*',
  'a&',
  'a|',
  '\u00e9',
  'xn--a',
  'admin',
  'a:80:80',
  'a,b',
] as const;

function escape(character: string, how: 'lower' | 'upper'): string {
  const hex = character.charCodeAt(0).toString(16).padStart(2, '0');
  return `%${how === 'upper' ? hex.toUpperCase() : hex}`;
}

function swapCase(character: string): string {
  const upper = character.toUpperCase();
  return upper === character ? character.toLowerCase() : upper;
}

/** A small random generator with a seed (public domain). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
