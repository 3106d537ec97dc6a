import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** A key as a browser has one in its device. */
export interface DeviceKey {
  readonly alg: 'ES256' | 'RS256';
  readonly privateKey: KeyObject;
  /** The public part, as it is registered. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

/** Makes a key. */
export function makeKey(alg: DeviceKey['alg'] = 'ES256', bits = 2048): DeviceKey {
  const { privateKey, publicKey } =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: bits });
  return { alg, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }) } };
}

/** What a proof says beside what it should. Undefined takes a member away. */
export interface ProofChanges {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** A proof as Chromium makes it, with changes. */
export function makeProof(key: DeviceKey, challenge: string, { header, payload }: ProofChanges = {}): string {
  const head = encode({ alg: key.alg, typ: 'dbsc+jwt', ...header });
  const signed = `${head}.${encode({ jti: challenge, ...payload })}`;
  const signature = sign('sha256', Buffer.from(signed), {
    key: key.privateKey,
    ...(key.alg === 'ES256' ? { dsaEncoding: 'ieee-p1363' as const } : {}),
  });
  return `${signed}.${signature.toString('base64url')}`;
}

/** Part of a proof. */
export function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
