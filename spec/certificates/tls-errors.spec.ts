import { Module, type INestApplication, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { TlsOptions } from 'node:tls';
import { checkTls, type CertificateChain } from '../../lib/certificates/check-tls.js';
import { listenSecurely } from '../../lib/server/listen-securely.js';
import { SecureListenError } from '../../lib/certificates/secure-listen.error.js';
import { SecureListeners } from '../../lib/server/secure-listeners.js';
import { daysFromNow, makeCertificate, PFX, type Certificate } from '../support/certificates.js';

let good: Certificate;
let other: Certificate;
let rsa: Certificate;
let encrypted: Certificate;

beforeAll(async () => {
  [good, other, rsa, encrypted] = await Promise.all([
    makeCertificate(),
    makeCertificate(),
    makeCertificate({ keyType: 'rsa' }),
    makeCertificate({ passphrase: 'correct' }),
  ]);
});

function check(tls: unknown): readonly CertificateChain[] {
  return Reflect.apply(checkTls, undefined, [tls, new Date()]);
}

function errorOf(tls: unknown): SecureListenError {
  try {
    check(tls);
  } catch (error) {
    if (error instanceof SecureListenError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('key and certificate that can serve', () => {
  it.each<[string, () => TlsOptions]>([
    ['as text', () => good],
    ['as buffers', () => ({ key: Buffer.from(good.key), cert: Buffer.from(good.cert) })],
    ['with an encrypted key and its passphrase', () => ({ ...encrypted, passphrase: 'correct' })],
    [
      'with an encrypted key that brings its passphrase',
      () => ({ key: [{ pem: encrypted.key, passphrase: 'correct' }], cert: encrypted.cert }),
    ],
    ['of two kinds, in any order', () => ({ key: [rsa.key, good.key], cert: [good.cert, rsa.cert] })],
    ['with a chain behind the certificate', () => ({ key: good.key, cert: good.cert + other.cert })],
    ['in one file that holds both', () => ({ key: good.cert + good.key, cert: good.key + good.cert })],
    ['as a PKCS#12 file', () => ({ pfx: PFX, passphrase: 'secret' })],
    ['chosen for each name by a callback', () => ({ SNICallback: () => undefined })],
  ])('are taken %s', (_, tls) => {
    expect(() => check(tls())).not.toThrow();
  });
});

describe('key and certificate that cannot serve', () => {
  it.each<[string, () => object | undefined, string, string]>([
    ['no tls at all', () => undefined, 'TLS_INVALID', 'tls is missing. Pass { keyFile, certFile }'],
    ['no key', () => ({ cert: good.cert }), 'TLS_KEY_MISSING', 'tls.key is missing. Pass the private key'],
    ['an empty key', () => ({ key: '', cert: good.cert }), 'TLS_KEY_MISSING', 'readFileSync("key.pem")'],
    ['no certificate', () => ({ key: good.key }), 'TLS_CERT_MISSING', 'tls.cert is missing. Pass the certificate'],
    ['an empty list', () => ({ key: good.key, cert: [] }), 'TLS_CERT_MISSING', 'readFileSync("cert.pem")'],
    [
      'the path of a key',
      () => ({ ...good, key: './tls/key.pem' }),
      'TLS_KEY_NOT_PEM',
      'tls.key is "./tls/key.pem", the path of a file: pass it as tls.keyFile, or its contents: readFileSync("./tls/key.pem").',
    ],
    [
      'the path of a certificate',
      () => ({ ...good, cert: 'C:\\tls\\site.crt' }),
      'TLS_CERT_NOT_PEM',
      'pass it as tls.certFile, or its contents: readFileSync("C:\\\\tls\\\\site.crt").',
    ],
    [
      'line breaks written out',
      () => ({ ...good, key: good.key.replaceAll('\n', '\\n') }),
      'TLS_KEY_NOT_PEM',
      `pass key.replaceAll('\\\\n', '\\n').`,
    ],
    [
      'the two swapped',
      () => ({ key: good.cert, cert: good.key }),
      'TLS_CERT_NOT_PEM',
      'are tls.key and tls.cert swapped?',
    ],
    [
      'a certificate for a key',
      () => ({ key: good.cert, cert: good.cert }),
      'TLS_KEY_NOT_PEM',
      'are tls.key and tls.cert swapped?',
    ],
    [
      'a DER key',
      () => ({ ...good, key: Buffer.from([0x30, 0x82, 1, 2]) }),
      'TLS_KEY_NOT_PEM',
      'openssl pkey -inform der',
    ],
    [
      'a DER certificate',
      () => ({ ...good, cert: Buffer.from([0x30, 0x82, 1, 2]) }),
      'TLS_CERT_NOT_PEM',
      'openssl x509 -inform der',
    ],
    ['a key that is a number', () => ({ ...good, key: 5 }), 'TLS_KEY_NOT_PEM', 'tls.key is not PEM text'],
    [
      'a key that is cut off',
      () => ({ ...good, key: good.key.slice(0, 80) }),
      'TLS_KEY_NOT_PEM',
      'tls.key looks like PEM, but cannot be read: it is cut off or damaged.',
    ],
    [
      'a certificate that is cut off',
      () => ({ ...good, cert: good.cert.slice(0, 200) }),
      'TLS_CERT_NOT_PEM',
      'tls.cert looks like PEM, but cannot be read: it is cut off or damaged.',
    ],
    [
      'the certificate of another key',
      () => ({ key: good.key, cert: other.cert }),
      'TLS_KEY_MISMATCH',
      'tls.key and tls.cert do not belong together: the certificate of DNS:localhost',
    ],
    [
      'a chain that begins with the wrong certificate',
      () => ({ key: good.key, cert: other.cert + good.cert }),
      'TLS_KEY_MISMATCH',
      'If tls.cert is a chain, the certificate of the server comes first.',
    ],
    [
      'a second key without a certificate',
      () => ({ key: [good.key, rsa.key], cert: good.cert }),
      'TLS_KEY_MISMATCH',
      'do not belong together',
    ],
    ['no passphrase', () => encrypted, 'TLS_PASSPHRASE', 'tls.key is encrypted and tls.passphrase is missing'],
    [
      'a wrong passphrase',
      () => ({ ...encrypted, passphrase: 'wrong' }),
      'TLS_PASSPHRASE',
      'tls.passphrase does not open tls.key',
    ],
    [
      'a wrong passphrase of a PKCS#12 file',
      () => ({ pfx: PFX, passphrase: 'wrong' }),
      'TLS_PASSPHRASE',
      'tls.passphrase does not open tls.pfx',
    ],
    ['the path of a PKCS#12 file', () => ({ pfx: 'site.p12' }), 'TLS_INVALID', 'tls.pfx is not a PKCS#12 file'],
    [
      'h2 in a list',
      () => ({ ...good, ALPNProtocols: ['h2', 'http/1.1'] }),
      'TLS_ALPN',
      "tls.ALPNProtocols offers 'h2'",
    ],
    [
      'h2 in the form that TLS sends',
      () => ({ ...good, ALPNProtocols: Buffer.from('\u0008http/1.1\u0002h2') }),
      'TLS_ALPN',
      "Take 'h2' out",
    ],
    [
      'a TLS version there is not',
      () => ({ ...good, minVersion: 'TLSv1.9' }),
      'TLS_INVALID',
      '"TLSv1.9" is not a valid minimum TLS protocol version',
    ],
  ])('are refused: %s', (_, tls, code, message) => {
    const error = errorOf(tls());

    expect(error).toMatchObject({ name: 'SecureListenError', code });
    expect(error.message).toContain(message);
  });

  it('are refused when expired', async () => {
    const to = daysFromNow(-1);
    to.setMilliseconds(0);
    const error = errorOf(await makeCertificate({ from: daysFromNow(-30), to }));

    expect(error.code).toBe('TLS_CERT_EXPIRED');
    expect(error.message).toContain(`the certificate of DNS:localhost`);
    expect(error.message).toContain(`expired on ${to.toISOString()}`);
  });

  it('are refused before their time', async () => {
    const from = daysFromNow(1);
    from.setMilliseconds(0);
    const error = errorOf(await makeCertificate({ from }));

    expect(error.code).toBe('TLS_CERT_NOT_YET_VALID');
    expect(error.message).toContain(`is valid from ${from.toISOString()} on`);
  });

  it('never show the key, whatever form it has', () => {
    const secret = good.key.split('\n').slice(1, -2).join('');
    const forms = [secret, `${secret}\n`, `-----BEGIN PRIVATE KEY-----${secret}`, good.key.replaceAll('\n', '\\n')];

    for (const key of forms) {
      for (const error of [errorOf({ key, cert: good.cert }), errorOf({ key: good.key, cert: key })]) {
        expect(error.message).not.toContain(secret.slice(0, 20));
        expect(String(error.cause)).not.toContain(secret.slice(0, 20));
      }
    }
  });
});

describe('listenSecurely', () => {
  @Module({ providers: [SecureListeners] })
  class SiteModule {}

  let app: INestApplication;
  let warnings: unknown[];

  beforeEach(async () => {
    warnings = [];
    const silent = (): void => undefined;
    const logger: LoggerService = { log: silent, error: silent, warn: (message) => warnings.push(message) };
    app = await NestFactory.create(SiteModule, new ExpressAdapter(), { logger });
  });

  afterEach(() => app.close());

  it('opens nothing with a certificate that cannot serve, and the application can be closed', async () => {
    const tls = { key: good.key, cert: other.cert };

    await expect(listenSecurely(app, { http: 0, https: 0, tls })).rejects.toMatchObject({ code: 'TLS_KEY_MISMATCH' });
    expect(app.getHttpServer().listening).toBe(false);
    expect(app.get(SecureListeners).serving).toBe(false);
    await app.close();
  });
});
