import { Injectable, Module, type MiddlewareConsumer, type NestMiddleware, type NestModule } from '@nestjs/common';
import expressSession from 'express-session';
import { createRequire } from 'node:module';
import { SecureAudit } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { createSessionApp, openMemory, SECRET } from '../support/sessions.js';

// It has no types.
const cookieSession: (options: object) => Function = createRequire(import.meta.url)('cookie-session');

const engines: [name: string, newMiddleware: () => Function][] = [
  ['express-session', () => expressSession({ secret: SECRET, resave: false, saveUninitialized: false })],
  ['cookie-session', () => cookieSession({ secret: SECRET })],
];

@Injectable()
class Other implements NestMiddleware {
  use(_request: unknown, _response: unknown, next: () => void): void {
    next();
  }
}

/** What a module gives to `consumer.apply()`. */
function moduleWith(...given: Function[]): new () => NestModule {
  @Module({})
  class Site implements NestModule {
    // As a property of the instance, which is bound: the module watches that as well.
    configure = (consumer: MiddlewareConsumer): void => {
      consumer.apply(...given).forRoutes('{*path}');
    };
  }
  return Site;
}

describe.each(adapters)('On %s', (_platform, newAdapter) => {
  it.each(engines)('%s in consumer.apply() is a second session engine', async (name, newMiddleware) => {
    const app = await createSessionApp(newAdapter, {
      session: openMemory().options,
      imports: [moduleWith(Other, newMiddleware())],
    });
    const findings = app.nest.get(SecureAudit).findings();
    expect(findings.filter(({ id }) => id === 'SEC233').map(({ subject }) => subject)).toEqual([name]);
  });

  it('other middleware is none', async () => {
    const app = await createSessionApp(newAdapter, {
      session: openMemory().options,
      imports: [moduleWith(Other, (_request: unknown, _response: unknown, next: () => void) => next())],
    });
    expect(
      app.nest
        .get(SecureAudit)
        .findings()
        .filter(({ id }) => id === 'SEC233'),
    ).toEqual([]);
  });
});
