import * as fc from 'fast-check';
import { PROPERTY_RUNS } from '../support/everything.js';
import { compileHsts, hstsValues, rampSteps, stepAt, valueAt as lastValueAt } from '../../lib/response/hsts-value.js';
import { validateOptions } from '../../lib/settings/validate.js';
import { parseHost } from '../../lib/transport/host.js';
import type { HstsOptions } from '../../lib/options/secure-options.js';

const YEAR = 31_536_000;

function valueFor(options: HstsOptions, host = 'example.com'): string | undefined {
  return compileHsts(options)?.(host);
}

describe('the value of Strict-Transport-Security', () => {
  it.each([
    [{}, `max-age=${YEAR}`],
    [{ maxAge: undefined, includeSubDomains: undefined, preload: undefined }, `max-age=${YEAR}`],
    [{ maxAge: 1 }, 'max-age=1'],
    [{ includeSubDomains: true }, `max-age=${YEAR}; includeSubDomains`],
    [{ maxAge: 600, includeSubDomains: false, preload: false }, 'max-age=600'],
    [{ includeSubDomains: true, preload: true }, `max-age=${YEAR}; includeSubDomains; preload`],
    // 0 rolls back: it is sent, and makes browsers forget
    [{ maxAge: 0 }, 'max-age=0'],
    [{ maxAge: 0, includeSubDomains: true }, 'max-age=0; includeSubDomains'],
  ])('of %j is %j', (options, expected) => {
    expect(valueFor(options)).toBe(expected);
  });

  it.each([false, undefined] as const)('does not exist for %j', (options) => {
    expect(compileHsts(options)).toBeUndefined();
  });

  it.each(['example.com', 'localhost.com', 'localhost.example.com', 'notlocalhost', '1.example.com'])(
    'is sent for %s',
    (host) => {
      expect(valueFor({}, host)).toBe(`max-age=${YEAR}`);
    },
  );

  it.each(['localhost', 'a.localhost', '127.0.0.1', '127.1.2.3', '[::1]', '192.0.2.1', '[2001:db8::1]'])(
    'is not sent for %s',
    (host) => {
      expect(valueFor({}, host)).toBeUndefined();
    },
  );

  it('is not sent for a host that is not known', () => {
    expect(compileHsts({})?.(undefined)).toBeUndefined();
  });
});

describe('an hsts option that browsers would not take is an error that names it', () => {
  it.each([
    [{ maxAge: -1 }, 'hsts.maxAge is -1; give whole seconds, 0 or more, such as 31536000'],
    [{ maxAge: 1.5 }, 'hsts.maxAge is 1.5; give whole seconds, 0 or more, such as 31536000'],
    [{ maxAge: Infinity }, 'hsts.maxAge is Infinity; give whole seconds, 0 or more, such as 31536000'],
    [{ maxAge: NaN }, 'hsts.maxAge is NaN; give whole seconds, 0 or more, such as 31536000'],
    [
      { maxAge: YEAR - 1, includeSubDomains: true, preload: true },
      'hsts.preload is true but hsts.maxAge is 31535999; preload lists accept 31536000 (one year) or more: ' +
        'raise hsts.maxAge or drop hsts.preload',
    ],
    [
      { preload: true },
      'hsts.preload is true but hsts.includeSubDomains is false; preload lists accept only both: ' +
        'set hsts.includeSubDomains to true or drop hsts.preload',
    ],
  ])('%j is a RangeError', (options, message) => {
    expect(() => compileHsts(options)).toThrow(new RangeError(message));
    expect(() => compileHsts(options)).toThrow(RangeError);
  });

  // As they come from plain JavaScript or from the environment.
  const untyped = (options: unknown): unknown => Reflect.apply(compileHsts, undefined, [options]);

  it.each([
    [true, 'hsts is true; give false or { maxAge, includeSubDomains, preload }'],
    [null, 'hsts is null; give false or { maxAge, includeSubDomains, preload }'],
    ['max-age=1', "hsts is 'max-age=1'; give false or { maxAge, includeSubDomains, preload }"],
    [{ maxAge: '600' }, "hsts.maxAge is '600'; give a number of seconds, such as 31536000"],
    [{ maxAge: null }, 'hsts.maxAge is null; give a number of seconds, such as 31536000'],
    [{ includeSubDomains: 'false' }, "hsts.includeSubDomains is 'false'; give true or false"],
    [{ preload: 1 }, 'hsts.preload is 1; give true or false'],
    [{ ramp: true }, "hsts.ramp is true; give { from: '2026-12-01' }"],
    [{ ramp: null }, "hsts.ramp is null; give { from: '2026-12-01' }"],
  ])('%j is a TypeError', (options, message) => {
    expect(() => untyped(options)).toThrow(new TypeError(message));
    expect(() => untyped(options)).toThrow(TypeError);
  });
});

describe('a ramp', () => {
  const from = '2026-12-01';
  const valueAt = (time: string | number, options: HstsOptions = { ramp: { from } }): string | undefined =>
    compileHsts(options, () => new Date(time).getTime())?.('example.com');

  it.each<[string, string | undefined]>([
    ['2026-11-30T23:59:59.999Z', undefined],
    ['2026-12-01T00:00:00.000Z', 'max-age=300'],
    ['2026-12-01T23:59:59.999Z', 'max-age=300'],
    ['2026-12-02T00:00:00.000Z', 'max-age=604800'],
    ['2026-12-08T23:59:59.999Z', 'max-age=604800'],
    ['2026-12-09T00:00:00.000Z', 'max-age=2592000'],
    ['2027-01-07T23:59:59.999Z', 'max-age=2592000'],
    ['2027-01-08T00:00:00.000Z', `max-age=${YEAR}`],
    ['2099-01-01T00:00:00.000Z', `max-age=${YEAR}`],
  ])('on %s is %s', (time, expected) => {
    expect(valueAt(time)).toBe(expected);
  });

  const day = fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
  const DAY = 86_400_000;

  it('is a function of the UTC date alone, rises only, and begins and ends where it says', () => {
    fc.assert(
      fc.property(
        day,
        fc.integer({ min: -40, max: 400 }),
        fc.nat(DAY - 1),
        fc.nat(DAY - 1),
        (start, days, one, other) => {
          const date = start.toISOString().slice(0, 10);
          const midnight = Date.parse(date) + days * DAY;
          const at = (time: number): number => Number(/\d+/.exec(valueAt(time, { ramp: { from: date } }) ?? '0')?.[0]);
          const today = at(midnight + one);
          return (
            today === at(midnight + other) &&
            today <= at(midnight + DAY) &&
            (days < 0 ? today === 0 : [300, 604_800, 2_592_000, YEAR].includes(today)) &&
            (days !== 0 || today === 300) &&
            days < 38 === today < YEAR &&
            // Nobody is told to remember more than lies behind, but for the day that any mistake may take.
            (today <= 604_800 || today === YEAR || days >= 7)
          );
        },
      ),
      PROPERTY_RUNS,
    );
  });

  it('is listed with the moments of its values for a host that gets the header', () => {
    const ramp = hstsValues({ ramp: { from } }, 'example.com');
    expect(ramp.map(({ at, value }) => [new Date(at).toISOString().slice(0, 10), value])).toEqual([
      ['2026-12-01', 'max-age=300'],
      ['2026-12-02', 'max-age=604800'],
      ['2026-12-09', 'max-age=2592000'],
      ['2027-01-08', `max-age=${YEAR}`],
    ]);
    expect(lastValueAt(ramp, Date.parse('2026-11-30'))).toBeUndefined();
    expect(lastValueAt(ramp, Date.parse('2026-12-03'))).toBe('max-age=604800');
    expect(hstsValues({}, 'example.com')).toEqual([{ at: 0, value: `max-age=${YEAR}` }]);
  });

  it.each([
    [false, 'example.com'],
    [undefined, 'example.com'],
    [{ ramp: { from } }, 'localhost'],
    [{ ramp: { from } }, '192.0.2.1'],
  ] as const)('%j is no value for %s', (options, host) => {
    expect(hstsValues(options, host)).toEqual([]);
  });

  it('keeps the other directives, and asks for no host that gets none', () => {
    expect(valueAt('2026-12-01', { ramp: { from }, includeSubDomains: true })).toBe('max-age=300; includeSubDomains');
    expect(compileHsts({ ramp: { from } }, () => Date.parse('2026-12-05'))?.('localhost')).toBeUndefined();
  });

  it('may ask for preload once it has come to a year, and not before', () => {
    const options: HstsOptions = { ramp: { from }, includeSubDomains: true, preload: true };
    expect(valueAt('2027-01-08', options)).toBe(`max-age=${YEAR}; includeSubDomains; preload`);
    expect(() => valueAt('2027-01-07', options)).toThrow(
      new RangeError(
        'hsts.preload is true but hsts.ramp reaches one year on 2027-01-08 only; preload lists accept nothing less: ' +
          'drop hsts.preload until then',
      ),
    );
  });

  it('is no ramp beside maxAge', () => {
    expect(() => compileHsts({ ramp: { from }, maxAge: 0 })).toThrow(
      new RangeError('hsts.maxAge is 0 beside hsts.ramp, which makes max-age from the date; drop one of them'),
    );
  });

  it.each([
    '',
    '1.12.2026',
    '2026-12',
    '2026-02-30',
    '2026-13-01',
    '2026-12-01T00:00:00Z',
    '2026-12-01T00:00',
    '+020261-12-01',
    ' 2026-12-01',
    'today',
  ])('does not begin on %j', (wrong) => {
    expect(() => compileHsts({ ramp: { from: wrong } })).toThrow(
      new RangeError(`hsts.ramp.from is '${wrong}'; give a date in UTC, such as '2026-12-01'`),
    );
  });

  it('does not begin on a list of one date, as plain JavaScript may give it', () => {
    expect(() => Reflect.apply(compileHsts, undefined, [{ ramp: { from: [from] } }])).toThrow(RangeError);
  });

  it.each([
    ['2026-11-30T23:59:59.999Z', undefined],
    ['2026-12-01', 300],
    ['2026-12-09', 2_592_000],
    ['2030-01-01', YEAR],
  ])('is on %s at the step of max-age %p', (moment, maxAge) => {
    expect(stepAt(rampSteps({ from }), Date.parse(moment))?.maxAge).toBe(maxAge);
  });

  it('is refused at boot with the key named', () => {
    const refusal = (hsts: object) => () => validateOptions(JSON.parse(JSON.stringify({ hsts })));
    expect(refusal({ ramp: { from: '2026-02-30' } })).toThrow(
      /^SecureModule options: hsts\.ramp\.from is '2026-02-30'/,
    );
    expect(refusal({ ramp: {} })).toThrow(/hsts\.ramp\.from is missing/);
    expect(refusal({ ramp: true })).toThrow(/hsts\.ramp is true/);
    expect(refusal({ ramp: { from, until: from } })).toThrow(/"hsts\.ramp\.until" is not an option/);
    expect(refusal({ ramp: { from }, maxAge: 300 })).toThrow(/hsts\.maxAge is 300 beside hsts\.ramp/);
  });
});

describe('as elsewhere', () => {
  it.each<{ id: string; source: string; hsts: false | HstsOptions; host: string; expected: string | undefined }>([
    {
      id: 'django-hsts-on',
      source: 'django/django@3.2.25:tests/middleware/test_security.py:44',
      hsts: { maxAge: 3600 },
      host: 'testserver',
      expected: 'max-age=3600',
    },
    {
      id: 'django-hsts-subdomains',
      source: 'django/django@3.2.25:tests/middleware/test_security.py:88',
      hsts: { maxAge: 600, includeSubDomains: true },
      host: 'testserver',
      expected: 'max-age=600; includeSubDomains',
    },
    {
      id: 'django-hsts-no-subdomains',
      source: 'django/django@3.2.25:tests/middleware/test_security.py:101',
      hsts: { maxAge: 600, includeSubDomains: false },
      host: 'testserver',
      expected: 'max-age=600',
    },
    {
      id: 'django-hsts-no-preload',
      source: 'django/django@3.2.25:tests/middleware/test_security.py:138',
      hsts: { maxAge: 10886400, preload: false, includeSubDomains: false },
      host: 'testserver',
      expected: 'max-age=10886400',
    },
    {
      id: 'rails-hsts-default',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:146',
      hsts: { maxAge: 63072000, includeSubDomains: true },
      host: 'example.org',
      expected: 'max-age=63072000; includeSubDomains',
    },
    {
      id: 'rails-hsts-expires',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:167',
      hsts: { maxAge: 500, includeSubDomains: true },
      host: 'example.org',
      expected: 'max-age=500; includeSubDomains',
    },
    {
      id: 'rails-hsts-no-subdomains',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:179',
      hsts: { maxAge: 63072000, includeSubDomains: false },
      host: 'example.org',
      expected: 'max-age=63072000',
    },
    {
      id: 'rails-hsts-preload',
      source: 'rails/rails@2a2db1e8:actionpack/test/dispatch/ssl_test.rb:183',
      hsts: { maxAge: 63072000, includeSubDomains: true, preload: true },
      host: 'example.org',
      expected: 'max-age=63072000; includeSubDomains; preload',
    },
    {
      id: 'plug-hsts-default',
      source: 'elixir-plug/plug@a898c454:test/plug/ssl_test.exs:201',
      hsts: { maxAge: 31536000, includeSubDomains: false },
      host: 'example.com',
      expected: 'max-age=31536000',
    },
    {
      id: 'plug-hsts-expires',
      source: 'elixir-plug/plug@a898c454:test/plug/ssl_test.exs:219',
      hsts: { maxAge: 3600 },
      host: 'example.com',
      expected: 'max-age=3600',
    },
    {
      id: 'plug-hsts-subdomains',
      source: 'elixir-plug/plug@a898c454:test/plug/ssl_test.exs:225',
      hsts: { maxAge: 31536000, includeSubDomains: true },
      host: 'example.com',
      expected: 'max-age=31536000; includeSubDomains',
    },
    {
      id: 'plug-exclude-localhost-hsts',
      source: 'elixir-plug/plug@a898c454:test/plug/ssl_test.exs:251',
      hsts: { maxAge: 31536000, includeSubDomains: false },
      host: 'localhost',
      expected: undefined,
    },
    {
      id: 'plug-exclude-host-nomatch',
      source: 'elixir-plug/plug@a898c454:test/plug/ssl_test.exs:257',
      hsts: { maxAge: 31536000, includeSubDomains: false },
      host: 'localhost.com',
      expected: 'max-age=31536000',
    },
    {
      id: 'plug-rewrite-proto',
      source: 'elixir-plug/plug@a898c454:test/plug/ssl_test.exs:310',
      hsts: { maxAge: 31536000, includeSubDomains: false },
      host: 'example.com',
      expected: 'max-age=31536000',
    },
    {
      id: 'aspnet-hsts-default',
      source:
        'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs#SetOptionsWithDefault_SetsMaxAgeToCorrectValue',
      hsts: { maxAge: 2592000 },
      host: 'example.com:5050',
      expected: 'max-age=2592000',
    },
    {
      id: 'aspnet-hsts-excluded-localhost',
      source:
        'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader',
      hsts: { maxAge: 2592000 },
      host: 'localhost:5050',
      expected: undefined,
    },
    {
      id: 'aspnet-hsts-excluded-Localhost',
      source:
        'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader',
      hsts: { maxAge: 2592000 },
      host: 'Localhost:5050',
      expected: undefined,
    },
    {
      id: 'aspnet-hsts-excluded-LOCALHOST',
      source:
        'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader',
      hsts: { maxAge: 2592000 },
      host: 'LOCALHOST:5050',
      expected: undefined,
    },
    {
      id: 'aspnet-hsts-excluded-127.0.0.1',
      source:
        'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader',
      hsts: { maxAge: 2592000 },
      host: '127.0.0.1:5050',
      expected: undefined,
    },
    {
      id: 'aspnet-hsts-excluded-[::1]',
      source:
        'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs#DefaultExcludesCommonLocalhostDomains_DoesNotSetHstsHeader',
      hsts: { maxAge: 2592000 },
      host: '[::1]:5050',
      expected: undefined,
    },
    {
      id: 'enforcer-no-hsts-default',
      source: 'tobmatth/rack-ssl-enforcer@e419e76e:test/rack-ssl-enforcer_test.rb:50',
      hsts: false,
      host: 'www.example.org',
      expected: undefined,
    },
  ])('$id ($source): $host gets $expected', ({ hsts, host, expected }) => {
    expect(compileHsts(hsts)?.(parseHost(host)?.host)).toBe(expected);
  });
});

describe('stricter than elsewhere: preload as browsers would refuse it is an error, not a header', () => {
  it.each([
    {
      id: 'django-hsts-subdomains-preload',
      source: 'django/django@3.2.25:tests/middleware/test_security.py:124',
      hsts: { maxAge: 10886400, includeSubDomains: true, preload: true },
    },
    {
      id: 'aspnet-hsts-50000-01',
      source:
        'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs#SetOptionsThroughConfigure_SetsHeaderCorrectly',
      hsts: { maxAge: 50000, includeSubDomains: false, preload: true },
    },
    {
      id: 'aspnet-hsts-50000-11',
      source:
        'dotnet/aspnetcore@0effe4c1:src/Middleware/HttpsPolicy/test/HstsMiddlewareTests.cs#SetOptionsThroughConfigure_SetsHeaderCorrectly',
      hsts: { maxAge: 50000, includeSubDomains: true, preload: true },
    },
    {
      id: 'enforcer-hsts-options',
      source: 'tobmatth/rack-ssl-enforcer@e419e76e:test/rack-ssl-enforcer_test.rb:794',
      hsts: { maxAge: 500, includeSubDomains: false, preload: true },
    },
  ])('$id ($source)', ({ hsts }) => {
    expect(() => compileHsts(hsts)).toThrow(/^hsts\.preload is true but /);
  });
});
