import type { TlsOptions } from 'node:tls';
import { FileCertificates, type CertificateFiles } from './certificate-files.js';
import { checkTls, type CertificateChain } from './check-tls.js';
import { developmentCertificate } from './development-certificate.js';

/** Where `listenSecurely` takes certificates from. */
export type CertificateSource =
  | TlsOptions
  | (CertificateFiles & Omit<TlsOptions, 'key' | 'cert' | 'pfx'>)
  | readonly CertificateFiles[]
  | 'development';

/** Certificates that have been read and can serve. */
export interface OpenCertificates {
  /** For `tls.createServer`. */
  readonly options: TlsOptions;
  /** The chains served now; empty where a pfx or an SNICallback hides them. */
  readonly chains: readonly CertificateChain[];
  /** Those that come from files and are renewed with them. */
  readonly files?: FileCertificates;
}

/**
 * Reads and checks certificates.
 *
 * @param hosts names that a development certificate is made for, beside localhost
 * @throws SecureListenError when they cannot serve.
 */
export async function openCertificates(
  source: CertificateSource,
  hosts: readonly string[],
  now: () => Date = () => new Date(),
): Promise<OpenCertificates> {
  const tls = source === 'development' ? await developmentCertificate(hosts) : source;
  if (isFiles(tls)) {
    const { keyFile, certFile, passphrase, ...shared } = tls;
    return fromFiles(new FileCertificates([{ keyFile, certFile, passphrase }], shared, now));
  }
  if (isListOfFiles(tls)) return fromFiles(new FileCertificates(tls, {}, now));
  return { options: tls, chains: checkTls(tls, now()) };
}

function fromFiles(files: FileCertificates): OpenCertificates {
  return { options: files.options, files, chains: files.chains };
}

function isFiles(tls: object | null): tls is CertificateFiles & Omit<TlsOptions, 'key' | 'cert' | 'pfx'> {
  return tls !== null && ('keyFile' in tls || 'certFile' in tls);
}

function isListOfFiles(tls: unknown): tls is readonly CertificateFiles[] {
  return Array.isArray(tls) && tls.length > 0;
}
