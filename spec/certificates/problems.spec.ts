import { findCertificateProblems, type CertificateFacts } from '../../lib/certificates/certificate-problems.js';
import { checkTls } from '../../lib/certificates/check-tls.js';
import { daysFromNow, makeCertificate, type Certificate, type CertificateOptions } from '../support/certificates.js';

let ca: Certificate;

beforeAll(async () => {
  ca = await makeCertificate({ names: ['ca.example'] });
});

/** A certificate of the certificate authority, with its certificate behind it unless `chain` is false. */
async function issued({
  chain = true,
  ...options
}: CertificateOptions & { chain?: boolean } = {}): Promise<Certificate> {
  const { key, cert } = await makeCertificate({ names: ['example.com'], ca, ...options });
  return { key, cert: chain ? cert + ca.cert : cert };
}

interface Given extends Partial<CertificateFacts> {
  readonly certificates: readonly Certificate[];
}

function problems({ certificates, ...facts }: Given): [string, string, string, string][] {
  const chains = certificates.flatMap((certificate) => checkTls(certificate, new Date()));
  const given = { tls: {}, hosts: ['example.com'], facesVisitors: true, now: new Date(), ...facts };
  return findCertificateProblems({ chains, ...given }).map(({ id, subject, cause, fix }) => [id, subject, cause, fix]);
}

const idsOf = (given: Given): string[] => problems(given).map(([id]) => id);

it('a chain for every host, with two thirds of its life left, has no problem', async () => {
  expect(problems({ certificates: [await issued()] })).toEqual([]);
});

describe('hosts that no certificate covers', () => {
  it.each<[string, string[], CertificateFacts['hosts'], string[]]>([
    ['another name', ['other.example'], ['example.com'], ['example.com']],
    ['a name below it', ['example.com'], ['www.example.com'], ['www.example.com']],
    ['a wildcard for a leading dot', ['example.com'], ['.example.com'], ['*.example.com']],
    ['the name itself for a leading dot', ['*.example.com'], ['.example.com'], ['example.com']],
    ['a host with a port', ['other.example'], ['example.com:8443'], ['example.com']],
    ['nothing, for both', ['example.com', '*.example.com'], ['.example.com'], []],
    ['nothing, for any host', ['example.com'], ['*'], []],
    ['nothing, for a function', ['example.com'], [(host) => host === 'other.example'], []],
  ])('%s', async (_, names, hosts, missing) => {
    const found = problems({ certificates: [await issued({ names })], hosts });

    expect(found.map(([id]) => id)).toEqual(missing.length === 0 ? [] : ['SEC501']);
    for (const name of missing) {
      expect(found[0]?.[2]).toContain(`No certificate is for ${name}`);
      expect(found[0]?.[3]).toContain(`-d ${name}`);
    }
  });

  it('are covered by any of several certificates', async () => {
    const certificates = [await issued(), await issued({ names: ['www.example.com'] })];

    expect(idsOf({ certificates, hosts: ['example.com', 'www.example.com'] })).toEqual([]);
  });
});

it('a certificate without its intermediate is named with its issuer', async () => {
  const [found] = problems({ certificates: [await issued({ chain: false })] });

  expect(found?.[0]).toBe('SEC502');
  expect(found?.[2]).toContain('CN=ca.example');
});

it('a certificate that signs itself is a problem of its own', async () => {
  expect(idsOf({ certificates: [await makeCertificate({ names: ['example.com'] })] })).toEqual(['SEC503']);
});

it('names and trust are not looked at where no visitor sees the certificate', async () => {
  const certificates = [await makeCertificate({ names: ['other.example'] })];

  expect(idsOf({ certificates, facesVisitors: false })).toEqual([]);
});

it.each<[string, CertificateFacts['tls'], string | null]>([
  ['TLS 1.0', { minVersion: 'TLSv1' }, "tls.minVersion: 'TLSv1'"],
  ['TLS 1.1', { minVersion: 'TLSv1.1' }, "tls.minVersion: 'TLSv1.1'"],
  ['TLS 1.2', { minVersion: 'TLSv1.2' }, null],
  ['TLS 1.3', { minVersion: 'TLSv1.3' }, null],
  ['a method of TLS 1.0', { secureProtocol: 'TLSv1_method' }, "tls.secureProtocol: 'TLSv1_method'"],
  ['a method of TLS 1.1', { secureProtocol: 'TLSv1_1_server_method' }, "tls.secureProtocol: 'TLSv1_1_server_method'"],
  ['a method of TLS 1.2', { secureProtocol: 'TLSv1_2_method' }, null],
  ['the security level of TLS 1.0', { ciphers: 'DEFAULT@SECLEVEL=0' }, "tls.ciphers: 'DEFAULT@SECLEVEL=0'"],
  ['other ciphers', { ciphers: 'HIGH' }, null],
])('%s as the lowest version of TLS', async (_, tls, subject) => {
  const found = problems({ certificates: [await issued()], tls });

  expect(found.map(([id, about]) => [id, about])).toEqual(subject === null ? [] : [['SEC504', subject]]);
});

describe('the life of a certificate', () => {
  const HOUR = 3_600_000;

  it.each([
    ['90 days, 31 left', 90 * 24, 31 * 24, null],
    ['90 days, 29 left', 90 * 24, 29 * 24, 'expires in 28 days'],
    ['47 days, 15 left', 47 * 24, 15 * 24, 'expires in 14 days'],
    ['160 hours, fresh', 160, 160, null],
    ['160 hours, 54 left', 160, 54, null],
    ['160 hours, 47 left', 160, 47, 'expires in 46 hours'],
    ['160 hours, none left', 160, -1, 'expired on'],
  ])('of %s', async (_, hours, left, said) => {
    const now = new Date('2026-06-01T00:00:00Z');
    const to = new Date(now.getTime() + left * HOUR - 1000);
    const from = new Date(to.getTime() - hours * HOUR);
    const { key, cert } = await issued({ from, to });
    const chains = checkTls({ key, cert }, from);
    const found = findCertificateProblems({ chains, tls: {}, hosts: [], facesVisitors: true, now });

    expect(found.map(({ id }) => id)).toEqual(said === null ? [] : ['SEC505']);
    if (said !== null) expect(found[0]?.cause).toContain(said);
  });

  it('of a fresh certificate of six days is silent', async () => {
    const certificates = [await issued({ from: new Date(), to: daysFromNow(6) })];

    expect(problems({ certificates })).toEqual([]);
  });
});
