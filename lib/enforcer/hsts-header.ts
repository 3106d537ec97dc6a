import type { ServerResponse } from 'node:http';
import type { Findings } from '../findings/findings.js';
import { rawResponseOf, replyOf, type PlatformRequest, type PlatformResponse } from '../platform/platform.js';
import type { Settings } from '../settings/settings.js';
import type { Connection } from '../transport/connection.js';

/** The name of the header in lower case. */
export const HSTS_HEADER = 'strict-transport-security';

/** Handlers looked at for a header that nobody asked for. Middleware that sets it sets it with every response. */
const LOOKS = 100;

/** Keeps Strict-Transport-Security as the options have it, up to the moment a handler is called. */
export interface HstsHeader {
  /** Sets the header on a response, or takes it off: over plain HTTP, and for hosts that get none (RFC 6797 7.2). */
  readonly reset: (request: PlatformRequest, response: PlatformResponse) => void;
  /** The same where a handler is about to be called, with a finding where something else has set it. */
  readonly beforeHandler: (request: PlatformRequest, response: PlatformResponse) => void;
  /**
   * Makes the look at the head of a secure response that is about to be written: a finding where no handler made the response
   * and something else has set the header. Handlers are only remembered once this is called.
   */
  readonly watchHeads: () => (request: PlatformRequest, response: ServerResponse) => void;
}

/** What the header depends on. */
interface HstsParts {
  readonly settings: Pick<Settings, 'hsts' | 'transport' | 'options'>;
  readonly findings: Findings;
  readonly connectionOf: (request: PlatformRequest) => Connection;
}

/** Compiles the header; undefined where no `hsts` option asks for it. */
export function compileHstsHeader({ settings, findings, connectionOf }: HstsParts): HstsHeader | undefined {
  const { hsts, transport } = settings;
  if (hsts === undefined) return undefined;
  let isReported = false;
  let handled: WeakSet<ServerResponse> | undefined;

  function report(cause: string): void {
    isReported = true;
    findings.report('SEC405', { subject: MIDDLEWARE, cause, fix: `${REMOVE}.` });
  }

  function valueFor(request: PlatformRequest): string | undefined {
    const connection = connectionOf(request);
    return transport.isSecure(connection) ? hsts?.(transport.host(connection)) : undefined;
  }

  return {
    reset: (request, response) => write(response, valueFor(request)),
    watchHeads() {
      handled = new WeakSet();
      return function beforeHead(request, response) {
        if (isReported) return;
        const present = response.getHeader(HSTS_HEADER);
        if (present === undefined || handled?.has(response) === true || present === valueFor(request)) return;
        report(
          `A response that no handler made, such as a file or a 404, has '${String(present)}'. Browsers keep what came last for the whole host, so it takes the place of what the hsts option says.`,
        );
      };
    },
    beforeHandler(request, response) {
      if (!isReported) handled?.add(rawResponseOf(response));
      const present = read(response);
      // Over plain HTTP nobody has set it, and over https it was for no host that gets it.
      if (present === undefined) return;
      const value = valueFor(request);
      if (present === value) return;
      write(response, value);
      if (isReported) return;
      report(
        `It sets '${present}'${value === undefined ? ' where HSTS has no place, such as over plain HTTP' : ''}. What the hsts option says takes its place where a handler answers; other responses, such as files and 404, keep it.`,
      );
    },
  };
}

/**
 * Compiles a look at the first handlers where no `hsts` option says anything: what browsers are told all the same.
 * `done` is called after the last look.
 */
export function compileHstsWatch(
  { settings, findings }: Pick<HstsParts, 'settings' | 'findings'>,
  done: () => void,
): HstsHeader['beforeHandler'] {
  let looks = 0;
  return function lookForHsts(_request, response) {
    const present = read(response);
    looks += 1;
    if (present !== undefined) {
      findings.report('SEC406', {
        subject: MIDDLEWARE,
        cause: `It tells browsers '${present}', and the hsts option is ${String(settings.options.hsts)}.`,
        fix: `Set hsts to what browsers are to be told; or ${REMOVE.charAt(0).toLowerCase()}${REMOVE.slice(1)}.`,
      });
    }
    if (present !== undefined || looks === LOOKS) done();
  };
}

const MIDDLEWARE = 'helmet, or other middleware';
const REMOVE = 'Write helmet({ strictTransportSecurity: false }), or take it out of the middleware that sets it';

function read(response: PlatformResponse): string | undefined {
  const value = replyOf(response)?.getHeader(HSTS_HEADER) ?? rawResponseOf(response).getHeader(HSTS_HEADER);
  return value === undefined ? undefined : String(value);
}

/** Fastify keeps headers of its own, which win over those of the response. */
function write(response: PlatformResponse, value: string | undefined): void {
  replyOf(response)?.removeHeader(HSTS_HEADER);
  const raw = rawResponseOf(response);
  if (value === undefined) raw.removeHeader(HSTS_HEADER);
  else raw.setHeader(HSTS_HEADER, value);
}
