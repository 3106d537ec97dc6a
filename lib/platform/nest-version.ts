import { AbstractHttpAdapter, type HttpAdapterHost } from '@nestjs/core';
import { applicationRequire } from './application-require.js';

/** The first version whose adapters have a request hook. */
const OLDEST = [11, 1, 4] as const;

/** Why a version of Nest is too old; undefined where it is not, and where it is no version. */
export function explainOldNest(version: string): string | undefined {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  const at = parts.findIndex((part, index) => Number(part) !== OLDEST[index]);
  return at !== -1 && Number(parts[at]) < (OLDEST[at] ?? 0) ? tooOld(version) : undefined;
}

/**
 * Checks that Nest has what this package is built on. Asked of Nest itself: the number is for the error alone.
 *
 * @throws Error naming the version that is needed and the one that is installed.
 */
export function assertNestVersion(
  host: Partial<Pick<HttpAdapterHost, 'init$' | 'listen$'>>,
  adapter: object = AbstractHttpAdapter.prototype,
): void {
  if (host.init$ !== undefined && host.listen$ !== undefined && 'setOnRequestHook' in adapter) return;
  throw new Error(tooOld(installedVersion()));
}

function tooOld(version: string | undefined): string {
  return `nestjs-secure needs NestJS 11.1.4 or later; this is ${version ?? 'older'}.`;
}

/** The version that the application finds from where it is started. */
function installedVersion(): string | undefined {
  try {
    const manifest: unknown = applicationRequire()('@nestjs/core/package.json');
    const version: unknown = Reflect.get(Object(manifest), 'version');
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
