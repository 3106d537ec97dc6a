import { isIP } from 'node:net';
import { generate } from 'selfsigned';

/** A private key and its certificate, as PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** What to ask of a certificate. Default: valid from an hour ago for 90 days, the key not encrypted. */
export interface CertificateOptions {
  readonly from?: Date;
  readonly to?: Date;
  readonly passphrase?: string;
  readonly keyType?: 'rsa' | 'ec';
  /** Names and addresses. Default localhost, 127.0.0.1 and ::1. */
  readonly names?: readonly string[];
  /** Signs it. Default: it signs itself. */
  readonly ca?: Certificate;
  /** What it is signed with. Default `sha256`. */
  readonly digest?: 'sha1' | 'sha256';
}

const HOUR = 3_600_000;

/** The time `days` from now; before now where it is negative. */
export function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 24 * HOUR);
}

/** A new certificate, for localhost unless told otherwise. */
export async function makeCertificate(options: CertificateOptions = {}): Promise<Certificate> {
  const {
    from = new Date(Date.now() - HOUR),
    to = daysFromNow(90),
    passphrase,
    keyType = 'ec',
    ca,
    digest = 'sha256',
  } = options;
  const names = options.names ?? ['localhost', '127.0.0.1', '::1'];
  const made = await generate([{ name: 'commonName', value: names[0] ?? '' }], {
    keyType,
    algorithm: digest,
    notBeforeDate: from,
    notAfterDate: to,
    passphrase,
    ...(ca === undefined ? {} : { ca }),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: names.map((name) => (isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name })),
      },
    ],
  });
  return { key: `${made.private.trim()}\n`, cert: `${made.cert.trim()}\n` };
}

/** A PKCS#12 file for localhost whose passphrase is `secret`, valid for a hundred years. */
export const PFX = Buffer.from(
  [
    'MIIELAIBAzCCA+IGCSqGSIb3DQEHAaCCA9MEggPPMIIDyzCCAoIGCSqGSIb3DQEHBqCCAnMwggJvAgEAMIICaAYJKoZIhvcNAQcB',
    'MFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhdYR0kOlqgBwICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEKCn',
    'CRMDYWHoZP698QXXHLqAggIA+fATSz3S2kOlLN0s8KOYio2aSVvsaRYKXAzZ4aII4FJkfTiZVkjUgvc/CLIzTdCyWnpAr4n5Ut0l',
    'dji3NyY5cz4fAUTV9TkYXeHSjzxGpn5Nnp3fTdYHLtlmWGhMETicomROjCQGwAHm9DBEJekdFQ4LPap7xEfLtb9XYuBy3r2xIVp4',
    'majXVOlHbv4uppk0F9/aIYXpurJtIXKaQ0PtcP5b6iIkH+JuuSdxwdq908OzOlOdSFbPouKyXd+NEZ76gdKFRXf40wTWz4DdAuOB',
    'vWcCfHh+y2tb76DbzKP38rsy0G9TgXXw0zLIGyWweEZW/IvOJBwhm9UMTkeARv5yaQ4uwHAr4QubgZwzuUSBilm5pk7kRGMGmp7c',
    'j1G9epqqTNxBueginV8PbaAakS+Khl/ZyO6Hx/GZ7ksJ3HlZFlNdA+McOM87Mn6MuUklooAUVVMkerzmDG0ffGqoFap9jRS3SbY/',
    'V+b4QDAjZXqeiDZ17ELrNIJ0IHSxY4QV52pwLm1vonWxGYsAx3GhKsfXpJPcBefc/7yI66OX3CwX0muzafg6OGWgbcgvxspsVPFh',
    'q94vUPmrXEaEngRWtyl1+Ol4JX6uk+Dsx0ag8WSIZ9QLPsb+IIJ0JMusaTPGFaryzkHQjX79oA56YeFvbcOhiY/eThwHMBH9c89O',
    'JM/0zckwggFBBgkqhkiG9w0BBwGgggEyBIIBLjCCASowggEmBgsqhkiG9w0BDAoBAqCB7zCB7DBXBgkqhkiG9w0BBQ0wSjApBgkq',
    'hkiG9w0BBQwwHAQIVSFrF89v5soCAggAMAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBD2AeB1ziXUSjYKSO29XNM9BIGQUbfW',
    'XwqZCF8d83xUHevVfSoNl10YHqFpi6bQvTcVsjA66cH4kkaYog9NoDrfmR7n7mRxbaTuYcI5kZDHsUfB3zzyd96lKjDfDzXoQYAr',
    '05rMzrfkE8Fa8v43CFRYyHczIfQ9OZaDokbiz3BslXqY0VkwaHU07L+sEC+A9djqUbty8fAW/AO9lH7IygQQvJqxMSUwIwYJKoZI',
    'hvcNAQkVMRYEFH3gdDwDKIRoBVc2OgXWwjgEQJ+6MEEwMTANBglghkgBZQMEAgEFAAQgBb8crw4ArZQREdPJyohDJBSUJWnOhbVR',
    'Xf3WVIxlrIEECD9qoGKwEiJ7AgIIAA==',
  ].join(''),
  'base64',
);
