import { isIP } from 'node:net';
import type * as Selfsigned from 'selfsigned';
import { SecureListenError } from './secure-listen.error.js';

/** A private key and its certificate, as PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

/**
 * Makes a certificate that signs itself, good for a year, for names and addresses.
 *
 * @throws SecureListenError when the package `selfsigned` is not installed: `caller` says who needs it.
 */
export async function makeCertificate(names: readonly string[], caller: string): Promise<KeyAndCertificate> {
  const { generate } = await importSelfsigned(caller);
  const made = await generate([{ name: 'commonName', value: names[0] ?? 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })),
      },
    ],
  });
  return { key: made.private, cert: made.cert };
}

async function importSelfsigned(caller: string): Promise<typeof Selfsigned> {
  try {
    return await import('selfsigned');
  } catch (cause) {
    throw new SecureListenError(
      'DEVELOPMENT_CERTIFICATE',
      `${caller} makes its certificate with the package selfsigned, which cannot be loaded: npm install --save-dev selfsigned`,
      { cause },
    );
  }
}
