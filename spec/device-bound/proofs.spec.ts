import * as fc from 'fast-check';
import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { decideRefresh, decideRegistration, isAdmitted, type RefreshFacts } from '../../lib/device-bound/decide.js';
import { importKey, isSignedBy, parseProof } from '../../lib/device-bound/proof.js';
import { parseSkipped, parseString } from '../../lib/device-bound/protocol.js';
import { SignedValues } from '../../lib/device-bound/signed-values.js';
import { encode, makeKey, makeProof, type DeviceKey, type ProofChanges } from '../support/device-keys.js';
import { PROPERTY_RUNS } from '../support/everything.js';

const NOW = Date.parse('2026-12-01T12:00:00Z');
const ADA = 'identifier-of-ada';
const EVE = 'identifier-of-eve';
const values = new SignedValues(['Zk3vQ9sT7xW1bN5mL8cR2fH6jP4dY0gA']);
const others = new SignedValues(['6fa8c1d0b7e94352a1f0c9d8e7b6a594']);
const rotated = new SignedValues(['6fa8c1d0b7e94352a1f0c9d8e7b6a594', 'Zk3vQ9sT7xW1bN5mL8cR2fH6jP4dY0gA']);

const ec = makeKey();
const rsa = makeKey('RS256');
const eve = makeKey();
const smallRsa = makeKey('RS256', 1024);
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const p384Jwk = p384.publicKey.export({ format: 'jwk' });
const privateJwk = ec.privateKey.export({ format: 'jwk' });

const challengeOf = (purpose: 'register' | 'refresh', who = ADA, now = NOW): string =>
  values.createChallenge(purpose, who, now);

/** A proof with another algorithm in its header, signed as that says. */
function signedWith(alg: string, challenge: string, header: object = {}): string {
  const signed = `${encode({ alg, typ: 'dbsc+jwt', ...header })}.${encode({ jti: challenge })}`;
  return `${signed}.${signatureFor(alg, signed).toString('base64url')}`;
}

function signatureFor(alg: string, text: string): Buffer {
  // The public key as the secret of an HMAC: what a verifier does that lets the header choose.
  if (alg.startsWith('HS')) {
    return createHmac('sha256', createPublicKey(ec.privateKey).export({ type: 'spki', format: 'pem' }))
      .update(text)
      .digest();
  }
  if (alg === 'PS256') return sign('sha256', Buffer.from(text), { key: rsa.privateKey, padding: 6 });
  return sign('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
}

function register(text: string, identifier: string | undefined = ADA, now = NOW): string {
  const verdict = decideRegistration({
    identifier,
    proof: parseProof(text),
    readChallenge: (challenge, of) => values.readChallenge(challenge, 'register', of, now),
  });
  return 'reason' in verdict ? verdict.reason : verdict.do;
}

function refresh(text: string | undefined, facts: Partial<RefreshFacts> = {}, now = NOW): string {
  const verdict = decideRefresh({
    identifier: ADA,
    ofSession: ADA,
    registered: registered(ec),
    proof: text === undefined ? undefined : parseProof(text),
    readChallenge: (challenge, of) => values.readChallenge(challenge, 'refresh', of, now),
    ...facts,
  });
  return 'reason' in verdict ? verdict.reason : verdict.do;
}

function registered({ alg, jwk }: DeviceKey): RefreshFacts['registered'] {
  const key = importKey(jwk, alg);
  return key && { algorithm: alg, jwk: key.jwk };
}

const withKey = (key: DeviceKey, changes: ProofChanges = {}): string =>
  makeProof(key, challengeOf('register'), { ...changes, header: { jwk: key.jwk, ...changes.header } });

describe('a registration', () => {
  it.each([
    ['by ES256', withKey(ec), 'register'],
    ['by RS256', withKey(rsa), 'register'],
    ['with claims that later drafts add', withKey(ec, { payload: { aud: 'https://x', iat: 1 } }), 'register'],
    ['with the key id beside the key', withKey(ec, { header: { kid: 'x' } }), 'register'],
    ['without a key', makeProof(ec, challengeOf('register')), 'no-key'],
    ['with another key than signed it', withKey(ec, { header: { jwk: eve.jwk } }), 'wrong-key'],
    ['with a key of the other algorithm', withKey(ec, { header: { jwk: rsa.jwk } }), 'no-key'],
    ['with a key of 1024 bits', withKey(smallRsa), 'no-key'],
    ['with a key on another curve', withKey(ec, { header: { jwk: { ...p384Jwk } } }), 'no-key'],
    ['with a private key', withKey(ec, { header: { jwk: { ...privateJwk } } }), 'no-key'],
    ['with a symmetric key', withKey(ec, { header: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } }), 'no-key'],
    ['with a point off the curve', withKey(ec, { header: { jwk: { ...ec.jwk, x: eve.jwk['x'] } } }), 'no-key'],
    ['with a key as text', withKey(ec, { header: { jwk: JSON.stringify(ec.jwk) } }), 'no-key'],
    ['with null for a key', withKey(ec, { header: { jwk: null } }), 'no-key'],
    [
      'by none',
      `${encode({ alg: 'none', typ: 'dbsc+jwt', jwk: ec.jwk })}.${encode({ jti: challengeOf('register') })}.`,
      'malformed',
    ],
    ['by none, with a signature', signedWith('none', challengeOf('register'), { jwk: ec.jwk }), 'algorithm'],
    ['by an HMAC of the public key', signedWith('HS256', challengeOf('register'), { jwk: ec.jwk }), 'algorithm'],
    ['by PS256', signedWith('PS256', challengeOf('register'), { jwk: rsa.jwk }), 'algorithm'],
    ['by es256', signedWith('es256', challengeOf('register'), { jwk: ec.jwk }), 'algorithm'],
    ['by a list of algorithms', withKey(ec, { header: { alg: ['ES256'] } }), 'algorithm'],
    ['by RS256 with the key of ES256', withKey(ec, { header: { alg: 'RS256' } }), 'no-key'],
    ['of another type', withKey(ec, { header: { typ: 'JWT' } }), 'not-a-proof'],
    ['without a type', withKey(ec, { header: { typ: undefined } }), 'not-a-proof'],
    ['with critical extensions', withKey(ec, { header: { crit: ['b64'], b64: false } }), 'not-a-proof'],
    ['without a challenge', withKey(ec, { payload: { jti: undefined } }), 'no-challenge'],
    ['with a number for a challenge', withKey(ec, { payload: { jti: 1 } }), 'no-challenge'],
    ['with a made-up challenge', withKey(ec, { payload: { jti: 'x.y.z' } }), 'foreign-challenge'],
    ['with the challenge of a refresh', withKey(ec, { payload: { jti: challengeOf('refresh') } }), 'foreign-challenge'],
    [
      'with the challenge of another session',
      withKey(ec, { payload: { jti: challengeOf('register', EVE) } }),
      'foreign-challenge',
    ],
    [
      'with the challenge of another site',
      withKey(ec, { payload: { jti: others.createChallenge('register', ADA, NOW) } }),
      'foreign-challenge',
    ],
  ])('%s', (_, text, says) => {
    expect(register(text)).toBe(says);
  });

  it('is late after a minute', () => {
    expect(register(withKey(ec), ADA, NOW + 59_999)).toBe('register');
    expect(register(withKey(ec), ADA, NOW + 60_000)).toBe('expired-challenge');
  });

  it('stops where there is no session to bind', () => {
    const verdict = decideRegistration({
      identifier: undefined,
      proof: parseProof(withKey(ec)),
      readChallenge: () => ({ is: 'foreign' }),
    });
    expect(verdict).toEqual({ do: 'stop' });
  });

  it('keeps nothing of a key but its public part', () => {
    expect(importKey({ ...ec.jwk, kid: 'x', use: 'sig' }, 'ES256')?.jwk).toEqual(ec.jwk);
    expect(importKey({ ...rsa.jwk, x5c: ['x'] }, 'RS256')?.jwk).toEqual(rsa.jwk);
  });
});

describe('a refresh', () => {
  const right = makeProof(ec, challengeOf('refresh'));
  const challenge = challengeOf('refresh');
  const [head, payload, signature] = right.split('.');

  it.each<[string, string | undefined, string, Partial<RefreshFacts>?]>([
    ['with a proof', right, 'renew'],
    ['with a proof by RSA', makeProof(rsa, challenge), 'renew', { registered: registered(rsa) }],
    ['with a proof and no cookie, as from a link of another site', right, 'renew', { ofSession: null }],
    ['without a proof', undefined, 'challenge'],
    ['without a proof and a cookie', undefined, 'challenge', { ofSession: null }],
    ['without an identifier', right, 'no-identifier', { identifier: undefined }],
    ['of a session that has ended', right, 'stop', { ofSession: undefined }],
    ['of another session than the cookie has', right, 'stop', { ofSession: EVE }],
    ['of a session without a key', right, 'stop', { registered: undefined }],
    ['by another key', makeProof(eve, challenge), 'wrong-key'],
    [
      'that brings the key it was registered with',
      makeProof(ec, challenge, { header: { jwk: ec.jwk } }),
      'key-at-refresh',
    ],
    ['that brings its own key', makeProof(eve, challenge, { header: { jwk: eve.jwk } }), 'key-at-refresh'],
    ['that brings null for a key', makeProof(ec, challenge, { header: { jwk: null } }), 'key-at-refresh'],
    ['by the other algorithm', makeProof(rsa, challenge), 'algorithm'],
    ['by none', signedWith('none', challenge), 'algorithm'],
    [
      'by none, without a signature',
      `${encode({ alg: 'none', typ: 'dbsc+jwt' })}.${encode({ jti: challenge })}.`,
      'malformed',
    ],
    ['by an HMAC of the public key', signedWith('HS256', challenge), 'algorithm'],
    [
      'with the signature of another proof',
      `${makeProof(ec, challenge).split('.').slice(0, 2).join('.')}.${signature}`,
      'wrong-key',
    ],
    ['with another payload', `${head}.${encode({ jti: challenge })}.${signature}`, 'wrong-key'],
    [
      'with a signature in another form',
      `${head}.${payload}.${sign('sha256', Buffer.from(`${head}.${payload}`), ec.privateKey).toString('base64url')}`,
      'wrong-key',
    ],
    ['with a signature of zeros', `${head}.${payload}.${Buffer.alloc(64).toString('base64url')}`, 'wrong-key'],
    ['with the challenge of a registration', makeProof(ec, challengeOf('register')), 'foreign-challenge'],
    ['with the challenge of another session', makeProof(ec, challengeOf('refresh', EVE)), 'foreign-challenge'],
    ['with a made-up challenge', makeProof(ec, `${NOW + 1000}.nonce.tag`), 'foreign-challenge'],
    [
      'with a challenge that was made to last',
      makeProof(ec, challenge.replace(/^\d+/, String(NOW + 999_999))),
      'foreign-challenge',
    ],
    ['in four parts', `${right}.x`, 'malformed'],
    ['in two parts', `${head}.${payload}`, 'malformed'],
    ['with padding', `${head}=.${payload}.${signature}`, 'malformed'],
    [
      'in plain base64',
      `${head}.${payload}.${Buffer.from(signature ?? '', 'base64url').toString('base64')}`,
      'malformed',
    ],
    ['with a list for a header', `${encode([])}.${payload}.${signature}`, 'malformed'],
    ['of 9 KB', `${right}${'A'.repeat(9000)}`, 'malformed'],
  ])('%s', (...[, text, says, facts]) => {
    expect(refresh(text, facts)).toBe(says);
  });

  it('is asked for another challenge after a minute', () => {
    const proof = makeProof(ec, challengeOf('refresh'));
    expect(refresh(proof, {}, NOW + 59_999)).toBe('renew');
    expect(refresh(proof, {}, NOW + 60_000)).toBe('challenge');
  });
});

it.each([
  [{ proven: true, registeredAt: NOW - 1e9 }, true],
  [{ proven: false, registeredAt: undefined }, true],
  [{ proven: false, registeredAt: NOW - 29_999 }, true],
  [{ proven: false, registeredAt: NOW - 30_000 }, false],
  [{ proven: false, registeredAt: NOW - 30_000, lifetime: 600_000 }, false],
  [{ proven: false, registeredAt: NOW - 1999, lifetime: 2000 }, true],
  [{ proven: false, registeredAt: NOW - 2000, lifetime: 2000 }, false],
])('%j is admitted: %s', (facts, admitted) => {
  expect(isAdmitted({ now: NOW, lifetime: 60_000, ...facts })).toBe(admitted);
});

describe('the bound cookie', () => {
  const cookie = values.createCookie(ADA, NOW + 1000);

  it('is one of its session until its time, under each secret', () => {
    expect(values.isCookie(cookie, ADA, NOW + 999)).toBe(true);
    expect(rotated.isCookie(cookie, ADA, NOW + 999)).toBe(true);
    expect(values.isCookie(cookie, ADA, NOW + 1000)).toBe(false);
    expect(values.isCookie(cookie, EVE, NOW)).toBe(false);
    expect(others.isCookie(cookie, ADA, NOW)).toBe(false);
  });

  it.each([
    cookie.replace(/^\d+/, String(NOW + 9999)),
    cookie.slice(0, -1),
    `${cookie}=`,
    `${cookie}.`,
    ` ${cookie}`,
    `0${cookie}`,
    `${NOW + 1000}.`,
    `${NOW + 1000}`,
    '',
    `1e99.${cookie.split('.')[1]}`,
    values.createChallenge('refresh', ADA, NOW),
  ])('is not %j', (value) => {
    expect(values.isCookie(value, ADA, NOW)).toBe(false);
  });
});

it.each([
  ['abc.def', 'abc.def'],
  ['"abc.def"', 'abc.def'],
  ['"abc";a=1', 'abc'],
  ['"a\\"b"', undefined],
  ['"abc', undefined],
  ['abc, def', undefined],
  ['', undefined],
  ['a b', undefined],
  [undefined, undefined],
  [['a', 'b'], undefined],
])('the header %j says %j', (header, says) => {
  expect(parseString(header)).toBe(says);
});

it.each([
  ['quota_exceeded;session_identifier="a"', ['quota_exceeded']],
  [
    'unreachable;session_identifier="1", server_error;session_identifier="2", unreachable',
    ['unreachable', 'server_error'],
  ],
  ['"unreachable"', []],
  [undefined, []],
])('%j says that %j was skipped', (header, reasons) => {
  expect(parseSkipped(header)).toEqual(reasons);
});

describe('whatever a client sends', () => {
  const part = fc.oneof(
    fc.base64String(),
    fc.string({ unit: 'binary' }),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
    fc
      .record(
        {
          alg: fc.constantFrom<unknown>('ES256', 'RS256', 'none', null, 1),
          typ: fc.constantFrom<unknown>('dbsc+jwt', 'JWT', {}),
          jwk: fc.oneof(fc.constantFrom<unknown>(ec.jwk, rsa.jwk, null), fc.jsonValue()),
          jti: fc.oneof(fc.constant(challengeOf('register')), fc.jsonValue()),
        },
        { requiredKeys: [] },
      )
      .map(encode),
    fc.constant(makeProof(ec, challengeOf('register')).split('.')[2] ?? ''),
  );
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
    fc
      .tuple(fc.constantFrom(withKey(ec), withKey(rsa)), fc.nat(), fc.string({ maxLength: 2 }))
      .map(([proof, at, put]) => proof.slice(0, at % proof.length) + put + proof.slice((at % proof.length) + 1)),
  );

  it('no proof throws, and none is accepted that its key has not signed', () => {
    fc.assert(
      fc.property(text, (given) => {
        const proof = parseProof(parseString(given) ?? given);
        const says = register(given);
        expect(says === 'register' && typeof proof !== 'string' && !isSignedBy(proof, keyIn(proof))).toBe(false);
        expect(['renew', 'register']).not.toContain(refresh(given));
      }),
      PROPERTY_RUNS,
    );
  });

  it('no key throws', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.record({
            kty: fc.constantFrom('EC', 'RSA'),
            crv: fc.constant('P-256'),
            x: fc.string(),
            y: fc.base64String(),
            n: fc.base64String(),
            e: fc.string(),
          }),
        ),
        fc.constantFrom('ES256' as const, 'RS256' as const),
        (jwk, alg) => {
          const key = importKey(jwk, alg);
          expect(key === undefined || key.key.type === 'public').toBe(true);
        },
      ),
      PROPERTY_RUNS,
    );
  });

  it('no challenge and no cookie throws, and none is right', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(fc.base64String(), { maxLength: 4 }).map((parts) => `${NOW + 5}.${parts.join('.')}`),
        ),
        (given) => {
          expect(values.readChallenge(given, 'refresh', ADA, NOW).is).toBe('foreign');
          expect(values.isCookie(given, ADA, NOW)).toBe(false);
        },
      ),
      PROPERTY_RUNS,
    );
  });
});

function keyIn({ jwk, algorithm }: Exclude<ReturnType<typeof parseProof>, string>) {
  const key = importKey(jwk, algorithm)?.key;
  if (key === undefined) throw new Error('It was accepted without a key.');
  return key;
}
