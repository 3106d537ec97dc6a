import { HttpAdapterHost } from '@nestjs/core';
import { createRequire } from 'node:module';
import { assertNestVersion, explainOldNest } from '../../lib/platform/nest-version.js';

describe('a version of Nest', () => {
  it.each(['9.4.3', '10.4.22', '11.0.0', '11.1.3', '11.1.3-beta.1'])('%s is too old', (version) => {
    expect(explainOldNest(version)).toBe(`nestjs-secure needs NestJS 11.1.4 or later; this is ${version}.`);
  });

  it.each(['11.1.4', '11.1.10', '11.2.0', '12.0.0', '12.5.1', '100.0.0', '', 'workspace'])('%p is not', (version) => {
    expect(explainOldNest(version)).toBeUndefined();
  });
});

describe('the installed Nest', () => {
  const manifest: { version: string } = createRequire(import.meta.url)('@nestjs/core/package.json');
  const tooOld = `nestjs-secure needs NestJS 11.1.4 or later; this is ${manifest.version}.`;

  it('has all that is needed', () => {
    expect(() => assertNestVersion(new HttpAdapterHost())).not.toThrow();
  });

  it.each<[string, Parameters<typeof assertNestVersion>]>([
    ['the event of an adapter that is made, as Nest 10 does', [{}]],
    ['the request hook, as Nest 11.1.3 does', [new HttpAdapterHost(), {}]],
  ])('is too old where it lacks %s', (_what, given) => {
    expect(() => assertNestVersion(...given)).toThrow(tooOld);
  });
});
