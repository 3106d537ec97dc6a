import { Controller, Get, type INestApplication } from '@nestjs/common';
import { expectTypeOf } from 'expect-type';
import type {
  Finding,
  SecureAudit,
  SecureOptions,
  SecureOptionsFactory,
  SecureRequiredOptions,
  SecureUrls,
} from 'nestjs-secure';
import { createRedirectServer, listenSecurely, SecureExempt, SecureModule, SecureRequired } from 'nestjs-secure';
import { asHttps, throughProxy, type CookieJar } from 'nestjs-secure/testing';
import type { Server } from 'node:http';

/*
 * The types are checked by `npm run typecheck`: what must not compile stands below an expected error, and
 * is an error there if it does. What runs here only shows that the rest can be written.
 */

@Controller('members')
class MembersController {
  readonly title = 'members';

  @Get(':slug') show(slug: string): string {
    return slug;
  }
}

/** Never called: what it holds is compiled, not run. */
function written(urls: SecureUrls, app: INestApplication, audit: SecureAudit): unknown[] {
  return [
    urls.urlFor(MembersController, 'show', { slug: 'ada' }).toUpperCase(),
    // @ts-expect-error must not compile: a misspelt handler
    urls.urlFor(MembersController, 'shows'),
    // @ts-expect-error must not compile: a property that is no handler
    urls.urlFor(MembersController, 'title'),
    // @ts-expect-error must not compile: no controller
    urls.urlFor({}, 'show'),
    // @ts-expect-error must not compile: a parameter is a string, a number, a boolean or a list of strings
    urls.urlFor(MembersController, 'show', { slug: { first: 'ada' } }),

    SecureModule.forRoot({ redirect: { status: { safe: 301, unsafe: 308 }, host: { 'a.test': 'b.test' } } }),
    // @ts-expect-error must not compile: a misspelt option
    SecureModule.forRoot({ host: ['example.com'] }),
    // @ts-expect-error must not compile: a status that is no redirect
    SecureModule.forRoot({ redirect: { status: 200 } }),
    // @ts-expect-error must not compile: a string where a boolean belongs
    SecureModule.forRoot({ httpsSupport: 'true' }),
    // @ts-expect-error must not compile: a mode there is not
    SecureModule.forRoot({ mode: 'some' }),
    // @ts-expect-error must not compile: a finding is ignored with a reason
    SecureModule.forRoot({ findings: { ignore: [{ id: 'SEC301' }] } }),
    // @ts-expect-error must not compile: proxies are not believed without being named
    SecureModule.forRoot({ proxies: { header: 'forwarded' } }),

    SecureRequired({ onInsecure: 'refuse', refuse: { status: 421 }, noStore: true }),
    // @ts-expect-error must not compile: a host is the module's to say
    SecureRequired({ redirect: { host: 'example.com' } }),
    // @ts-expect-error must not compile: it takes no options
    SecureExempt({ because: 'health' }),

    listenSecurely(app, { http: 0, https: { port: 0, host: '127.0.0.1' }, tls: { key: '', cert: '' } }),
    // @ts-expect-error must not compile: https needs a certificate
    listenSecurely(app, { http: 0, https: 0 }),
    createRedirectServer({ hosts: ['example.com'], acme: (token) => token.toUpperCase() }),

    asHttps({ url: '/' }).url.toUpperCase(),
    // @ts-expect-error must not compile: neither a request of supertest nor the options of inject
    asHttps('/'),
    throughProxy({ url: '/' }, { peer: 'unix', headers: { 'X-Forwarded-Proto': 'https' } }),

    // @ts-expect-error must not compile: what was found is not for others to change
    audit.findings().pop(),
  ];
}

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
    expectTypeOf(asHttps<{ url: string }>).returns.toEqualTypeOf<{ url: string }>();
    expectTypeOf<CookieJar>().toHaveProperty('store');
    expectTypeOf(written).returns.toBeArray();
  });
});
