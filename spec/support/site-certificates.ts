import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { daysFromNow, makeCertificate, type Certificate, type CertificateOptions } from './certificates.js';

/** An authority with an intermediate, as public ones have it, and what it makes for a site. */
export class SiteCertificates {
  static async create(host: string): Promise<SiteCertificates> {
    const root = await makeCertificate({ names: ['Probe Root CA'], to: daysFromNow(3650) });
    const intermediate = await makeCertificate({ names: ['Probe Intermediate CA'], ca: root, to: daysFromNow(3650) });
    return new SiteCertificates(host, root, intermediate);
  }

  private constructor(
    private readonly host: string,
    private readonly root: Certificate,
    private readonly intermediate: Certificate,
  ) {}

  /** What the probe trusts. */
  get ca(): string {
    return this.root.cert;
  }

  /** The certificate of the site with its intermediate, valid for 90 days. */
  valid(options: CertificateOptions = {}): Promise<Certificate> {
    return this.issue({ names: [this.host], ...options });
  }

  /** The certificate without the intermediate. */
  async incomplete(): Promise<Certificate> {
    return makeCertificate({ names: [this.host], ca: this.intermediate });
  }

  selfSigned(): Promise<Certificate> {
    return makeCertificate({ names: [this.host] });
  }

  /** Of an authority that the probe is not told of, with its whole chain. */
  async unknownIssuer(): Promise<Certificate> {
    const root = await makeCertificate({ names: ['Somebody CA'] });
    const own = await makeCertificate({ names: [this.host], ca: root });
    return { key: own.key, cert: own.cert + root.cert };
  }

  /** RSA of 1024 bits. */
  weak(): Certificate {
    const folder = mkdtempSync(join(tmpdir(), 'weak-'));
    try {
      const file = (name: string): string => join(folder, name);
      writeFileSync(file('ca.pem'), this.intermediate.cert);
      writeFileSync(file('ca.key'), this.intermediate.key);
      // Debian's own configuration wants identifiers that the authority does not have.
      writeFileSync(file('req.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
      const plain = ['-config', file('req.cnf')];
      const given = ['req', '-x509', '-newkey', 'rsa:1024', '-noenc', '-days', '90', '-subj', `/CN=${this.host}`];
      const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-addext', `subjectAltName=DNS:${this.host}`];
      execFileSync('openssl', [...given, ...signed, ...plain, '-keyout', file('key.pem'), '-out', file('cert.pem')], {
        stdio: 'pipe',
      });
      return {
        key: readFileSync(file('key.pem'), 'utf8'),
        cert: readFileSync(file('cert.pem'), 'utf8') + this.intermediate.cert,
      };
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  private async issue(options: CertificateOptions): Promise<Certificate> {
    const own = await makeCertificate({ ...options, ca: this.intermediate });
    return { key: own.key, cert: own.cert + this.intermediate.cert };
  }
}
