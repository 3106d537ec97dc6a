import { X509Certificate } from 'node:crypto';
import { rootCertificates, type TlsOptions } from 'node:tls';
import type { FindingId } from '../findings/catalogue.js';
import type { FindingDetails } from '../findings/findings.js';
import { namesIn, type CertificateChain } from './check-tls.js';

/** What is known of the certificates of a listener, and of the application it serves. */
export interface CertificateFacts {
  readonly chains: readonly CertificateChain[];
  readonly tls: Pick<TlsOptions, 'minVersion' | 'secureProtocol' | 'ciphers' | 'ca'>;
  /** The names that visitors use, as the option `hosts` has them. */
  readonly hosts: readonly (string | ((host: string) => boolean))[];
  /** NODE_ENV is production, and no proxy stands between visitors and this listener. */
  readonly facesVisitors: boolean;
  readonly now: Date;
}

/** A finding about a certificate. */
export interface CertificateProblem extends FindingDetails {
  readonly id: FindingId;
}

/** Everything that is wrong with what a listener presents, where browsers would still connect or could not at all. */
export function findCertificateProblems(facts: CertificateFacts): readonly CertificateProblem[] {
  const { chains, facesVisitors } = facts;
  return [
    ...(facesVisitors ? uncoveredHosts(facts) : []),
    ...(facesVisitors ? chains.flatMap((chain) => brokenTrust(chain)) : []),
    ...loweredFloor(facts.tls),
    ...findAgeing(chains, facts.now),
  ];
}

/** Certificates that have less than a third of their life left: whatever renews them has not done so in time. */
export function findAgeing(chains: readonly CertificateChain[], now: Date): readonly CertificateProblem[] {
  return chains.flatMap(([own]) => {
    const [from, to] = [Date.parse(own.validFrom), Date.parse(own.validTo)];
    const left = to - now.getTime();
    if (left >= (to - from) / 3) return [];
    const state = left <= 0 ? 'expired on' : `expires in ${inWords(left)}, on`;
    return [
      {
        id: 'SEC505',
        subject: namesIn(own),
        cause: `The certificate ${state} ${new Date(to).toISOString()}; less than a third of its life is left.`,
        fix: 'Renew it now, and look why the renewal did not run (certbot renew, or systemctl list-timers). A renewed tls.certFile is served without a restart.',
      } satisfies CertificateProblem,
    ];
  });
}

function uncoveredHosts({ chains, hosts }: CertificateFacts): CertificateProblem[] {
  // What a pfx or an SNICallback of the application presents cannot be read.
  if (chains.length === 0) return [];
  return hosts.flatMap((host) => {
    const names = typeof host === 'string' ? namesToCover(host) : [];
    const missing = names.filter((name) => chains.every(([own]) => own.checkHost(name) === undefined));
    if (missing.length === 0) return [];
    const wanted = missing.map((name) => name.replace(ANY_LABEL, '*'));
    return [
      {
        id: 'SEC501',
        subject: `hosts: '${String(host)}'`,
        cause: `No certificate is for ${wanted.join(' or ')}: there are ${chains.map(([own]) => namesIn(own)).join('; ')}. Browsers refuse to connect.`,
        fix: `Ask for a certificate with ${wanted.map((name) => `-d ${name}`).join(' ')}, add it to tls as { keyFile, certFile }, or take '${String(host)}' out of hosts.`,
      } satisfies CertificateProblem,
    ];
  });
}

/** Stands for any label below a domain; `*` covers exactly one (RFC 9525 6.3). */
const ANY_LABEL = 'any-name';

function namesToCover(host: string): string[] {
  const name = host.replace(/:\d+$/, '');
  if (name === '*') return [];
  if (name.startsWith('.')) return [name.slice(1), `${ANY_LABEL}${name}`];
  return [name];
}

function brokenTrust([own, ...others]: CertificateChain): CertificateProblem[] {
  const subject = namesIn(own);
  // Not checkIssued(): it is false of a key that may not sign certificates, which made this one all the same.
  if (own.verify(own.publicKey)) {
    return [
      {
        id: 'SEC503',
        subject,
        cause: 'The certificate is signed by its own key, so browsers show a warning in place of the site.',
        fix: 'Use a certificate of a certificate authority, such as one that certbot gets from Let’s Encrypt: docs/https-on-one-machine.md.',
      },
    ];
  }
  if (others.some((other) => own.checkIssued(other)) || isIssuedByRoot(own)) return [];
  return [
    {
      id: 'SEC502',
      subject,
      cause: `The certificate of its issuer (${oneLine(own.issuer)}) is not sent with it. Browsers that have met that issuer elsewhere connect; other clients fail.`,
      fix: 'Give certFile the full chain: fullchain.pem of certbot in place of cert.pem, or the certificate followed by its intermediates.',
    },
  ];
}

function isIssuedByRoot(own: X509Certificate): boolean {
  return rootCertificates.some((root) => own.checkIssued(new X509Certificate(root)));
}

function loweredFloor({ minVersion, secureProtocol, ciphers }: CertificateFacts['tls']): CertificateProblem[] {
  const given =
    minVersion === 'TLSv1' || minVersion === 'TLSv1.1'
      ? `minVersion: '${minVersion}'`
      : secureProtocol !== undefined && /^(?:SSLv|TLSv1_(?:1_)?(?:server_|client_)?method$)/.test(secureProtocol)
        ? `secureProtocol: '${secureProtocol}'`
        : ciphers?.includes('@SECLEVEL=0') === true
          ? `ciphers: '${ciphers}'`
          : undefined;
  if (given === undefined) return [];
  return [
    {
      id: 'SEC504',
      subject: `tls.${given}`,
      cause:
        'Versions of TLS before 1.2 are accepted. They are broken and forbidden (RFC 8996), and an attacker on the way can choose them.',
      fix: `Take ${given} out; Node's default is TLS 1.2 and later.`,
    },
  ];
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}

const HOUR = 3_600_000;

function inWords(milliseconds: number): string {
  const hours = Math.floor(milliseconds / HOUR);
  if (hours < 48) return `${hours} hour${hours === 1 ? '' : 's'}`;
  return `${Math.floor(hours / 24)} days`;
}
