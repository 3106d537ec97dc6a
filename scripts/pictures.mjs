// Writes the pictures of README and docs, from the sample application and its audit, in Chromium: npm run pictures
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { compile } from './compile.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const pictures = join(root, 'docs/pictures');
const folder = mkdtempSync(join(tmpdir(), 'nestjs-secure-pictures-'));
const LIMIT = 80 * 1024;

const executablePath = (process.env.PATH ?? '')
  .split(delimiter)
  .flatMap((path) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(path, name)))
  .find(existsSync);
if (executablePath === undefined) throw new Error('Chromium is not installed.');

await compile('sample-app/tsconfig.json', 'the sample in dist/sample-app');
mkdirSync(pictures, { recursive: true });

/** Starts the sample on free ports, and returns its http URL. */
function startSample() {
  const env = {
    ...process.env,
    HTTP_PORT: '0',
    HTTPS_PORT: '0',
    CERT_DIR: join(folder, 'certificate'),
    SESSION_DIR: join(folder, 'sessions'),
    NO_COLOR: '1',
  };
  const sample = spawn(process.execPath, [join(root, 'dist/sample-app/main.js')], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let output = '';
    sample.on('exit', (code) => reject(new Error(`the sample ended with ${code}`)));
    sample.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      const [http] = /http:\/\/localhost:\d+/.exec(output) ?? [];
      if (http !== undefined) resolve({ sample, http });
    });
  });
}

/** The page of the audit of the sample. */
function writeAudit() {
  const page = join(folder, 'audit.html');
  const given = ['audit', 'dist/sample-app/audit.js', '--full', '--html', page, '--fail-on', 'never'];
  spawnSync(process.execPath, [join(root, 'dist/esm/cli/main.js'), ...given], { cwd: root, stdio: 'ignore' });
  return pathToFileURL(page).href;
}

const { sample, http } = await startSample();
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
try {
  const pages = [
    // As wide as the README shows them, and still readable on a phone. A proxy that nobody declared says https.
    ['misconfigured', `${http}/accounts/login`, { 'x-forwarded-proto': 'https' }, { width: 680, height: 440 }],
    ['audit', writeAudit(), {}, { width: 880, height: 570 }],
  ];
  for (const [name, url, extraHTTPHeaders, viewport] of pages) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ colorScheme, extraHTTPHeaders, viewport, deviceScaleFactor: 1.25 });
      await page.goto(url);
      const path = join(pictures, `${name}-${colorScheme}.png`);
      await page.screenshot({ path });
      await page.close();
      const { size } = statSync(path);
      console.log(`${name}-${colorScheme}.png: ${Math.round(size / 1024)} kB`);
      if (size > LIMIT) throw new Error(`${path} is larger than ${LIMIT} bytes.`);
    }
  }
} finally {
  await browser.close();
  sample.removeAllListeners('exit').kill();
  rmSync(folder, { recursive: true, force: true });
}
