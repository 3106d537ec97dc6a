import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { messageOf, SecureListenError, type SecureListenErrorCode } from './secure-listen.error.js';

const DAY = 86_400_000;
const PATH = /^[^\n]{1,250}\.(?:pem|key|crt|cer|cert|der|p12|pfx)$/i;
const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;
const ENCRYPTED = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/;

/**
 * Checks that key and certificate can be read, belong together and are valid at `now`.
 * The certificate inside a `pfx` cannot be looked at; of it only the passphrase is checked.
 *
 * @returns what to warn of: a certificate that expires within 14 days
 * @throws SecureListenError for everything with which no client could be served. Nothing of a key appears in it
 */
export function checkTls(tls: TlsOptions, now: Date): string[] {
  if (typeof tls !== 'object' || tls === null) {
    throw new SecureListenError(
      'TLS_INVALID',
      'tls is missing. Pass { key, cert }: the private key and the certificate of the server as PEM text.',
    );
  }
  const certificates = listOf(tls.cert).map(readCertificate);
  const keys = listOf(tls.key).map((key) => readKey(key, tls.passphrase));

  if (tls.pfx === undefined && tls.SNICallback === undefined) {
    if (keys.length === 0) throw missing('key');
    if (certificates.length === 0) throw missing('cert');
  }
  checkPairs(keys, certificates);
  for (const certificate of certificates) checkValidity(certificate, now);
  checkContext(tls);
  return certificates
    .filter((certificate) => daysLeft(certificate, now) < 14)
    .map((certificate) => expiresSoon(certificate, now));
}

function listOf<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (isList(value)) return value;
  return value === undefined || value === null || value === '' ? [] : [value];
}

function isList<T>(value: T | readonly T[] | null | undefined): value is readonly T[] {
  return Array.isArray(value);
}

/** The first certificate of a PEM chain is the server's own; the others only vouch for it. */
function readCertificate(given: string | Buffer): X509Certificate {
  const text = textOf(given);
  if (!CERTIFICATE.test(text) || text.includes('\\n')) throw notPem('cert', text);
  try {
    return new X509Certificate(text);
  } catch (cause) {
    throw unreadable('cert', cause);
  }
}

function readKey(given: string | Buffer | { pem: string | Buffer; passphrase?: string }, shared?: string): KeyObject {
  const { pem, passphrase = shared } = isPemKey(given) ? given : { pem: given };
  const text = textOf(pem);
  if (!PRIVATE_KEY.test(text) || text.includes('\\n')) throw notPem('key', text);
  const encrypted = ENCRYPTED.test(text);
  if (encrypted && passphrase === undefined) {
    throw new SecureListenError(
      'TLS_PASSPHRASE',
      'tls.key is encrypted and tls.passphrase is missing: set tls.passphrase.',
    );
  }
  try {
    return createPrivateKey({ key: text, passphrase });
  } catch (cause) {
    if (!encrypted) throw unreadable('key', cause);
    throw new SecureListenError(
      'TLS_PASSPHRASE',
      'tls.passphrase does not open tls.key: it is the passphrase of another key, or the key is damaged.',
      { cause },
    );
  }
}

function isPemKey(given: unknown): given is { pem: string | Buffer; passphrase?: string } {
  return typeof given === 'object' && given !== null && 'pem' in given;
}

function textOf(given: unknown): string {
  if (typeof given === 'string') return given;
  if (!ArrayBuffer.isView(given)) return '';
  return Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString('latin1');
}

function checkPairs(keys: readonly KeyObject[], certificates: readonly X509Certificate[]): void {
  if (keys.length === 0 || certificates.length === 0) return;
  const lonely = certificates.find((certificate) => !keys.some((key) => certificate.checkPrivateKey(key)));
  const keyless = keys.some((key) => !certificates.some((certificate) => certificate.checkPrivateKey(key)));
  if (lonely === undefined && !keyless) return;
  throw new SecureListenError(
    'TLS_KEY_MISMATCH',
    `tls.key and tls.cert do not belong together: the certificate${lonely ? ` of ${nameOf(lonely)}` : ''} was made for another key. ` +
      'Pass the two that were issued together. If tls.cert is a chain, the certificate of the server comes first.',
  );
}

function checkValidity(certificate: X509Certificate, now: Date): void {
  const from = new Date(certificate.validFrom);
  if (from > now) {
    throw new SecureListenError(
      'TLS_CERT_NOT_YET_VALID',
      `tls.cert: the certificate of ${nameOf(certificate)} is valid from ${from.toISOString()} on, and it is ${now.toISOString()} here. ` +
        'Use one that is valid now, or set the clock of this machine.',
    );
  }
  const to = new Date(certificate.validTo);
  if (to < now) {
    throw new SecureListenError(
      'TLS_CERT_EXPIRED',
      `tls.cert: the certificate of ${nameOf(certificate)} expired on ${to.toISOString()}, and it is ${now.toISOString()} here. ` +
        'No browser would accept it: renew it.',
    );
  }
}

function checkContext(tls: TlsOptions): void {
  try {
    createSecureContext(tls);
  } catch (cause) {
    const said = messageOf(cause);
    if (said.includes('mac verify failure')) {
      throw new SecureListenError('TLS_PASSPHRASE', 'tls.passphrase does not open tls.pfx, or is missing.', { cause });
    }
    if (tls.pfx !== undefined && said.includes('not enough data')) {
      throw new SecureListenError(
        'TLS_INVALID',
        'tls.pfx is not a PKCS#12 file: pass its contents: readFileSync("site.p12").',
        { cause },
      );
    }
    throw new SecureListenError('TLS_INVALID', `tls is refused by OpenSSL: ${said}`, { cause });
  }
}

function daysLeft(certificate: X509Certificate, now: Date): number {
  return (Date.parse(certificate.validTo) - now.getTime()) / DAY;
}

function expiresSoon(certificate: X509Certificate, now: Date): string {
  const days = Math.floor(daysLeft(certificate, now));
  const time = days === 0 ? 'less than a day' : days === 1 ? '1 day' : `${days} days`;
  const until = new Date(certificate.validTo).toISOString();
  return `tls.cert: the certificate of ${nameOf(certificate)} expires on ${until}, in ${time}. Renew it.`;
}

function nameOf(certificate: X509Certificate): string {
  return certificate.subjectAltName ?? certificate.subject.replaceAll('\n', ', ');
}

function missing(option: 'key' | 'cert'): SecureListenError {
  const [code, what]: [SecureListenErrorCode, string] =
    option === 'key' ? ['TLS_KEY_MISSING', 'private key'] : ['TLS_CERT_MISSING', 'certificate'];
  return new SecureListenError(
    code,
    `tls.${option} is missing. Pass the ${what} of the server as PEM text, such as readFileSync("${option}.pem").`,
  );
}

function notPem(option: 'key' | 'cert', text: string): SecureListenError {
  return new SecureListenError(option === 'key' ? 'TLS_KEY_NOT_PEM' : 'TLS_CERT_NOT_PEM', reasonNotPem(option, text));
}

/** **Security:** quotes what was given only where it is plainly a path: anything else may be the key itself. */
function reasonNotPem(option: 'key' | 'cert', text: string): string {
  if (PATH.test(text)) {
    const path = JSON.stringify(text);
    return `tls.${option} is ${path}, the path of a file: pass its contents: readFileSync(${path}).`;
  }
  if (text.includes('-----BEGIN') && text.includes('\\n')) {
    return `tls.${option} has its line breaks written as "\\n", as environment variables often do: pass ${option}.replaceAll('\\\\n', '\\n').`;
  }
  if (option === 'key' && CERTIFICATE.test(text)) {
    return 'tls.key holds a certificate and no private key: are tls.key and tls.cert swapped?';
  }
  if (option === 'cert' && PRIVATE_KEY.test(text)) {
    return 'tls.cert holds a private key and no certificate: are tls.key and tls.cert swapped?';
  }
  const [label, convert] = option === 'key' ? ['PRIVATE KEY', 'openssl pkey'] : ['CERTIFICATE', 'openssl x509'];
  return `tls.${option} is not PEM text: there is no "-----BEGIN ${label}-----" in it. A DER file becomes PEM with ${convert} -inform der.`;
}

function unreadable(option: 'key' | 'cert', cause: unknown): SecureListenError {
  return new SecureListenError(
    option === 'key' ? 'TLS_KEY_NOT_PEM' : 'TLS_CERT_NOT_PEM',
    `tls.${option} looks like PEM, but cannot be read: it is cut off or damaged. Pass the whole file.`,
    { cause },
  );
}
