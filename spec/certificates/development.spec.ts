import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { developmentCertificate } from '../../lib/certificates/development-certificate.js';
import { daysFromNow, makeCertificate } from '../support/certificates.js';

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'development-')), '.certificate');
});

afterEach(() => rm(join(folder, '..'), { recursive: true }));

it('is made once, for localhost and the hosts of the application, and kept', async () => {
  const made = await developmentCertificate(['app.test'], folder);
  const certificate = new X509Certificate(made.cert);

  expect(['localhost', 'app.test'].map((name) => certificate.checkHost(name))).toEqual(['localhost', 'app.test']);
  expect(['127.0.0.1', '::1'].map((address) => certificate.checkIP(address))).toEqual(['127.0.0.1', '::1']);
  expect(await developmentCertificate(['app.test'], folder)).toEqual(made);
});

it('is out of reach of other users and of git', async () => {
  await developmentCertificate([], folder);

  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect((await stat(join(folder, 'key.pem'))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(folder, '.gitignore'), 'utf8')).toBe('*\n');
});

it.each<[string, () => Promise<void>]>([
  ['a host was added', async () => undefined],
  [
    'it expires within a week',
    async () => {
      const { key, cert } = await makeCertificate({
        to: daysFromNow(6),
        names: ['localhost', '127.0.0.1', '::1', 'new.test'],
      });
      await writeFile(join(folder, 'key.pem'), key);
      await writeFile(join(folder, 'cert.pem'), cert);
    },
  ],
  ['its file is damaged', () => writeFile(join(folder, 'cert.pem'), 'no certificate')],
])('is made anew where %s', async (_, spoil) => {
  const made = await developmentCertificate([], folder);
  await spoil();
  const anew = await developmentCertificate(['new.test'], folder);

  expect(anew).not.toEqual(made);
  expect(new X509Certificate(anew.cert).checkHost('new.test')).toBe('new.test');
});

it('is refused in production', async () => {
  const { NODE_ENV } = process.env;
  process.env['NODE_ENV'] = 'production';
  try {
    await expect(developmentCertificate([], folder)).rejects.toMatchObject({
      name: 'SecureListenError',
      code: 'DEVELOPMENT_CERTIFICATE',
      message: expect.stringContaining('Pass { keyFile, certFile }'),
    });
  } finally {
    process.env['NODE_ENV'] = NODE_ENV;
  }
});

it('says what to do where the folder cannot be written', async () => {
  await writeFile(folder, 'a file');

  await expect(developmentCertificate([], folder)).rejects.toThrow(
    /cannot keep its certificate in .*Start in a folder that can be written/,
  );
});
