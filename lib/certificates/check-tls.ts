import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext, type TlsOptions } from 'node:tls';
import { errorMessage, SecureListenError, type SecureListenErrorCode } from './secure-listen.error.js';

const PATH = /^[^\n]{1,250}\.(?:pem|key|crt|cer|cert|der|p12|pfx)$/i;
const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;
const BLOCK = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;
const ENCRYPTED = /BEGIN ENCRYPTED PRIVATE KEY|Proc-Type: 4,ENCRYPTED/;

/** How messages call key and certificate: by the options, or by the files they were read from. */
export interface TlsNames {
  readonly key: string;
  readonly cert: string;
}

const OPTIONS: TlsNames = { key: 'tls.key', cert: 'tls.cert' };

/**
 * Checks that key and certificate can be read, belong together and are valid at `now`.
 * The certificate inside a `pfx` cannot be read; of it only the passphrase is checked.
 *
 * @returns the certificates, the server's own one first in each chain
 * @throws SecureListenError for everything with which no client could be served. Nothing of a key appears in it
 */
export function checkTls(tls: TlsOptions, now: Date, names: TlsNames = OPTIONS): readonly CertificateChain[] {
  if (typeof tls !== 'object' || tls === null) {
    throw new SecureListenError(
      'TLS_INVALID',
      'tls is missing. Pass { keyFile, certFile }, the paths of the private key and of the certificate.',
    );
  }
  const chains = toList(tls.cert).map((cert) => readChain(cert, names));
  const keys = toList(tls.key).map((key) => readKey(key, tls.passphrase, names));

  if (tls.pfx === undefined && tls.SNICallback === undefined) {
    if (keys.length === 0) throw missing('key');
    if (chains.length === 0) throw missing('cert');
  }
  checkPairs(
    keys,
    chains.map(([own]) => own),
    names,
  );
  for (const [own] of chains) checkValidity(own, now, names);
  checkAlpn(tls);
  checkContext(tls);
  return chains;
}

/** The certificate of the server, and the certificates that vouch for it. */
export type CertificateChain = readonly [X509Certificate, ...X509Certificate[]];

function toList<T>(value: T | readonly T[] | null | undefined): readonly T[] {
  if (isList(value)) return value;
  return value === undefined || value === null || value === '' ? [] : [value];
}

function isList<T>(value: T | readonly T[] | null | undefined): value is readonly T[] {
  return Array.isArray(value);
}

function readChain(given: string | Buffer, names: TlsNames): CertificateChain {
  const text = toText(given);
  if (!CERTIFICATE.test(text) || text.includes('\\n')) throw notPem('cert', text, names);
  try {
    const [own, ...others] = text.match(BLOCK) ?? [];
    return [new X509Certificate(own ?? text), ...others.map((block) => new X509Certificate(block))];
  } catch (cause) {
    throw unreadable('cert', names, cause);
  }
}

function readKey(
  given: string | Buffer | { pem: string | Buffer; passphrase?: string },
  shared: string | undefined,
  names: TlsNames,
): KeyObject {
  const { pem, passphrase = shared } = isPemKey(given) ? given : { pem: given };
  const text = toText(pem);
  if (!PRIVATE_KEY.test(text) || text.includes('\\n')) throw notPem('key', text, names);
  const encrypted = ENCRYPTED.test(text);
  if (encrypted && passphrase === undefined) {
    throw new SecureListenError(
      'TLS_PASSPHRASE',
      `${names.key} is encrypted and tls.passphrase is missing: set tls.passphrase.`,
    );
  }
  try {
    return createPrivateKey({ key: text, passphrase });
  } catch (cause) {
    if (!encrypted) throw unreadable('key', names, cause);
    throw new SecureListenError(
      'TLS_PASSPHRASE',
      `tls.passphrase does not open ${names.key}: it is the passphrase of another key, or the key is damaged.`,
      { cause },
    );
  }
}

function isPemKey(given: unknown): given is { pem: string | Buffer; passphrase?: string } {
  return typeof given === 'object' && given !== null && 'pem' in given;
}

function toText(given: unknown): string {
  if (typeof given === 'string') return given;
  if (!ArrayBuffer.isView(given)) return '';
  return Buffer.from(given.buffer, given.byteOffset, given.byteLength).toString('latin1');
}

function checkPairs(keys: readonly KeyObject[], certificates: readonly X509Certificate[], names: TlsNames): void {
  if (keys.length === 0 || certificates.length === 0) return;
  const lonely = certificates.find((certificate) => !keys.some((key) => certificate.checkPrivateKey(key)));
  const keyless = keys.some((key) => !certificates.some((certificate) => certificate.checkPrivateKey(key)));
  if (lonely === undefined && !keyless) return;
  throw new SecureListenError(
    'TLS_KEY_MISMATCH',
    `${names.key} and ${names.cert} do not belong together: the certificate${lonely ? ` of ${namesIn(lonely)}` : ''} was made for another key. ` +
      `Pass the two that were issued together. If ${names.cert} is a chain, the certificate of the server comes first.`,
  );
}

function checkValidity(certificate: X509Certificate, now: Date, names: TlsNames): void {
  const from = new Date(certificate.validFrom);
  if (from > now) {
    throw new SecureListenError(
      'TLS_CERT_NOT_YET_VALID',
      `${names.cert}: the certificate of ${namesIn(certificate)} is valid from ${from.toISOString()} on, and it is ${now.toISOString()} here. ` +
        'Use one that is valid now, or set the clock of this machine.',
    );
  }
  const to = new Date(certificate.validTo);
  if (to < now) {
    throw new SecureListenError(
      'TLS_CERT_EXPIRED',
      `${names.cert}: the certificate of ${namesIn(certificate)} expired on ${to.toISOString()}, and it is ${now.toISOString()} here. ` +
        'No browser would accept it: renew it.',
    );
  }
}

function checkContext(tls: TlsOptions): void {
  try {
    createSecureContext(tls);
  } catch (cause) {
    const said = errorMessage(cause);
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

/** The listener hands its connections to an HTTP/1.1 server. */
function checkAlpn({ ALPNProtocols }: TlsOptions): void {
  if (!offersH2(ALPNProtocols)) return;
  throw new SecureListenError(
    'TLS_ALPN',
    "tls.ALPNProtocols offers 'h2', and the server of the application speaks HTTP/1.1 only: every client that chooses h2 would fail. " +
      "Take 'h2' out, or leave tls.ALPNProtocols out.",
  );
}

/** In a list of names, or in the form that TLS sends: each name after its length (RFC 7301 3.1). */
function offersH2(protocols: TlsOptions['ALPNProtocols']): boolean {
  if (protocols === undefined) return false;
  if (ArrayBuffer.isView(protocols)) return toText(protocols).includes('\u0002h2');
  return Array.isArray(protocols) && protocols.some((protocol) => toText(protocol) === 'h2');
}

/** The names a certificate is for, in words. */
export function namesIn(certificate: X509Certificate): string {
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

function notPem(option: 'key' | 'cert', text: string, names: TlsNames): SecureListenError {
  return new SecureListenError(
    option === 'key' ? 'TLS_KEY_NOT_PEM' : 'TLS_CERT_NOT_PEM',
    reasonNotPem(option, text, names),
  );
}

/** **Security:** quotes what was given only where it is plainly a path: anything else may be the key itself. */
function reasonNotPem(option: 'key' | 'cert', text: string, names: TlsNames): string {
  if (PATH.test(text)) {
    const path = JSON.stringify(text);
    return `tls.${option} is ${path}, the path of a file: pass it as tls.${option}File, or its contents: readFileSync(${path}).`;
  }
  if (text.includes('-----BEGIN') && text.includes('\\n')) {
    return `tls.${option} has its line breaks written as "\\n", as environment variables often do: pass ${option}.replaceAll('\\\\n', '\\n').`;
  }
  if (option === 'key' && CERTIFICATE.test(text)) {
    return `${names.key} holds a certificate and no private key: are ${names.key} and ${names.cert} swapped?`;
  }
  if (option === 'cert' && PRIVATE_KEY.test(text)) {
    return `${names.cert} holds a private key and no certificate: are ${names.key} and ${names.cert} swapped?`;
  }
  const [label, convert] = option === 'key' ? ['PRIVATE KEY', 'openssl pkey'] : ['CERTIFICATE', 'openssl x509'];
  return `${names[option]} is not PEM text: there is no "-----BEGIN ${label}-----" in it. A DER file becomes PEM with ${convert} -inform der.`;
}

function unreadable(option: 'key' | 'cert', names: TlsNames, cause: unknown): SecureListenError {
  return new SecureListenError(
    option === 'key' ? 'TLS_KEY_NOT_PEM' : 'TLS_CERT_NOT_PEM',
    `${names[option]} looks like PEM, but cannot be read: it is cut off or damaged. Pass the whole file.`,
    { cause },
  );
}
