// An application of many routes, started once: node bench/routes-of.mjs <routes> <bare|marked>
import 'reflect-metadata';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { SecureAudit, SecureModule, SecureRequired } from 'nestjs-secure';

const PER_CONTROLLER = 50;
const [routes, kind] = process.argv.slice(2);
const secure = kind === 'marked';

function controller(number) {
  const name = `Controller${number}`;
  const made = { [name]: class {} }[name];
  for (let handler = 0; handler < PER_CONTROLLER; handler += 1) {
    const method = `handler${handler}`;
    Object.defineProperty(made.prototype, method, {
      value: { [method]: () => 'page' }[method],
      configurable: true,
      writable: true,
    });
    const descriptor = Object.getOwnPropertyDescriptor(made.prototype, method);
    Get(`${method}/:id`)(made.prototype, method, descriptor);
    Param('id')(made.prototype, method, 0);
    if (secure) SecureRequired()(made.prototype, method, descriptor);
  }
  Controller(`section-${number}`)(made);
  return made;
}

class App {}
Module({
  imports: secure ? [SecureModule.forRoot({ hosts: ['example.com'], paths: ['/section-1'] })] : [],
  controllers: Array.from({ length: Number(routes) / PER_CONTROLLER }, (_, number) => controller(number)),
})(App);

globalThis.gc();
const before = process.memoryUsage().heapUsed;
const started = performance.now();
const app = await NestFactory.create(App, new ExpressAdapter(), { logger: false, abortOnError: false });
await app.init();
const boot = performance.now() - started;
globalThis.gc();
const heap = process.memoryUsage().heapUsed - before;
let audit = 0;
let findings = 0;
if (secure) {
  const asked = performance.now();
  const listed = app.get(SecureAudit).routes();
  audit = performance.now() - asked;
  if (listed.length !== Number(routes)) throw new Error(`${listed.length} routes are listed`);
  findings = app.get(SecureAudit).findings().length;
}
process.send({ boot, heap, audit, findings });
process.on('disconnect', () => process.exit());
