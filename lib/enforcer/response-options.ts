import type { ServerResponse } from 'node:http';
import onHeaders from 'on-headers';
import type { Marks } from '../options/mark-types.js';
import { upgradeRedirect } from '../urls/upgrade-redirect.js';
import type { Enforcer } from './enforcer.js';
import type { PlatformRequest } from '../platform/platform.js';

/** What the decorators of a handler ask of its response; undefined where they do not speak of it. */
export interface ResponseOptions {
  readonly noStore: boolean | undefined;
  readonly upgradeRedirects: boolean | undefined;
}

/** Reads it off the decorators: of each option the nearest that speaks. */
export function resolveResponseOptions(marks: Marks): ResponseOptions {
  const options = [marks.handler, marks.class].flatMap((mark) => (mark?.level === 'required' ? [mark.options] : []));
  return {
    noStore: options.find((option) => option.noStore !== undefined)?.noStore,
    upgradeRedirects: options.find((option) => option.upgradeRedirects !== undefined)?.upgradeRedirects,
  };
}

/** Applies them. Headers are read when they are written: a handler may answer by `@Redirect`, by `@Res` or by a stream. */
export function applyResponseOptions(
  { noStore, upgradeRedirects }: ResponseOptions,
  request: PlatformRequest,
  response: ServerResponse,
  enforcer: Enforcer | undefined,
): void {
  if (upgradeRedirects === true && enforcer?.enforcing === true) upgradeLocation(request, response, enforcer);
  if (noStore === true) onHeaders(response, () => response.setHeader('cache-control', 'no-store'));
}

function upgradeLocation(request: PlatformRequest, response: ServerResponse, enforcer: Enforcer): void {
  const { hostAllowed, ports } = enforcer.settings;
  onHeaders(response, () => {
    const location = response.getHeader('location');
    if (typeof location !== 'string') return;
    const host = enforcer.hostOf(request);
    const upgraded = upgradeRedirect(location, (name) => name === host || hostAllowed(name, ports.https), ports.https);
    if (upgraded !== undefined) response.setHeader('location', upgraded);
  });
}
