import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** A key and its certificate, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

const NAMES = { host: 'localhost', addresses: ['127.0.0.1', '::1'] };

/**
 * The certificate of this machine for itself: the one kept in `folder`, or a new one, good for a year, that is kept there.
 *
 * **Security:** nobody vouches for it. It is for development on this machine alone.
 */
export async function localCertificate(folder: string): Promise<Certificate> {
  return (await keptIn(folder)) ?? (await madeFor(folder));
}

async function keptIn(folder: string): Promise<Certificate | undefined> {
  try {
    const key = await readFile(join(folder, 'key.pem'), 'utf8');
    const cert = await readFile(join(folder, 'cert.pem'), 'utf8');
    return isUsable({ key, cert }) ? { key, cert } : undefined;
  } catch {
    return undefined;
  }
}

function isUsable({ key, cert }: Certificate): boolean {
  const certificate = new X509Certificate(cert);
  return (
    Date.parse(certificate.validTo) > Date.now() &&
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    certificate.checkHost(NAMES.host) !== undefined &&
    NAMES.addresses.every((address) => certificate.checkIP(address) !== undefined)
  );
}

async function madeFor(folder: string): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: NAMES.host }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [{ type: 2, value: NAMES.host }, ...NAMES.addresses.map((ip) => ({ type: 7 as const, ip }))],
      },
    ],
  });
  await keep(folder, { key: made.private, cert: made.cert });
  return { key: made.private, cert: made.cert };
}

async function keep(folder: string, { key, cert }: Certificate): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await replace(join(folder, 'key.pem'), key, 0o600);
    await replace(join(folder, 'cert.pem'), cert, 0o644);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`The certificate could not be kept (${reason}): set CERT_DIR to a folder that can be written.`, {
      cause,
    });
  }
}

/** Writes beside the file and renames, so that another start never reads half of one, and old modes do not stay. */
async function replace(file: string, text: string, mode: number): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, text, { mode });
  await chmod(beside, mode);
  await rename(beside, file);
}
