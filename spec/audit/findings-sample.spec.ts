import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SecureAudit } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';
import { startSample } from '../support/sample-site.js';

let folder: string;
let certificate: Certificate;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sample-findings-'));
  const ca = await makeCertificate({ names: ['ca.example'] });
  const { key, cert } = await makeCertificate({ names: ['lamplight.example', 'localhost'], ca });
  certificate = { key, cert: cert + ca.cert };
});

afterAll(() => rm(folder, { recursive: true }));

describe.each(adapters)('the sample application on %s', (name, newAdapter) => {
  it.each([
    ['development', undefined],
    ['production', ['lamplight.example']],
  ])('audits clean in %s', async (environment, hosts) => {
    const { NODE_ENV } = process.env;
    process.env['NODE_ENV'] = environment;
    const sessionFolder = join(folder, `${name}-${environment}`);
    const sessionSecret = 'jVY5b0gR2mS8uK4tQxW7cN1eLd6hZfAo';
    const site = await startSample(newAdapter, certificate, {
      hosts,
      sessionSecret,
      sessionStore: undefined,
      sessionFolder,
    });
    try {
      const findings = site.app.get(SecureAudit).findings();
      expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
      // What a reviewer may still want to know.
      expect(findings.map(({ id, subject }) => `${id} ${subject}`)).toEqual([
        'SEC307 AccountsController.showStatus, /accounts/status',
        'SEC306 MembersController, /members/:slug',
      ]);
    } finally {
      await site.app.close();
      process.env['NODE_ENV'] = NODE_ENV;
    }
  });
});
