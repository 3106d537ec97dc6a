import { Logger } from '@nestjs/common';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { errorCode } from '../certificates/secure-listen.error.js';
import { Findings } from '../findings/findings.js';
import { buildBriefAnswer } from '../answer/answer.js';
import { Enforcer, type JudgeInput } from '../enforcer/enforcer.js';
import { writeAnswer } from '../answer/write-answer.js';
import type { SecureOptions } from '../options/secure-options.js';
import { SecureOptionsError } from '../settings/secure-options.error.js';
import { compileSettings } from '../settings/settings.js';
import { validateOptions } from '../settings/validate.js';
import { ACME_CHALLENGE } from '../policy/paths.js';
import { isSafe } from '../policy/safe-methods.js';
import type { Requirement } from '../policy/verdict.js';
import { pathOf } from '../transport/request-target.js';

/** The options of `createRedirectServer`: those of `SecureModule` that say where a redirect leads, and ACME. */
export interface RedirectServerOptions extends Pick<
  SecureOptions,
  'hosts' | 'ports' | 'redirect' | 'refuse' | 'onInsecure' | 'proxies' | 'onLeak'
> {
  /**
   * Answers an ACME HTTP-01 challenge (RFC 8555 8.3): returns the key authorization for a token, or undefined for 404.
   * The token holds letters, digits, `-` and `_` only, so it is safe in a file name. `{ directory }` reads it from the
   * webroot of an ACME client: certbot's `--webroot-path`, the `-w` of acme.sh, lego's `--http.webroot`. Absent:
   * challenges are 404.
   */
  acme?: AcmeResponder | { directory: string };
}

/** Returns the key authorization for a token, or undefined where there is none. */
export type AcmeResponder = (token: string) => string | undefined | Promise<string | undefined>;

const CHALLENGE = /^\/\.well-known\/acme-challenge\/([\w-]{1,256})$/;
const NO_FILE: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EISDIR']);
/** Where the options stand that findings advise to change. */
const OWN_OPTIONS = 'createRedirectServer(';
const EVERYTHING: Requirement = { level: 'required', by: 'mode' };

/**
 * Creates an http server for port 80 that redirects to https, refuses what may carry a secret as a handler would, and answers
 * ACME challenges; no Nest application is involved. It does not listen yet: `createRedirectServer({ hosts: ['example.com'] }).listen(80)`.
 *
 * @throws SecureOptionsError when an option is wrong.
 */
export function createRedirectServer({ acme, ...options }: RedirectServerOptions = {}): Server {
  const settings = compileSettings(validateOptions(options));
  const respond = typeof acme === 'object' ? readWebroot(acme) : acme;
  const logger = new Logger('createRedirectServer');
  const findings = new Findings(new Set(), (line) =>
    logger.warn(line.replaceAll('SecureModule.forRoot(', OWN_OPTIONS)),
  );
  const enforcer = new Enforcer(settings, findings, true);
  const policy = settings.policy([]);
  const input: JudgeInput = { requirementOf: () => EVERYTHING, policy: () => policy, stage: 'guard' };

  function redirectToHttps(request: IncomingMessage, response: ServerResponse): void {
    const token = challengeIn(request.url ?? '/');
    if (token !== undefined) return void answerChallenge(token, respond, request, response, logger);
    enforcer.admit(request);
    const answered = enforcer.stop(request, input);
    // Nothing stops what a declared proxy says is secure; there is no application here to serve it.
    if (answered === undefined) return end(response, 404, '');
    writeAnswer(request, response, buildBriefAnswer(answered, request.headers.accept));
  }

  const server = createServer(redirectToHttps);
  // No answer depends on a body, so each stands in place of 100 Continue (RFC 9110 10.1.1).
  server.on('checkContinue', redirectToHttps);
  server.on('close', () => findings.close());
  return server;
}

/** The token of a challenge; undefined where the request is none. */
function challengeIn(target: string): string | undefined {
  return target.includes(ACME_CHALLENGE) ? CHALLENGE.exec(pathOf(target))?.[1] : undefined;
}

/** @throws SecureOptionsError when the directory is not a path. */
function readWebroot({ directory }: { directory: string }): AcmeResponder {
  if (typeof directory !== 'string' || directory === '') {
    throw new SecureOptionsError(
      `acme.directory is ${JSON.stringify(directory)}. Accepted: the path of the webroot that the ACME client writes to.`,
    );
  }
  return async function readToken(token) {
    try {
      return await readFile(join(directory, ACME_CHALLENGE, token), 'utf8');
    } catch (error) {
      if (NO_FILE.has(errorCode(error))) return undefined;
      throw error;
    }
  };
}

async function answerChallenge(
  token: string,
  acme: AcmeResponder | undefined,
  request: IncomingMessage,
  response: ServerResponse,
  logger: Logger,
): Promise<void> {
  try {
    const authorization = isSafe(request.method) ? await acme?.(token) : undefined;
    end(response, authorization === undefined ? 404 : 200, authorization ?? '');
  } catch (error) {
    logger.error('acme threw; the challenge was answered 500.', error);
    end(response, 500, '');
  }
}

function end(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/octet-stream',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
