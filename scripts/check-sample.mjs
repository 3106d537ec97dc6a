// Starts the sample application as the README says and visits it over http and https.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [adapter = 'express'] = process.argv.slice(2);
const certificates = mkdtempSync(join(tmpdir(), 'nestjs-secure-sample-'));
const env = {
  ...process.env,
  ADAPTER: adapter,
  HTTP_PORT: '0',
  HTTPS_PORT: '0',
  CERT_DIR: certificates,
  NO_COLOR: '1',
};
const sample = spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });

const check = (what, actual, expected) => {
  if (actual !== expected) throw new Error(`${what}: ${actual} in place of ${expected}`);
  console.log(`ok ${what}: ${actual}`);
};
const overTls = (url) =>
  new Promise((resolve, reject) =>
    get(url, { rejectUnauthorized: false }, (response) => resolve(response.resume())).on('error', reject),
  );

try {
  const { http, https } = await new Promise((resolve, reject) => {
    let output = '';
    sample.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
      const found = {
        http: /http:\/\/localhost:\d+/.exec(output)?.[0],
        https: /https:\/\/localhost:\d+/.exec(output)?.[0],
      };
      if (found.http && found.https) resolve(found);
    });
    sample.on('exit', (code) => reject(new Error(`the sample ended with ${code}`)));
  });
  check('a public page over http', (await fetch(`${http}/`)).status, 200);
  const secret = await fetch(`${http}/accounts/login`, { redirect: 'manual' });
  check('a secret page over http', secret.status, 307);
  check('leads to', secret.headers.get('location'), `${https}/accounts/login`);
  check('a secret page over https', (await overTls(`${https}/accounts/login`)).statusCode, 200);
  check('an API over http', (await fetch(`${http}/api/members/ada`)).status, 403);
} finally {
  sample.removeAllListeners('exit');
  if (sample.exitCode === null) process.kill(-sample.pid, 'SIGTERM');
  rmSync(certificates, { recursive: true, force: true });
}
