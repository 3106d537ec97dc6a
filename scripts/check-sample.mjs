// Starts the sample application as the README says, visits it over http and https, and starts it again.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [adapter = 'express'] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'nestjs-secure-sample-'));
const env = {
  ...process.env,
  ADAPTER: adapter,
  HTTP_PORT: '0',
  HTTPS_PORT: '0',
  CERT_DIR: join(folder, 'certificate'),
  SESSION_DIR: join(folder, 'sessions'),
  NO_COLOR: '1',
};

const check = (what, actual, expected) => {
  if (actual !== expected) throw new Error(`${what}: ${actual} in place of ${expected}`);
  console.log(`ok ${what}: ${actual}`);
};

const overTls = (url, { cookie, form } = {}) =>
  new Promise((resolve, reject) => {
    const headers = {
      ...(cookie && { cookie }),
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const asked = request(url, { method: form ? 'POST' : 'GET', headers, rejectUnauthorized: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    asked.on('error', reject).end(form && new URLSearchParams(form).toString());
  });

/** Runs `npm start` for as long as the visit takes. */
async function whileItRuns(visit) {
  const sample = spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const ended = once(sample, 'exit');
  try {
    await visit(await urlsIn(sample));
  } finally {
    if (sample.exitCode === null) process.kill(-sample.pid, 'SIGTERM');
    await ended;
  }
}

function urlsIn(sample) {
  return new Promise((resolve, reject) => {
    let output = '';
    sample.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      output += chunk;
      const http = /http:\/\/localhost:\d+/.exec(output)?.[0];
      const https = /https:\/\/localhost:\d+/.exec(output)?.[0];
      if (http && https) resolve({ http, https });
    });
    sample.on('exit', (code) => reject(new Error(`the sample ended with ${code}`)));
  });
}

const form = { name: 'Ada Marlowe', password: 'lamplight' };
const signedIn = ({ body }) => body.includes('You are signed in as Ada Marlowe.');
let cookie;

try {
  await whileItRuns(async ({ http, https }) => {
    check('a public page over http', (await fetch(`${http}/`)).status, 200);
    const secret = await fetch(`${http}/accounts/login`, { redirect: 'manual' });
    check('a secret page over http', secret.status, 307);
    check('leads to', secret.headers.get('location'), `${https}/accounts/login`);
    check('a secret page over https', (await overTls(`${https}/accounts/login`)).status, 200);
    check('an API over http', (await fetch(`${http}/api/members/ada`)).status, 403);
    const login = await overTls(`${https}/accounts/login`, { form });
    check('a login over https', login.status, 303);
    [cookie] = login.headers['set-cookie'][0].split(';');
    check('signed in', signedIn(await overTls(`${https}/accounts/profile`, { cookie })), true);
  });
  await whileItRuns(async ({ https }) => {
    check('signed in after a restart', signedIn(await overTls(`${https}/accounts/profile`, { cookie })), true);
    check('a logout', (await overTls(`${https}/accounts/logout`, { cookie, form: {} })).status, 200);
    check('signed in after it', signedIn(await overTls(`${https}/accounts/profile`, { cookie })), false);
  });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
