import { Controller, Get, type INestApplication } from '@nestjs/common';
import * as fc from 'fast-check';
import {
  apacheConfig,
  caddyConfig,
  nginxConfig,
  SecureRequired,
  type ProxyOptions,
  type SecureOptions,
} from 'nestjs-secure';
import { compileSettings } from '../../lib/settings/settings.js';
import { compileRequirement } from '../../lib/policy/requirement.js';
import { RouteTable } from '../../lib/policy/route-table.js';
import {
  writeProxyConfig,
  type ProxyConfigOptions,
  type ProxyServerName,
} from '../../lib/proxy-config/write-proxy-config.js';
import { adapters, createApp } from '../support/applications.js';
import { howMany } from '../support/everything.js';

const SERVERS: ProxyServerName[] = ['nginx', 'apache', 'caddy'];
const SIDES = ['http', 'https'] as const;

interface Parts extends ProxyConfigOptions {
  readonly path?: string;
  readonly name?: string;
  readonly options?: SecureOptions;
}

/** What is written for one marked route. */
function write(server: ProxyServerName, { path = '/x', name = 'Pages', options = {}, ...given }: Parts = {}): string {
  const settings = compileSettings({ hosts: ['example.com'], ...options });
  const marks = { handler: { level: 'required', options: {} }, class: undefined, keptFrom: undefined } as const;
  const table = new RouteTable();
  const controller = Object.defineProperty(class {}, 'name', { value: name });
  table.add({
    kind: 'http',
    method: 'GET',
    path,
    controller,
    handler: name,
    requirement: compileRequirement(marks, settings),
    keptFrom: undefined,
    hosts: [name],
    versions: [name],
    versioning: 'header',
  });
  return writeProxyConfig(server, table, settings, given);
}

/**
 * The words of every line that is no comment, as the server takes them apart. Throws where a quote is left open.
 * Backslashes only mean something before a quote or another backslash.
 */
function wordsOf(text: string): string[][] {
  const lines = text.split('\n').filter((line) => !/^\s*(?:#|$)/.test(line));
  return lines.map((line) => {
    const words = line.match(/"(?:[^"\\]|\\.)*"|[^\s"]+/g) ?? [];
    if (words.join('') !== line.replace(/"(?:[^"\\]|\\.)*"|\s+/g, (found) => (found.startsWith('"') ? found : ''))) {
      throw new Error(`a quote is left open: ${line}`);
    }
    return words;
  });
}

/** What is left of a file when regular expressions are taken out of it. */
function shapeOf(text: string): string[] {
  return wordsOf(text).map((words) =>
    words.map((word) => (word.startsWith('"') && /[\\^]/.test(word) ? '"regexp"' : word)).join(' '),
  );
}

const HOSTILE = [
  '"',
  "'",
  '\\',
  '\n',
  '\r\n',
  '$',
  '${',
  '{$',
  '{',
  '}',
  ';',
  '#',
  '%',
  '%{',
  '%1',
  '$1',
  ' ',
  '\t',
  '`',
  '[',
  ']',
  '(',
  ')',
  '|',
  '^',
  '*',
  '?',
  '\u2028',
  '\u00e9',
  '\ud83d\ude00',
  '\0',
  '/',
  '\\"',
  '" }',
  '"; }\nreturn 200;',
  '{env.SECRET}',
  '{$SECRET}',
  '${SECRET}',
  '\\\nInclude /etc/passwd',
  ':',
  '::',
  '{/:a}',
  'a',
];
const hostile = fc.array(fc.constantFrom(...HOSTILE), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));

describe.each(SERVERS)('what is written for %s', (server) => {
  it('has the same shape whatever a route and its handler are called', () => {
    const tame = shapeOf(write(server));
    fc.assert(
      fc.property(hostile, hostile, (path, name) => {
        const text = write(server, { path: `/${path}`, name, command: name, notes: [name] });
        expect(shapeOf(text)).toStrictEqual(tame);
        expect(text).toMatch(/^[\n\t -~]*$/);
        // The environment of the server, and lines that go on in the next.
        expect(text).not.toMatch(/\$\{(?!1\})|\{\$|\\$/m);
      }),
      { numRuns: howMany(500, 100) },
    );
  });

  it('has the same shape whatever the path rules are', () => {
    const tame = shapeOf(write(server, { options: { paths: ['/a'], exempt: ['/a/b'] } }));
    const rule = fc
      .array(
        fc.constantFrom(
          'a',
          'I',
          '$',
          "'",
          '%22',
          '%7B',
          '%7D',
          '!',
          '~',
          '@',
          '(x',
          ',',
          '+',
          '=',
          '&',
          '%20x',
          '%C3%A9',
          '%60',
        ),
        { minLength: 1, maxLength: 6 },
      )
      .map((parts) => `/${parts.join('').replace(/[()]/g, '')}`);
    fc.assert(
      fc.property(rule, (path) => {
        const text = write(server, { options: { paths: [path], exempt: [`${path}/b`] } });
        expect(shapeOf(text)).toStrictEqual(tame);
      }),
    );
  });

  it.each(SIDES)('says on side %s what it is, how to write it again and where to include it', (side) => {
    const text = write(server, { side, command: 'nestjs-secure proxy x app.module.ts', notes: ['A note.'] });
    const [first = ''] = text.split('\n\n');
    expect(first).toContain('written by nestjs-secure');
    expect(first).toContain('#   nestjs-secure proxy x app.module.ts\n');
    expect(first).toContain('# A note.');
    expect(first).toContain('# Where: ');
    expect(text).toMatch(/[^\n]\n$/);
  });

  it.each(SIDES)('names on side %s the option that makes the application believe it', (side) => {
    expect(write(server, { side })).toContain('declare: proxies: {"trust":["loopback"]}');
    const proxies: ProxyOptions = { trust: ['10.0.0.0/8'], host: true };
    expect(write(server, { side, options: { proxies } })).toContain(
      'declares proxies: {"trust":["10.0.0.0/8"],"host":true}',
    );
  });

  it('holds no rule on side https', () => {
    expect(write(server, { side: 'https', options: { mode: 'all', paths: ['/a'] } })).not.toMatch(
      /\b30[1278]\b|\b403\b|return|Rewrite|redir|respond/,
    );
  });

  it('holds the headers alone where nothing is enforced', () => {
    const text = write(server, { options: { reportOnly: true } });
    expect(text).toContain('# reportOnly is true');
    expect(text).not.toMatch(/\b307\b|\b403\b/);
    expect(text).toMatch(/X-Forwarded-Proto/);
  });

  it.each<[ProxyOptions['header'], RegExp]>([
    ['x-forwarded', /X-Forwarded-Proto.*[sS](?:cheme|CHEME)/],
    ['forwarded', /Forwarded.*proto=.*[sS](?:cheme|CHEME)/],
    [{ name: 'X-Secure', value: ['$(no)', 'yes indeed'] }, /"yes indeed"/],
    [{ name: 'CF-Visitor', value: '{"scheme":"https"}' }, /Cf-Visitor|CF-Visitor/i],
    [{ name: 'X-ARR-SSL' }, /X-Arr-Ssl/],
  ])('sets the header %j', (header, line) => {
    const text = write(server, { side: 'https', options: { proxies: { trust: ['loopback'], header } } });
    expect(text.replace(/^\s*#.*/gm, '')).toMatch(line);
  });

  it('takes no header value that means something to a server', () => {
    const proxies: ProxyOptions = { trust: ['loopback'], header: { name: 'X-Secure', value: '$http_x' } };
    expect(() => write(server, { options: { proxies } })).toThrow(/proxies\.header\.value.*cannot be written/);
  });

  it('sets or takes away every header of the family', () => {
    const text = write(server, { side: 'https' });
    for (const name of [
      'X-Forwarded-For',
      'X-Forwarded-Proto',
      'X-Forwarded-Host',
      'X-Forwarded-Port',
      'Forwarded',
      'X-Forwarded-Ssl',
      'Front-End-Https',
      'X-Arr-Ssl',
    ]) {
      expect(text).toMatch(new RegExp(`^\\s*[\\w ]+[ -]"?${name}"?( |$)`, 'm'));
    }
    expect(text).not.toMatch(/proxy_add_x_forwarded_for|append|header_up \+/);
  });
});

@Controller('members')
class MembersController {
  @SecureRequired()
  @Get(':id')
  show(): string {
    return 'show';
  }
}

describe.each(adapters)('the functions, on %s', (_platform, newAdapter) => {
  const boot = async (): Promise<INestApplication> =>
    (await createApp(newAdapter, { controllers: [MembersController], options: { hosts: ['b.example', 'a.example'] } }))
      .nest;

  it.each([
    ['nginxConfig', nginxConfig],
    ['apacheConfig', apacheConfig],
    ['caddyConfig', caddyConfig],
  ])('%s writes the same bytes each time', async (_name, configOf) => {
    const [one, other] = [await boot(), await boot()];
    expect(configOf(one)).toContain('# GET /members/:id (MembersController.show)\n');
    expect(configOf(other)).toBe(configOf(one));
    expect(configOf(other, { side: 'https' })).toBe(configOf(one, { side: 'https' }));
  });

  it('say what is missing where SecureModule is', async () => {
    const { nest } = await createApp(newAdapter, { options: false });
    expect(() => nginxConfig(nest)).toThrow(/has no routes of SecureModule.*Import SecureModule\.forRoot\(\)/);
  });
});
