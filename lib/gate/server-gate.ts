import type { HttpServer } from '@nestjs/common';
import { Server as NetServer } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isFirstLayer } from './layers-before-gate.js';
import type { Gate } from './gate.js';
import type { PlatformRequest } from '../platform/platform.js';

/** What the server gate needs of the application. */
interface ServerGateParts {
  /** Gives a request that the framework has not seen what the framework would say of it. */
  readonly asPlatformRequest: (raw: IncomingMessage) => PlatformRequest;
  /** Hears of a request that was answered. */
  readonly turnAway: (request: PlatformRequest) => void;
}

/**
 * Puts a gate where the server hands a request to Express. What it answers costs Express nothing, which is most of what a
 * redirect costs there; on Fastify it is a fifteenth, so there is none. It does not replace the gate: a request may also come by
 * `app.inject()`, by a function that is called without a server, or by a server that is not the adapter's.
 *
 * Whatever attaches to the server later and wraps its listeners, such as socket.io, stands before it. Until the function
 * that is returned is called, once the application has started, it lets everything through to the gate.
 */
export function installServerGate(
  adapter: HttpServer,
  gate: Gate,
  { asPlatformRequest, turnAway }: ServerGateParts,
): () => void {
  let started = false;
  let foreseeable: boolean | undefined;

  function answers(raw: IncomingMessage, response: ServerResponse): boolean {
    let answered = false;
    try {
      if (!started || !(foreseeable ??= isForeseeable(adapter))) return false;
      const request = asPlatformRequest(raw);
      answered = gate(request, response);
      if (answered) turnAway(request);
    } catch {
      // Nobody would answer here. The gate comes to the same, and there the framework does.
    }
    return answered;
  }

  // Only a framework that is a function, as Express is, can be the listener that `standBefore` looks for.
  if (typeof adapter.getInstance() !== 'function') return () => undefined;
  const initHttpServer: unknown = Reflect.get(adapter, 'initHttpServer');
  if (typeof initHttpServer === 'function') {
    Reflect.set(adapter, 'initHttpServer', function initWithServerGate(...given: unknown[]) {
      const returned: unknown = Reflect.apply(initHttpServer, adapter, given);
      standBefore(adapter, answers);
      return returned;
    });
  }
  return function open() {
    started = true;
  };
}

/** Only where the server hands its requests to the framework itself; a listener between them may do something else. */
function standBefore(
  adapter: HttpServer,
  answers: (request: IncomingMessage, response: ServerResponse) => boolean,
): void {
  const server: unknown = adapter.getHttpServer();
  if (!(server instanceof NetServer)) return;
  const [framework, ...others] = server.rawListeners('request');
  if (framework === undefined || framework !== adapter.getInstance() || others.length > 0) return;
  server.removeAllListeners('request');
  server.on('request', function serverGate(this: unknown, request: IncomingMessage, response: ServerResponse) {
    // While it closes, the framework closes connections with its answers.
    if (server.listening && answers(request, response)) return;
    Reflect.apply(framework, this, [request, response]);
  });
}

/**
 * Whether the gate's answer to a request depends on nothing that Express would find out first, and nobody waits to hear of
 * it. What stands before the gate may answer, or change where a request goes; a hook for responses is to have every request.
 */
function isForeseeable(adapter: HttpServer): boolean {
  return isFirstLayer(adapter) && Reflect.get(adapter, 'onResponseHook') === undefined;
}
