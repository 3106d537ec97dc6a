import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { makeCertificate, type KeyAndCertificate } from './make-certificate.js';
import { errorMessage, SecureListenError } from './secure-listen.error.js';

/** Where the certificate is kept, in the folder the process was started in. It brings its own .gitignore. */
export const DEVELOPMENT_FOLDER = '.certificate';

const NAMES = ['localhost', '127.0.0.1', '::1'];
const WEEK = 7 * 86_400_000;

/**
 * Returns the development certificate of this machine for `localhost`, 127.0.0.1, ::1 and `hosts`: the one kept in
 * `folder`, or a new one, good for a year.
 *
 * **Security:** nobody vouches for it, and its key lies in the project's folder: browsers warn of it.
 *
 * @throws SecureListenError in production, where `selfsigned` is missing, and where it cannot be kept.
 */
export async function developmentCertificate(
  hosts: readonly string[] = [],
  folder = DEVELOPMENT_FOLDER,
): Promise<KeyAndCertificate> {
  if (process.env['NODE_ENV'] === 'production') {
    throw new SecureListenError(
      'DEVELOPMENT_CERTIFICATE',
      "tls is 'development', and NODE_ENV is production: browsers would warn of the certificate. Pass { keyFile, certFile } with a certificate of a certificate authority.",
    );
  }
  const names = [...new Set([...NAMES, ...hosts])];
  return (await readKept(folder, names)) ?? (await make(folder, names));
}

async function readKept(folder: string, names: readonly string[]): Promise<KeyAndCertificate | undefined> {
  try {
    const key = await readFile(join(folder, 'key.pem'), 'utf8');
    const cert = await readFile(join(folder, 'cert.pem'), 'utf8');
    return isUsable({ key, cert }, names) ? { key, cert } : undefined;
  } catch {
    return undefined;
  }
}

function isUsable({ key, cert }: KeyAndCertificate, names: readonly string[]): boolean {
  const certificate = new X509Certificate(cert);
  const covers = (name: string): boolean =>
    (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
  return (
    Date.parse(certificate.validTo) > Date.now() + WEEK &&
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    names.every(covers)
  );
}

async function make(folder: string, names: readonly string[]): Promise<KeyAndCertificate> {
  const made = await makeCertificate(names, "tls: 'development'");
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, '.gitignore'), '*\n');
    await replaceFile(join(folder, 'key.pem'), made.key, 0o600);
    await replaceFile(join(folder, 'cert.pem'), made.cert, 0o644);
  } catch (cause) {
    throw new SecureListenError(
      'DEVELOPMENT_CERTIFICATE',
      `tls: 'development' cannot keep its certificate in ${folder}: ${errorMessage(cause)}. Start in a folder that can be written, or pass { keyFile, certFile }.`,
      { cause },
    );
  }
  return made;
}

/** Writes beside the file and renames: another start never reads half of one, and an old mode does not stay. */
async function replaceFile(file: string, text: string, mode: number): Promise<void> {
  const beside = `${file}.${process.pid}`;
  await writeFile(beside, text, { mode });
  await chmod(beside, mode);
  await rename(beside, file);
}
