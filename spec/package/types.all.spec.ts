import { Controller, Get, type INestApplication } from '@nestjs/common';
import { expectTypeOf } from 'expect-type';
import type { Finding, SecureOptions, SecureOptionsFactory, SecureRequiredOptions, SecureUrls } from 'nestjs-secure';
import { createRedirectServer, listenSecurely, SecureModule, SecureRequired } from 'nestjs-secure';
import { asHttps, throughProxy, type CookieJar } from 'nestjs-secure/testing';
import { writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { compileSnippets, createSnippetFolder } from '../support/compile-snippets.js';

@Controller('members')
class MembersController {
  @Get(':slug') show(slug: string): string {
    return slug;
  }
}

/** Never called: what it holds is compiled, not run. */
function written(urls: SecureUrls, app: INestApplication): unknown[] {
  return [
    urls.urlFor(MembersController, 'show', { slug: 'ada' }).toUpperCase(),
    SecureModule.forRoot({ redirect: { status: { safe: 301, unsafe: 308 }, host: { 'a.test': 'b.test' } } }),
    SecureRequired({ onInsecure: 'refuse', refuse: { status: 421 }, noStore: true }),
    listenSecurely(app, { http: 0, https: { port: 0, host: '127.0.0.1' }, tls: { key: '', cert: '' } }),
    createRedirectServer({ hosts: ['example.com'], acme: (token) => token.toUpperCase() }),
    asHttps({ url: '/' }).url.toUpperCase(),
    throughProxy({ url: '/' }, { peer: 'unix', headers: { 'X-Forwarded-Proto': 'https' } }),
  ];
}

/** What stands before each of the lines below. */
const BEFORE = `
import type { INestApplication } from '@nestjs/common';
import { listenSecurely, SecureExempt, SecureModule, SecureRequired } from 'nestjs-secure';
import type { SecureAudit, SecureOptions, SecureUrls } from 'nestjs-secure';
import { asHttps, signedInAgo, throughProxy } from 'nestjs-secure/testing';

class MembersController {
  readonly title = 'members';
  show(slug: string): string { return slug; }
}
declare const urls: SecureUrls;
declare const app: INestApplication;
/** As light-my-request had it until 6.7, which knows each method by name. */
declare function inject(asked: {
  method?: 'GET' | 'get' | 'POST' | 'PUT' | 'DELETE';
  url?: string;
  headers?: Record<string, string | string[]>;
  query?: { [k: string]: string | string[] };
  payload?: string | object;
}): Promise<{ statusCode: number }>;
declare const audit: SecureAudit;
`;

const ALLOWED: [what: string, code: string][] = [
  ['a handler', "urls.urlFor(MembersController, 'show', { slug: 'ada' })"],
  ['options', "SecureModule.forRoot({ hosts: ['example.com'], mode: 'all', findings: { ignore: [] } })"],
  ['a certificate', "listenSecurely(app, { http: 0, https: 0, tls: { key: '', cert: '' } })"],
  ['a request', "asHttps({ url: '/' })"],
  ['a request of inject', "inject(asHttps({ method: 'GET', url: '/account' }))"],
  ['a request of inject in lower case', "[asHttps({ method: 'get', url: '/account' })].map((asked) => inject(asked))"],
  [
    'a request of inject that has lists',
    "[asHttps({ method: 'POST', url: '/', query: { a: ['x', 'y'] }, payload: { a: [1] } })].map((asked) => inject(asked))",
  ],
  [
    'a request of inject through a proxy',
    "[throughProxy({ method: 'PUT', url: '/', headers: { a: 'b' } }, {})].map((asked) => inject(asked))",
  ],
  [
    'a request of inject of one who signed in before',
    "[signedInAgo(asHttps({ method: 'DELETE', url: '/account' }), '2 hours')].map((asked) => inject(asked))",
  ],
  [
    'a request of inject that goes on',
    "[asHttps({ method: 'GET', url: '/' })].map((asked) => inject({ ...asked, headers: { a: 'b' } }))",
  ],
  ['a request of a method that is not known beforehand', "asHttps({ method: String('GET'), url: '/' })"],
  ['findings', 'audit.findings().length'],
];

const REFUSED: [what: string, code: string, says: RegExp][] = [
  ['a misspelt handler', "urls.urlFor(MembersController, 'shows')", /'"shows"' is not assignable to .*'"show"'/],
  ['a property that is no handler', "urls.urlFor(MembersController, 'title')", /'"title"' is not assignable/],
  ['no controller', "urls.urlFor({}, 'show')", /'\{\}' is not assignable/],
  [
    'a parameter that is neither a string, a number, a boolean nor a list of strings',
    "urls.urlFor(MembersController, 'show', { slug: { first: 'ada' } })",
    /'\{ first: string; \}' is not assignable|'first' does not exist/,
  ],
  ['a misspelt option', "SecureModule.forRoot({ host: ['example.com'] })", /'host' does not exist in type/],
  [
    'a misspelt option of a factory',
    "SecureModule.forRootAsync({ useFactory: (): SecureOptions => ({ host: ['example.com'] }) })",
    /^[^\n]*'host' does not exist in type 'SecureOptions'[^\n]*$/,
  ],
  [
    'a wrong option of a factory that is async',
    "SecureModule.forRootAsync({ useFactory: async (): Promise<SecureOptions> => ({ mode: 'some' }) })",
    /^[^\n]*'"some"' is not assignable[^\n]*$/,
  ],
  ['a status that is no redirect', 'SecureModule.forRoot({ redirect: { status: 200 } })', /'200' is not assignable/],
  [
    'a string for a boolean',
    "SecureModule.forRoot({ httpsSupport: 'true' })",
    /'string' is not assignable to type 'boolean/,
  ],
  ['a mode there is not', "SecureModule.forRoot({ mode: 'some' })", /'"some"' is not assignable/],
  [
    'a finding ignored without a reason',
    "SecureModule.forRoot({ findings: { ignore: [{ id: 'SEC301' }] } })",
    /'because' is missing/,
  ],
  [
    'proxies that are believed without being named',
    "SecureModule.forRoot({ proxies: { header: 'forwarded' } })",
    /'trust' is missing/,
  ],
  [
    "a host, which is the module's to say",
    "SecureRequired({ redirect: { host: 'example.com' } })",
    /'host' does not exist in type/,
  ],
  ['options of an exemption', "SecureExempt({ because: 'health' })", /Expected 0 arguments/],
  ['https without a certificate', 'listenSecurely(app, { http: 0, https: 0 })', /'tls' is missing/],
  ['what is no request', "asHttps('/')", /'string' is not assignable/],
  ['a change of what was found', 'audit.findings().pop()', /'pop' does not exist on type 'readonly/],
];

describe('what is given to the package', () => {
  let said: Map<string, string[]>;

  beforeAll(() => {
    const folder = createSnippetFolder('types');
    said = compileSnippets(
      [...ALLOWED, ...REFUSED].map(([name, code], index) => {
        const source = `${BEFORE}\nexport const given: unknown = ${code};\n`;
        const file = join(folder, `given-${index}.ts`);
        writeFileSync(file, source);
        return { name, file };
      }),
    );
  }, 60_000);

  it.each(ALLOWED)('compiles: %s', (what) => {
    expect(said.get(what)).toEqual([]);
  });

  it.each(REFUSED)('does not compile: %s', (what, _code, says) => {
    expect(said.get(what)).toEqual([expect.stringMatching(says)]);
  });
});

describe('the public types', () => {
  it('say what is given and what comes back', () => {
    expectTypeOf<SecureUrls['isSecure']>().returns.toEqualTypeOf<boolean>();
    expectTypeOf<Finding['severity']>().toEqualTypeOf<'error' | 'warning' | 'info'>();
    expectTypeOf<SecureRequiredOptions['noStore']>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<SecureOptionsFactory['createSecureOptions']>().returns.toEqualTypeOf<
      SecureOptions | Promise<SecureOptions>
    >();
    expectTypeOf(createRedirectServer).returns.toEqualTypeOf<Server>();
    expectTypeOf(SecureRequired).returns.toEqualTypeOf<ClassDecorator & MethodDecorator>();
    expectTypeOf(asHttps({ method: 'GET', url: '/' })).toEqualTypeOf<{ method: 'GET'; url: string }>();
    expectTypeOf(asHttps<{ url: string }>).returns.toEqualTypeOf<{ url: string }>();
    expectTypeOf<CookieJar>().toHaveProperty('store');
    expectTypeOf(written).returns.toBeArray();
  });
});
