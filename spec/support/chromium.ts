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
  '--ignore-certificate-errors',
  '--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable',
];

/** Starts Chromium without a window. Whoever starts it closes it. `names`: the rules of `--host-resolver-rules`. */
export function startChromium(names: string, ...more: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: [...FLAGS, `--host-resolver-rules=${names}`, ...more],
  });
}
