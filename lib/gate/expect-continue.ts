import type { EventEmitter } from 'node:events';
import { Server as NetServer } from 'node:net';
import type { HttpServer } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIncomingMessage } from '../platform/platform.js';
import { isObject } from '../platform/unknown-values.js';

const EVENT = 'checkContinue';

/** Answers a request that waits for `100 Continue` before it sends its body; true when it has. */
export type ContinueGate = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * Puts a gate where the adapter's server has a request with `Expect: 100-continue`. Costs requests without it nothing.
 */
export function installContinueGate(adapter: HttpServer, gate: ContinueGate): void {
  const initHttpServer: unknown = Reflect.get(adapter, 'initHttpServer');
  if (typeof initHttpServer !== 'function') return;
  Reflect.set(adapter, 'initHttpServer', function initWithContinueGate(...given: unknown[]): unknown {
    const returned: unknown = Reflect.apply(initHttpServer, adapter, given);
    const server: unknown = adapter.getHttpServer();
    if (server instanceof NetServer)
      gateContinue(server, (request, response) => answersSafely(gate, request, response));
    return returned;
  });
}

/** An error here would be nobody's. The gate and the guard come to the same request, and there the framework answers. */
function answersSafely(gate: ContinueGate, request: IncomingMessage, response: ServerResponse): boolean {
  try {
    return gate(request, response);
  } catch {
    return response.headersSent;
  }
}

/**
 * What the gate does not answer gets its 100 as before (RFC 9110 10.1.1): from a listener of the application where there is
 * one, and else as Node sends it to a server without a listener.
 */
export function gateContinue(server: EventEmitter, gate: ContinueGate): void {
  function sendContinue(request: IncomingMessage, response: ServerResponse): void {
    if (server.listenerCount(EVENT) > 1) return;
    if (gate(request, response)) return;
    response.writeContinue();
    server.emit('request', request, response);
  }

  server.on(EVENT, sendContinue);
  if (server.listenerCount(EVENT) > 1) return intercept(server, gate);
  server.on('newListener', function meetOther(event) {
    if (event !== EVENT) return;
    server.off('newListener', meetOther);
    intercept(server, gate);
  });
}

/** Node tells every listener, so the gate has to come before the event. */
function intercept(server: EventEmitter, gate: ContinueGate): void {
  const emit = server.emit.bind(server);
  server.emit = function emitBehindGate(event: string | symbol, ...given: unknown[]): boolean {
    if (event !== EVENT) return emit(event, ...given);
    const [request, response] = given;
    return (isIncomingMessage(request) && isResponse(response) && gate(request, response)) || emit(event, ...given);
  };
}

function isResponse(value: unknown): value is ServerResponse {
  return isObject(value) && 'writeContinue' in value;
}
