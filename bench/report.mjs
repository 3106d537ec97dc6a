// Audits a generated application of 2,000 handlers with the built bin, and opens the page in Chromium:
// npm run build && node bench/report.mjs [handlers]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [handlers = '2000'] = process.argv.slice(2);
const PER_CONTROLLER = 20;
const bin = fileURLToPath(new URL('../dist/esm/cli/main.js', import.meta.url));
// Inside the project, so that Nest and the package are found by their own names.
const folder = await mkdtemp(fileURLToPath(new URL('../dist/report-bench-', import.meta.url)));

const application = `
import 'reflect-metadata';
import { Controller, Delete, Get, Module, Post, Put } from '@nestjs/common';
import { SecureExempt, SecureModule, SecureRequired } from 'nestjs-secure';

const verbs = [Get, Post, Put, Delete];
const areas = ['accounts', 'orders', 'catalogue', 'blog', 'search', 'invoices', 'members', 'health', 'media', 'reports'];
const controllers = Array.from({ length: ${Number(handlers) / PER_CONTROLLER} }, (_, at) => {
  const area = areas[at % areas.length];
  const name = area[0].toUpperCase() + area.slice(1) + at + 'Controller';
  const { [name]: controller } = { [name]: class {} };
  Controller(area + '/' + at)(controller);
  if (area === 'health') SecureExempt()(controller);
  else if (at % 3 === 0) SecureRequired()(controller);
  for (let index = 0; index < ${PER_CONTROLLER}; index += 1) {
    const handler = index % 7 === 0 ? function (body) { return body.password; } : function () {};
    Object.defineProperty(controller.prototype, 'handle' + index, { value: handler, writable: true, configurable: true });
    const descriptor = Object.getOwnPropertyDescriptor(controller.prototype, 'handle' + index);
    verbs[index % verbs.length](':id/things-' + index)(controller.prototype, 'handle' + index, descriptor);
  }
  return controller;
});

export class AppModule {}
Module({
  imports: [SecureModule.forRoot({ paths: ['/admin'], exempt: ['/media'], hosts: ['www.example.com'] })],
  controllers,
})(AppModule);
`;

try {
  const file = join(folder, 'app.module.mjs');
  const page = join(folder, 'report.html');
  await writeFile(file, application);
  const started = performance.now();
  const audit = spawn(process.execPath, [bin, 'audit', file, '--html', page, '--fail-on', 'never'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(audit, 'close');
  if (code !== 0) throw new Error(`the audit ended with ${code}`);
  const { size } = await stat(page);
  console.log(
    `audit of ${handlers} handlers: ${Math.round(performance.now() - started)} ms, ${Math.round(size / 1024)} kB`,
  );
  await open(pathToFileURL(page).href);
} finally {
  await rm(folder, { recursive: true });
}

async function open(url) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    for (let round = 1; round <= 3; round += 1) {
      const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
      await page.goto(url);
      const opened = await page.evaluate(() => {
        const [navigation] = performance.getEntriesByType('navigation');
        const [paint] = performance.getEntriesByName('first-contentful-paint');
        return { paint: Math.round(paint?.startTime ?? 0), load: Math.round(navigation.loadEventEnd) };
      });
      // From the key to the frame that shows what is left.
      const search = await page.evaluate(async () => {
        const box = document.getElementById('search');
        document.getElementById('routes').scrollIntoView();
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        const from = performance.now();
        box.value = 'things-13';
        box.dispatchEvent(new Event('input'));
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        return { left: document.getElementById('count').textContent, took: Math.round(performance.now() - from) };
      });
      console.log(
        `opened: ${opened.paint} ms to the first paint, ${opened.load} ms in all; a search: ${search.took} ms (${search.left})`,
      );
      await page.close();
    }
  } finally {
    await browser.close();
  }
}
