import { X509Certificate, type KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { modernTls, presentCertificate } from './directives.js';
import type { Handshake } from './observations.js';
import { brokenSignature } from './signature.js';
import { originText, type Judged, type Problem } from './problems.js';

/** What is wrong with the certificate and the versions of TLS of the site. */
export function judgeCertificate(judged: Judged): Problem[] {
  const { site, observed, server } = judged;
  const { handshake, oldVersions } = observed;
  const subject = originText(site, 'https');
  const floor: Problem[] =
    oldVersions.length === 0
      ? []
      : [
          {
            id: 'SEC516',
            subject,
            cause: `A handshake with ${oldVersions.join(' and ')} succeeds. Versions of TLS before 1.2 are broken and forbidden (RFC 8996), and an attacker on the way can choose them.`,
            fix: `Accept TLS 1.2 and later: ${modernTls(server)}.`,
          },
        ];
  if ('failure' in handshake) return [unreachable(judged, subject, handshake.failure), ...floor];
  return [...judgeChain(judged, subject, handshake), ...floor];
}

function unreachable({ site, observed, server }: Judged, subject: string, failure: string): Problem {
  const elsewhere = `--connect-to ${site.host}:${site.port}:ADDRESS:PORT`;
  if (failure === 'EAI_AGAIN') {
    return {
      id: 'SEC510',
      subject,
      cause: `The name server of this machine did not answer for ${site.host} (${failure}), so nothing was asked.`,
      fix: `Run the probe where the DNS works, or name the server to connect to: ${elsewhere}.`,
    };
  }
  if (failure === 'ENOTFOUND') {
    return {
      id: 'SEC510',
      subject,
      cause: `The name ${site.host} does not resolve (${failure}), so nothing was asked.`,
      fix: `Give ${site.host} an A or AAAA record in the DNS. Until then, name the server to connect to: ${elsewhere}.`,
    };
  }
  const isOld = observed.oldVersions.length > 0;
  const fix = isOld
    ? `Accept TLS 1.2 and later: ${modernTls(server)}.`
    : /^E(?!PROTO)|^timeout$/.test(failure)
      ? `Serve https on port ${site.port} of ${site.host}, and let the firewall pass it.`
      : `Serve TLS on port ${site.port} with a certificate for ${site.host}: ${presentCertificate(site, server)}.`;
  return { id: 'SEC510', subject, cause: `A TLS connection could not be made: ${failure}.`, fix };
}

function judgeChain({ site, server, now }: Judged, subject: string, { fault, chain }: Handshake): Problem[] {
  const [own, ...others] = chain.map((pem) => new X509Certificate(pem));
  if (own === undefined) return [];
  const present = presentCertificate(site, server);
  const weaknesses = judgeStrength([own, ...others], fault);
  const problem = (id: Problem['id'], cause: string, fix: string): Problem => ({ id, subject, cause, fix });
  return [
    ...judgeLife(own, now).map(([id, cause]) =>
      problem(
        id,
        cause,
        `Renew it (certbot renew) and find out why the renewal did not run; then present the new one: ${present}.`,
      ),
    ),
    ...(covers(own, site.host)
      ? []
      : [
          problem(
            'SEC512',
            `The certificate is for ${own.subjectAltName ?? own.subject}, and not for ${site.host}. Browsers show a warning in place of the site.`,
            `Get one for the name (certbot certonly -d ${site.host}) and present it: ${present}.`,
          ),
        ]),
    ...judgeTrust(own, others, isExplained(fault, weaknesses) ? undefined : fault, now).map(([id, cause]) =>
      id === 'SEC514'
        ? problem(
            id,
            cause,
            `Present the certificate with its intermediates, fullchain.pem in place of cert.pem: ${present}.`,
          )
        : problem(
            id,
            cause,
            `Get one from an authority that browsers trust (certbot certonly -d ${site.host}) and present it: ${present}. If all visitors trust your own authority, give its certificate to the probe: --ca.`,
          ),
    ),
    ...weaknesses.map((cause) =>
      problem(
        'SEC517',
        cause,
        `Get one with a new key (certbot certonly --key-type ecdsa -d ${site.host}) and present it with the chain that comes with it: ${present}.`,
      ),
    ),
  ];
}

function judgeLife(own: X509Certificate, now: Date): (readonly [Problem['id'], string])[] {
  const [from, to] = [Date.parse(own.validFrom), Date.parse(own.validTo)];
  const time = now.getTime();
  // OpenSSL hands on a date that there is not, such as one of a thirteenth month.
  if (Number.isNaN(from) || Number.isNaN(to)) {
    return [['SEC511', 'The certificate has a date that there is not. Browsers show a warning in place of the site.']];
  }
  const day = (at: number): string => new Date(at).toISOString();
  if (time > to)
    return [['SEC511', `The certificate expired on ${day(to)}. Browsers show a warning in place of the site.`]];
  if (time < from)
    return [
      ['SEC511', `The certificate is valid from ${day(from)} on only. Browsers show a warning in place of the site.`],
    ];
  if (to - time >= (to - from) / 3) return [];
  return [['SEC515', `The certificate expires on ${day(to)}; less than a third of its life is left.`]];
}

function covers(own: X509Certificate, host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '');
  return (isIP(name) === 0 ? own.checkHost(name) : own.checkIP(name)) !== undefined;
}

/** What a client does not trust, by what OpenSSL says and what was sent. */
function judgeTrust(
  own: X509Certificate,
  others: readonly X509Certificate[],
  fault: string | undefined,
  now: Date,
): (readonly [Problem['id'], string])[] {
  if (fault === undefined || fault === 'ERR_TLS_CERT_ALTNAME_INVALID') return [];
  const key = readPublicKey(own);
  if (key !== undefined && own.verify(key)) {
    return [['SEC513', 'The certificate is signed by its own key, so nobody trusts it.']];
  }
  const issuer = own.issuer.replaceAll('\n', ', ');
  if (others.length === 0 && /^UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT)/.test(fault)) {
    return [
      [
        'SEC514',
        `The certificate of its issuer (${issuer}) is not sent with it. Browsers that have met that issuer elsewhere connect; other clients fail.`,
      ],
    ];
  }
  if (/EXPIRED|NOT_YET_VALID/.test(fault)) {
    const invalid = others.find((other) => judgeLife(other, now).some(([id]) => id === 'SEC511'));
    return invalid === undefined
      ? []
      : [['SEC513', `A certificate of the chain (${invalid.subject.replaceAll('\n', ', ')}) is not valid: ${fault}.`]];
  }
  return [['SEC513', `The issuer (${issuer}) is not an authority that clients trust: ${fault}.`]];
}

/** Keys that are too short, and signatures that can be forged. */
function judgeStrength(chain: readonly X509Certificate[], fault: string | undefined): readonly string[] {
  const name = ({ subject }: X509Certificate): string => subject.replaceAll('\n', ', ');
  const causes = chain.flatMap((certificate) => {
    const algorithm = brokenSignature(certificate);
    return [
      ...(isWeak(certificate)
        ? [`The key of a certificate (${name(certificate)}) is ${keyText(certificate)}, which browsers refuse.`]
        : []),
      // Nobody checks the signature of a root, which it has made itself.
      ...(algorithm === undefined || certificate.issuer === certificate.subject
        ? []
        : [
            `A certificate (${name(certificate)}) is signed with ${algorithm}, which can be forged: browsers refuse it.`,
          ]),
    ];
  });
  if (causes.length > 0 || !isTooWeak(fault)) return causes;
  return [`A key or a signature in the chain of the certificate is too weak (${fault}), so browsers refuse it.`];
}

/** The least that browsers take: RSA of 2048 bits (CA/Browser Forum baseline requirements 6.1.5). */
function isWeak(certificate: X509Certificate): boolean {
  const key = readPublicKey(certificate);
  return key?.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) < 2048;
}

/** Undefined for a kind of key that OpenSSL does not know. */
function readPublicKey(certificate: X509Certificate): KeyObject | undefined {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
}

/** Of a signature with SHA-1, Node says that it is unspecified. */
function isExplained(fault: string | undefined, weaknesses: readonly string[]): boolean {
  return isTooWeak(fault) || (fault === 'UNSPECIFIED' && weaknesses.length > 0);
}

/** What OpenSSL calls a key or a signature in the chain that is too weak. */
function isTooWeak(fault: string | undefined): boolean {
  return fault !== undefined && /TOO_SMALL|TOO_WEAK/.test(fault);
}

function keyText({ publicKey }: X509Certificate): string {
  const { asymmetricKeyType = 'unknown', asymmetricKeyDetails: { modulusLength } = {} } = publicKey;
  return modulusLength === undefined
    ? asymmetricKeyType
    : `${asymmetricKeyType.toUpperCase()} of ${modulusLength} bits`;
}
