import type { Server as TlsServer } from 'node:tls';
import { findAgeing, findCertificateProblems, type CertificateProblem } from '../certificates/certificate-problems.js';
import type { RejectedRenewal } from '../certificates/certificate-files.js';
import type { CertificateSource, OpenCertificates } from '../certificates/open-certificates.js';
import type { ListenedSite } from './secure-listeners.js';

const DAY = 86_400_000;

/** The names in `hosts` that a development certificate can be made for. */
export function plainNames(site: ListenedSite | undefined): readonly string[] {
  return (site?.options.hosts ?? []).flatMap((host) => {
    const name = typeof host === 'string' ? host.replace(/:\d+$/, '') : '';
    return /^[^.*[]/.test(name) ? [name] : [];
  });
}

/** Reports what is wrong with the certificates before the first connection. */
export function reportCertificates(
  { chains, options }: OpenCertificates,
  source: CertificateSource,
  site: ListenedSite | undefined,
): void {
  if (site === undefined || source === 'development') return;
  const { hosts = [], proxies } = site.options;
  const facesVisitors = process.env['NODE_ENV'] === 'production' && proxies === undefined;
  report(findCertificateProblems({ chains, tls: options, hosts, facesVisitors, now: new Date() }), site);
}

/**
 * Serves renewed files, and looks once a day whether a certificate grows old.
 *
 * @returns what ends it
 */
export function keepCertificatesFresh(
  { files, chains }: OpenCertificates,
  server: TlsServer,
  site: ListenedSite | undefined,
  times: { readonly poll?: number; readonly day?: number } = {},
): () => void {
  const reload = (): void => report((files?.reload(server) ?? []).map(renewalProblem), site);
  const lookDaily = (): void => {
    reload();
    report(findAgeing(files?.chains ?? chains, new Date()), site);
  };
  const stopWatching = files?.watch(reload, times.poll);
  const daily = setInterval(lookDaily, times.day ?? DAY).unref();
  return () => {
    stopWatching?.();
    clearInterval(daily);
  };
}

function report(problems: readonly CertificateProblem[], site: ListenedSite | undefined): void {
  for (const { id, ...details } of problems) site?.findings.report(id, details);
}

function renewalProblem({ certFile, reason }: RejectedRenewal): CertificateProblem {
  return {
    id: 'SEC506',
    subject: certFile,
    cause: `The files have changed and cannot be served: ${reason} The certificate before them is still served.`,
    fix: 'Renew again, key and certificate together. The files are read again when they change, and once a day.',
  };
}
