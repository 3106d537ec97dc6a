import * as fc from 'fast-check';
import { cookieProblems, secureCookie, secureCookies } from '../../lib/response/cookies.js';
import type { CookieProblem } from '../../lib/response/cookies.js';
import { PROPERTY_RUNS } from '../support/everything.js';

describe('Secure', () => {
  it.each([
    ['id=1', 'id=1; Secure'],
    ['id=1; Path=/; HttpOnly', 'id=1; Path=/; HttpOnly; Secure'],
    ['id=', 'id=; Secure'],
    ['', '; Secure'],
    // in the name or the value it is no attribute
    ['secure', 'secure; Secure'],
    ['secure=1', 'secure=1; Secure'],
    ['id=secure', 'id=secure; Secure'],
    ['id="a, secure"', 'id="a, secure"; Secure'],
    // nor is what only looks like it
    ['id=1; Path=/secure', 'id=1; Path=/secure; Secure'],
    ['id=1; x=secure', 'id=1; x=secure; Secure'],
    ['id=1; Secured', 'id=1; Secured; Secure'],
    ['id=1; in secure', 'id=1; in secure; Secure'],
    ['id=1; Secure x', 'id=1; Secure x; Secure'],
    ['id=1;\u00a0Secure', 'id=1;\u00a0Secure; Secure'],
    ['id=1; \u017fecure', 'id=1; \u017fecure; Secure'],
  ])('is added to %j', (given, expected) => {
    expect(secureCookie(given)).toBe(expected);
  });

  it.each([
    'id=1; Secure',
    'id=1; secure',
    'id=1; SECURE; Path=/',
    'id=1;secure',
    'id=1; \t secure \t ',
    'id=1; Path=/;  Secure;HttpOnly',
    'id=1; Secure=',
    'id=1; Secure=false',
    'id=1; secure = x; Path=/',
  ])('is not added to %j, which has it', (given) => {
    expect(secureCookie(given)).toBe(given);
  });

  it('is added once', () => {
    const part = fc.constantFrom('id=1', 'secure', 'Secure', 'secure=1', 'Path=/', ' ', ';', '=', '\t', 'x');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(part).map((parts) => parts.join(';')),
        ),
        (given) => {
          const once = secureCookie(given);
          expect(once.startsWith(given)).toBe(true);
          expect(secureCookie(once)).toBe(once);
        },
      ),
      PROPERTY_RUNS,
    );
  });
});

describe('Secure on the cookies of a response', () => {
  it.each([
    [undefined, undefined],
    ['id=1', ['id=1; Secure']],
    [
      ['id=1', 'a=b; secure'],
      ['id=1; Secure', 'a=b; secure'],
    ],
    [[], []],
    [1, ['1; Secure']],
    // a comma is no separator here (RFC 9110 5.3)
    ['id=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', ['id=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure']],
  ])('of %j makes %j', (header, expected) => {
    expect(secureCookies(header)).toEqual(expected);
  });

  it('leaves the given array alone', () => {
    const given = Object.freeze(['id=1']);
    expect(secureCookies(given)).not.toBe(given);
    expect(given).toEqual(['id=1']);
  });

  // Attribute names compare without case: others write 'secure', we write 'Secure'.
  const lowered = (lines: readonly string[] | undefined): unknown => lines?.map((line) => line.toLowerCase());
  it.each<{ id: string; source: string; given: string[] | undefined; expected: string[] | undefined }>([
    {
      id: 'rails-cookie-flag',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:199',
      given: ['id=1; path=/', 'token=abc; path=/; secure; HttpOnly'],
      expected: ['id=1; path=/; secure', 'token=abc; path=/; secure; HttpOnly'],
    },
    {
      id: 'rails-cookie-end-of-line',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:204',
      given: ['problem=def; path=/; HttpOnly; secure'],
      expected: ['problem=def; path=/; HttpOnly; secure'],
    },
    {
      id: 'rails-cookie-spaces-before',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:209',
      given: ['problem=def; path=/; HttpOnly;  secure'],
      expected: ['problem=def; path=/; HttpOnly;  secure'],
    },
    {
      id: 'rails-cookie-spaces-after',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:214',
      given: ['problem=def; path=/; secure;  HttpOnly'],
      expected: ['problem=def; path=/; secure;  HttpOnly'],
    },
    {
      id: 'rails-cookie-no-space-before',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:219',
      given: ['problem=def; path=/;secure; HttpOnly'],
      expected: ['problem=def; path=/;secure; HttpOnly'],
    },
    {
      id: 'rails-cookie-no-space-after',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:224',
      given: ['problem=def; path=/; secure;HttpOnly'],
      expected: ['problem=def; path=/; secure;HttpOnly'],
    },
    {
      id: 'rails-cookie-ignore-case',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:229',
      given: ['problem=def; path=/; Secure; HttpOnly'],
      expected: ['problem=def; path=/; Secure; HttpOnly'],
    },
    {
      id: 'rails-cookie-none',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:247',
      given: undefined,
      expected: undefined,
    },
    {
      id: 'rails-cookie-single',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:259',
      given: ['id=1'],
      expected: ['id=1; secure'],
    },
    {
      id: 'rails-cookie-multiple',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:264',
      given: ['id=1', 'problem=def'],
      expected: ['id=1; secure', 'problem=def; secure'],
    },
    {
      id: 'enforcer-cookies-on',
      source: 'tobmatth/rack-ssl-enforcer@e419e76e:test/rack-ssl-enforcer_test.rb:45',
      given: ['id=1; path=/', 'token=abc; path=/; secure; HttpOnly'],
      expected: ['id=1; path=/; secure', 'token=abc; path=/; secure; HttpOnly'],
    },
  ])('is as in $id ($source)', ({ given, expected }) => {
    expect(lowered(secureCookies(given))).toEqual(lowered(expected));
  });
});

describe('a cookie that browsers do not store', () => {
  const large = 'v'.repeat(4096);

  it.each<[string, CookieProblem[]]>([
    ['id=1; SameSite=None', ['same-site-none-without-secure']],
    ['id=1; samesite = NONE ; Path=/', ['same-site-none-without-secure']],
    ['id=1; SameSite=Lax; SameSite=None', ['same-site-none-without-secure']],
    ['id=1; Partitioned', ['partitioned-without-secure']],
    ['id=1; PARTITIONED=1', ['partitioned-without-secure']],
    ['id=1; SameSite=None; Partitioned', ['same-site-none-without-secure', 'partitioned-without-secure']],
    ['__Host-id=1; Path=/', ['host-prefix-rules']],
    ['__Host-id=1; Secure', ['host-prefix-rules']],
    ['__Host-id=1; Secure; Path=', ['host-prefix-rules']],
    ['__Host-id=1; Secure; Path=/app', ['host-prefix-rules']],
    ['__Host-id=1; Secure; Path=/; Path=/app', ['host-prefix-rules']],
    ['__Host-id=1; Secure; Path=/; Domain=example.com', ['host-prefix-rules']],
    ['__HOST-id=1; Secure; Path=/; DOMAIN=example.com', ['host-prefix-rules']],
    [' \t__host-id =1; Path=/', ['host-prefix-rules']],
    ['__Host-=1; Path=/', ['host-prefix-rules']],
    ['=__Host-id=1; Secure; Path=/', ['host-prefix-rules']],
    ['__Host-id; Secure; Path=/', ['host-prefix-rules']],
    ['__Secure-id=1', ['secure-prefix-rules']],
    ['__sEcUrE-id=1; Path=/', ['secure-prefix-rules']],
    ['=__Secure-id=1; Secure', ['secure-prefix-rules']],
    ['__Secure-id; Secure', ['secure-prefix-rules']],
    ['Secure=1; SameSite=None', ['same-site-none-without-secure']],
    [`i=${large}`, ['too-large']],
    [`${large}=v`, ['too-large']],
    [`v${large}`, ['too-large']],
    [
      `__Host-id=${large}; SameSite=None; Partitioned`,
      ['same-site-none-without-secure', 'partitioned-without-secure', 'host-prefix-rules', 'too-large'],
    ],
  ])('%.60s', (setCookie, problems) => {
    expect(cookieProblems(setCookie)).toEqual(problems);
  });

  it.each([
    'id=1',
    '',
    'id=1; SameSite=None; Secure',
    'id=1; secure; samesite=none; partitioned',
    'id=1; SameSite=None; SameSite=Lax',
    'id=1; SameSite',
    'id=1; SameSite=Nonesuch',
    'id=SameSite=None',
    '__Host-id=1; Secure; Path=/',
    '__Host-id=1; path = / ;SECURE; HttpOnly; SameSite=Lax',
    '__Host-id=1; Secure; Path=/app; Path=/',
    // an empty Domain is none (RFC 6265bis 5.7)
    '__Host-id=1; Secure; Path=/; Domain=',
    '__Host-id=1; Secure; Path=/; Domain=example.com; Domain',
    '__Secure-id=1; Secure; Domain=example.com; Path=/app',
    '__Hostid=1',
    'x__Host-id=1',
    'x__Secure-id=1',
    'id=__Host-id',
    'id=__Secure-id',
    `i=${'v'.repeat(4095)}`,
    `i= ${'v'.repeat(4095)} ; Path=/${large}`,
    `i=${'\u00e9'.repeat(4095)}`,
  ])('is not %.60s', (setCookie) => {
    expect(cookieProblems(setCookie)).toEqual([]);
  });

  it('never lacks Secure once it was added', () => {
    const name = fc.constantFrom('id', '__Host-id', '__Secure-id');
    const attribute = fc.constantFrom('Path=/', 'SameSite=None', 'Partitioned', 'HttpOnly', 'SECURE', 'Max-Age=1');
    fc.assert(
      fc.property(name, fc.array(attribute), (cookieName, attributes) => {
        const given = [`${cookieName}=1`, ...attributes, 'Path=/'].join('; ');
        expect(cookieProblems(secureCookie(given))).toEqual([]);
      }),
      PROPERTY_RUNS,
    );
  });
});
