import { createHash, X509Certificate } from 'node:crypto';
import { chromium, type Browser } from 'playwright-core';

/** As people have it, but for what it would tell its maker. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
];

/** Starts Chromium without a window. Whoever starts it closes it. `names`: the rules of `--host-resolver-rules`. */
export function startChromium(names: string, ...more: string[]): Promise<Browser> {
  return launch(`--host-resolver-rules=${names}`, '--ignore-certificate-errors', ...more);
}

/**
 * The same, for sites that bind sessions to a key, which is kept in software here. It registers none where certificate
 * errors are ignored, so one certificate is allowed by its key.
 */
export function startBindingChromium(names: string, certificate: string): Promise<Browser> {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  return launch(
    `--host-resolver-rules=${names}`,
    `--ignore-certificate-errors-spki-list=${createHash('sha256').update(spki).digest('base64')}`,
    '--enable-features=DeviceBoundSessions,EnableBoundSessionCredentialsSoftwareKeysForManualTesting',
  );
}

function launch(...more: string[]): Promise<Browser> {
  return chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: [...FLAGS, ...more] });
}
