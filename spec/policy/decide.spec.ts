import { decide } from '../../lib/policy/decide.js';
import type { PolicySettings, RefusalReason, RequestFacts, Requirement, Verdict } from '../../lib/policy/verdict.js';
import type { Doubt, Transport } from '../../lib/transport/connection.js';

const transport: Transport = {
  secure: false,
  scheme: 'http',
  host: 'example.com',
  port: 8080,
  peer: '192.0.2.1',
  via: 'socket',
  doubts: [],
};

const required: Requirement = { level: 'required', by: 'handler' };
const stated: Doubt = { grade: 'stated', reason: 'untrusted-peer', header: 'x-forwarded-proto' };
const inferred: Doubt = { grade: 'inferred', reason: 'fetch-metadata', header: 'sec-fetch-site' };

// Every status is another one, so that none is right by chance.
const settings: PolicySettings = {
  onInsecure: 'auto',
  redirectStatus: { safe: 307, unsafe: 308 },
  refuseStatus: 404,
  redirectHost: (host) => (host === 'example.com' ? 'example.com' : undefined),
  httpsPort: () => 443,
};

function request(facts: Partial<RequestFacts> = {}, over: Partial<Transport> = {}): RequestFacts {
  return {
    method: 'GET',
    target: '/edit?x=1',
    authorized: false,
    preflight: false,
    websocket: false,
    requirement: required,
    stage: 'guard',
    redirectedRecently: false,
    ...facts,
    transport: { ...transport, ...over },
  };
}

function refuse(reason: RefusalReason, status: number): object {
  return { action: 'refuse', reason, status };
}

function redirect(status: number, location = 'https://example.com/edit?x=1'): object {
  return { action: 'redirect', reason: 'insecure', status, location };
}

describe('what passes', () => {
  it.each<[Requirement['level'], Requirement['by']]>([
    ['required', 'handler'],
    ['required', 'path'],
    ['required', 'mode'],
    ['exempt', 'handler'],
    ['unmarked', 'nobody'],
  ])('a secure request, whatever else it is, for what is %s by %s', (level, by) => {
    const facts = request(
      { requirement: { level, by }, method: 'POST', authorized: true, preflight: true, websocket: true },
      { secure: true, scheme: 'https', host: undefined },
    );

    expect(decide(facts, { ...settings, onInsecure: 'refuse' })).toEqual({ action: 'pass', reason: 'secure' });
  });

  it.each<[Requirement['level'], Requirement['by']]>([
    ['exempt', 'handler'],
    ['exempt', 'class'],
    ['exempt', 'exempt-rule'],
    ['unmarked', 'nobody'],
  ])('a plain-HTTP request for what is %s by %s, whatever it carries', (level, by) => {
    const facts = request(
      { requirement: { level, by }, method: 'POST', authorized: true, preflight: true, websocket: true },
      { doubts: [stated, inferred], host: undefined },
    );

    expect(decide(facts, { ...settings, onInsecure: 'refuse' })).toEqual({ action: 'pass', reason: level });
  });
});

describe('the prefix that a proxy has taken off', () => {
  it.each([
    ['/edit?x=1', 'https://example.com/app/edit?x=1'],
    ['/app/edit', 'https://example.com/app/edit'],
    ['/apple', 'https://example.com/app/apple'],
    ['http://example.com:8080/edit?x=1', 'https://example.com/app/edit?x=1'],
  ])('is in the redirect of %s', (target, location) => {
    expect(decide(request({ target }, { prefix: '/app' }), settings)).toEqual(redirect(307, location));
  });
});

describe('a CORS preflight', () => {
  const preflight = { method: 'OPTIONS', preflight: true };

  it('is left to the application by the gate', () => {
    expect(decide(request({ ...preflight, stage: 'gate' }), settings)).toEqual({ action: 'pass', reason: 'preflight' });
  });

  it('never reaches a marked handler', () => {
    expect(decide(request({ ...preflight, stage: 'guard' }), settings)).toEqual(refuse('preflight', 403));
  });

  it.each(['auto', 'redirect', 'refuse'] as const)('is not redirected under onInsecure %j', (onInsecure) => {
    expect(decide(request(preflight), { ...settings, onInsecure })).toEqual(refuse('preflight', 403));
  });

  it('is what its three signs say, not every OPTIONS', () => {
    expect(decide(request({ method: 'OPTIONS' }), settings)).toEqual(refuse('insecure-secret', 404));
  });
});

describe('a WebSocket handshake', () => {
  it.each(['gate', 'guard'] as const)('is refused by the %s, and never redirected', (stage) => {
    const facts = request({ websocket: true, stage });

    expect(decide(facts, settings)).toEqual(refuse('websocket', 403));
    expect(decide(facts, { ...settings, onInsecure: 'redirect' })).toEqual(refuse('websocket', 403));
  });

  it.each([stated, inferred])('is refused as misdirected with the doubt %j: the client has used wss', (doubt) => {
    const facts = request({ websocket: true }, { doubts: [doubt] });

    expect(decide(facts, settings)).toEqual(refuse('proxy-not-believed', 421));
  });
});

describe('a stated sign of a proxy that is not believed', () => {
  it.each<[string, Partial<RequestFacts>, Partial<PolicySettings>]>([
    ['a request that would be redirected', {}, {}],
    ['a request that would be refused', {}, { onInsecure: 'refuse' }],
    ['a request that may carry a secret', { method: 'POST' }, {}],
    ['a request with Authorization', { authorized: true }, {}],
    ['everything under onInsecure "redirect"', { method: 'POST' }, { onInsecure: 'redirect' }],
    ['a first request', { redirectedRecently: false }, {}],
  ])('makes %s 421', (_, facts, over) => {
    for (const doubts of [[stated], [inferred, stated]]) {
      expect(decide(request(facts, { doubts }), { ...settings, ...over })).toEqual(refuse('proxy-not-believed', 421));
    }
  });

  it('is 421 where the host is not allowed either', () => {
    const facts = request({}, { doubts: [stated], host: undefined });

    expect(decide(facts, settings)).toEqual(refuse('proxy-not-believed', 421));
  });
});

describe('a declared proxy that says nothing over TLS', () => {
  it.each<[string, Partial<RequestFacts>, Partial<PolicySettings>]>([
    ['a request that would be redirected', {}, {}],
    ['a request that would be refused', {}, { onInsecure: 'refuse' }],
    ['everything under onInsecure "redirect"', { method: 'POST' }, { onInsecure: 'redirect' }],
    ['a WebSocket handshake', { websocket: true }, {}],
  ])('makes %s 421', (_, facts, over) => {
    expect(decide(request(facts, { silent: true }), { ...settings, ...over })).toEqual(
      refuse('proxy-not-believed', 421),
    );
  });
});

describe('an inferred sign of a proxy', () => {
  it('alone does not change a redirect', () => {
    expect(decide(request({}, { doubts: [inferred] }), settings)).toEqual(redirect(307));
  });

  it('makes 421 of a redirect that was sent a moment ago', () => {
    const facts = request({ redirectedRecently: true }, { doubts: [inferred] });

    expect(decide(facts, settings)).toEqual(refuse('redirect-loop', 421));
    expect(decide({ ...facts, method: 'POST' }, { ...settings, onInsecure: 'redirect' })).toEqual(
      refuse('redirect-loop', 421),
    );
  });

  it('is needed: a redirect sent a moment ago is sent again without one', () => {
    expect(decide(request({ redirectedRecently: true }), settings)).toEqual(redirect(307));
  });

  it.each<[string, Partial<RequestFacts>, Partial<PolicySettings>]>([
    ['POST', { method: 'POST' }, {}],
    ['Authorization', { authorized: true }, {}],
    ['onInsecure "refuse"', {}, { onInsecure: 'refuse' }],
  ])('makes 421 of a refusal because of %s, so that nobody takes it for a leak', (_, facts, over) => {
    expect(decide(request(facts, { doubts: [inferred] }), { ...settings, ...over })).toEqual(
      refuse('proxy-not-believed', 421),
    );
  });
});

describe('what may carry a secret', () => {
  const methods = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND', 'get', 'PURGE', ''];

  it.each(methods)('is refused under onInsecure "auto" with the method %j', (method) => {
    expect(decide(request({ method }), settings)).toEqual(refuse('insecure-secret', 404));
  });

  it.each(['GET', 'HEAD'])('is refused under onInsecure "auto" with Authorization and %s', (method) => {
    expect(decide(request({ method, authorized: true }), settings)).toEqual(refuse('insecure-secret', 404));
  });

  it.each([...methods, 'GET'])('is redirected under onInsecure "redirect" with the method %j', (method) => {
    const facts = request({ method, authorized: true });

    expect(decide(facts, { ...settings, onInsecure: 'redirect' })).toEqual(redirect(method === 'GET' ? 307 : 308));
  });

  it('is told from a plain refusal under onInsecure "refuse"', () => {
    const refusing = { ...settings, onInsecure: 'refuse' } as const;

    expect(decide(request(), refusing)).toEqual(refuse('insecure-refused', 404));
    expect(decide(request({ method: 'HEAD' }), refusing)).toEqual(refuse('insecure-refused', 404));
    expect(decide(request({ method: 'PUT' }), refusing)).toEqual(refuse('insecure-secret', 404));
    expect(decide(request({ authorized: true }), refusing)).toEqual(refuse('insecure-secret', 404));
  });

  it('is refused with its own reason where the host is not allowed either', () => {
    expect(decide(request({ method: 'POST' }, { host: undefined }), settings)).toEqual(refuse('insecure-secret', 404));
  });
});

describe('a refusal with 405', () => {
  const with405 = { ...settings, refuseStatus: 405 as const };

  it.each<[string, Partial<RequestFacts>, Partial<PolicySettings>, Partial<Transport>, string[]]>([
    ['GET and HEAD, which would be redirected', { method: 'POST' }, {}, {}, ['GET', 'HEAD']],
    ['the same, which Authorization alone keeps from it', { authorized: true }, {}, {}, ['GET', 'HEAD']],
    ['nothing where nothing is redirected', { method: 'POST' }, { onInsecure: 'refuse' }, {}, []],
    ['nothing where the host is not allowed', { method: 'POST' }, {}, { host: 'other.example' }, []],
  ])('allows %s', (_what, facts, over, of, allow) => {
    expect(decide(request(facts, of), { ...with405, ...over })).toMatchObject({ status: 405, allow });
  });
});

describe('a host that is not allowed', () => {
  it.each([undefined, 'evil.com'])('%j is 400, and never a guess', (host) => {
    expect(decide(request({}, { host }), settings)).toEqual(refuse('host-not-allowed', 400));
    expect(decide(request({ method: 'POST' }, { host }), { ...settings, onInsecure: 'redirect' })).toEqual(
      refuse('host-not-allowed', 400),
    );
  });

  it('is 400 also where the redirect would go in circles', () => {
    const facts = request({ redirectedRecently: true }, { host: 'evil.com', doubts: [inferred] });

    expect(decide(facts, settings)).toEqual(refuse('host-not-allowed', 400));
  });

  it('does not matter where the redirect has a host of its own', () => {
    const fixed = { ...settings, redirectHost: () => 'www.example.com' };

    expect(decide(request({}, { host: undefined }), fixed)).toEqual(redirect(307, 'https://www.example.com/edit?x=1'));
  });
});

describe('a redirect', () => {
  it.each([
    ['GET', 307],
    ['HEAD', 307],
    ['POST', 308],
    ['DELETE', 308],
  ])('of %s has the status %i', (method, status) => {
    expect(decide(request({ method }), { ...settings, onInsecure: 'redirect' })).toEqual(redirect(status));
  });

  it.each([
    ['/', 'https://example.com/'],
    ['*', 'https://example.com/'],
    ['/a b', 'https://example.com/a%20b'],
    ['//evil.com/x', 'https://example.com//evil.com/x'],
    ['http://evil.com/x?y', 'https://example.com/x?y'],
  ])('of %j leads to %s', (target, location) => {
    expect(decide(request({ target }), settings)).toEqual(redirect(307, location));
  });

  it('has the https port as it is when asked, and never the port of the request', () => {
    let port = 443;
    const late = { ...settings, httpsPort: () => port };

    expect(decide(request(), late)).toEqual(redirect(307));
    port = 8443;
    expect(decide(request(), late)).toEqual(redirect(307, 'https://example.com:8443/edit?x=1'));
  });
});

// The table of the verdict once more, as one list of rows: the first that applies answers. Every request there is.
describe('the order of the rows', () => {
  type Row = [(facts: RequestFacts, settings: PolicySettings) => boolean, (facts: RequestFacts) => object];

  const isSafe = ({ method }: RequestFacts): boolean => method === 'GET' || method === 'HEAD';
  const mayCarrySecret = (facts: RequestFacts): boolean => !isSafe(facts) || facts.authorized;
  const has =
    (doubt: Doubt) =>
    (facts: RequestFacts): boolean =>
      facts.transport.doubts.includes(doubt);
  const isSilent = ({ transport: { silent } }: RequestFacts): boolean => silent === true;
  const refusing = (facts: RequestFacts, { onInsecure }: PolicySettings): boolean =>
    onInsecure === 'refuse' || (onInsecure === 'auto' && mayCarrySecret(facts));

  const rows: Row[] = [
    [(facts) => facts.transport.secure, () => ({ action: 'pass', reason: 'secure' })],
    [({ requirement }) => requirement.level === 'exempt', () => ({ action: 'pass', reason: 'exempt' })],
    [({ requirement }) => requirement.level === 'unmarked', () => ({ action: 'pass', reason: 'unmarked' })],
    [({ preflight, stage }) => preflight && stage === 'gate', () => ({ action: 'pass', reason: 'preflight' })],
    [({ preflight }) => preflight, () => refuse('preflight', 403)],
    [
      (facts) => facts.websocket && (isSilent(facts) || facts.transport.doubts.length > 0),
      () => refuse('proxy-not-believed', 421),
    ],
    [({ websocket }) => websocket, () => refuse('websocket', 403)],
    [(facts) => isSilent(facts) || has(stated)(facts), () => refuse('proxy-not-believed', 421)],
    [(facts, given) => refusing(facts, given) && has(inferred)(facts), () => refuse('proxy-not-believed', 421)],
    [(facts, given) => refusing(facts, given) && mayCarrySecret(facts), () => refuse('insecure-secret', 404)],
    [refusing, () => refuse('insecure-refused', 404)],
    [(facts) => facts.transport.host !== 'example.com', () => refuse('host-not-allowed', 400)],
    [(facts) => facts.redirectedRecently && has(inferred)(facts), () => refuse('redirect-loop', 421)],
    [() => true, (facts) => redirect(isSafe(facts) ? 307 : 308)],
  ];

  function verdictOf(facts: RequestFacts, given: PolicySettings): object {
    const [, verdict] = rows.find(([applies]) => applies(facts, given)) ?? [];
    if (verdict === undefined) throw new Error('no row applies');
    return verdict(facts);
  }

  function* every(): Generator<[RequestFacts, PolicySettings]> {
    const booleans = [false, true];
    const levels = ['required', 'exempt', 'unmarked'] as const;
    for (const secure of booleans)
      for (const level of levels)
        for (const preflight of booleans)
          for (const stage of ['gate', 'guard'] as const)
            for (const websocket of booleans)
              for (const signs of [
                ...[[], [inferred], [stated], [inferred, stated]].map((doubts) => ({ doubts })),
                { doubts: [], silent: true as const },
                { doubts: [inferred], silent: true as const },
              ])
                for (const onInsecure of ['auto', 'redirect', 'refuse'] as const)
                  for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS'])
                    for (const authorized of booleans)
                      for (const host of ['example.com', 'evil.com', undefined])
                        for (const redirectedRecently of booleans) {
                          const requirement: Requirement = { level, by: 'class' };
                          const facts = { method, authorized, preflight, websocket, stage, redirectedRecently };
                          yield [
                            request({ ...facts, requirement }, { secure, host, ...signs }),
                            { ...settings, onInsecure },
                          ];
                        }
  }

  it('holds for every combination of the facts', () => {
    const seen = new Map<string, number>();
    for (const [facts, given] of every()) {
      const verdict: Verdict = decide(facts, given);
      const expected = verdictOf(facts, given);
      if (JSON.stringify(verdict) !== JSON.stringify(expected)) expect({ facts, given, verdict }).toEqual(expected);
      const kind = `${verdict.action} ${verdict.reason}`;
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    }

    expect([...seen.keys()].toSorted()).toEqual([
      'pass exempt',
      'pass preflight',
      'pass secure',
      'pass unmarked',
      'redirect insecure',
      'refuse host-not-allowed',
      'refuse insecure-refused',
      'refuse insecure-secret',
      'refuse preflight',
      'refuse proxy-not-believed',
      'refuse redirect-loop',
      'refuse websocket',
    ]);
    expect([...seen.values()].reduce((sum, count) => sum + count)).toBe(41_472);
  });
});
