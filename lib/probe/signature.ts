import type { X509Certificate } from 'node:crypto';

/** Algorithms whose signatures can be forged, by their object identifiers in DER (RFC 3279 2.2). */
const BROKEN: Readonly<Record<string, string>> = {
  '2a864886f70d010102': 'MD2',
  '2a864886f70d010104': 'MD5',
  '2a864886f70d010105': 'SHA-1',
  '2b0e03021d': 'SHA-1',
  '2a8648ce380403': 'SHA-1',
  '2a8648ce3d0401': 'SHA-1',
};

/**
 * The broken algorithm that a certificate is signed with; undefined where it is none. Read from the certificate itself,
 * since Node names it from version 24 on only.
 */
export function brokenSignature({ raw }: Pick<X509Certificate, 'raw'>): string | undefined {
  try {
    // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { algorithm, … }, signature } (RFC 5280 4.1)
    const certificate = derValue(raw, 0);
    const signed = derValue(raw, certificate.start);
    const algorithm = derValue(raw, derValue(raw, signed.end).start);
    return BROKEN[raw.toString('hex', algorithm.start, algorithm.end)];
  } catch {
    // OpenSSL reads some certificates that are no DER.
    return undefined;
  }
}

/** Where the content of a value of DER lies; throws where it is none. */
function derValue(der: Buffer, at: number): { readonly start: number; readonly end: number } {
  const length = der.readUInt8(at + 1);
  if (length < 0x80) return { start: at + 2, end: at + 2 + length };
  const start = at + 2 + (length & 0x7f);
  return { start, end: start + der.readUIntBE(at + 2, length & 0x7f) };
}
