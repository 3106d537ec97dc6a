import type { HttpServer } from '@nestjs/common';
import { Server as NetServer } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RouteTable } from '../policy/route-table.js';
import { hooksOf, isFirstLayer } from './layers-before-gate.js';
import { isExempt } from './exempt-routes.js';
import type { Gate } from './gate.js';
import { narrowsPolicy } from './route-policy.js';
import type { PlatformRequest } from '../platform/platform.js';

/** What the server gate needs of the application. */
interface OuterGateParts {
  readonly table: RouteTable;
  /** Gives a request that the framework has not seen what the framework would say of it. */
  readonly asPlatformRequest: (raw: IncomingMessage) => PlatformRequest;
  /** Hears of a request that was answered. */
  readonly turnAway: (request: PlatformRequest) => void;
}

/**
 * Puts a gate where the server hands a request to the framework. What it answers costs the framework nothing, which is
 * most of what a redirect costs. It is there beside the gate, never in its place: a request may also come by
 * `app.inject()`, by a function that is called without a server, or by a server that is not the adapter's.
 *
 * Whatever attaches to the server later and wraps its listeners, such as socket.io, stands before it. Until the function
 * that is returned is called, once the application has started, it lets everything through to the gate.
 */
export function installServerGate(
  adapter: HttpServer,
  gate: Gate,
  { table, asPlatformRequest, turnAway }: OuterGateParts,
): () => void {
  let started = false;
  let foreseeable: boolean | undefined;

  function answers(raw: IncomingMessage, response: ServerResponse): boolean {
    let answered = false;
    try {
      if (!started || !(foreseeable ??= isForeseeable(adapter, table))) return false;
      const request = asPlatformRequest(raw);
      answered = gate(request, response);
      if (answered) turnAway(request);
    } catch {
      // Nobody would answer here. The gate comes to the same, and there the framework does.
    }
    return answered;
  }

  const initHttpServer: unknown = Reflect.get(adapter, 'initHttpServer');
  if (typeof initHttpServer === 'function') {
    Reflect.set(adapter, 'initHttpServer', function initWithOuterGate(...given: unknown[]) {
      const returned: unknown = Reflect.apply(initHttpServer, adapter, given);
      standBefore(adapter, answers);
      return returned;
    });
  }
  return function open() {
    started = true;
  };
}

/** Only where the server hands its requests to the framework itself; whoever stands between may have other plans. */
function standBefore(
  adapter: HttpServer,
  answers: (request: IncomingMessage, response: ServerResponse) => boolean,
): void {
  const server: unknown = adapter.getHttpServer();
  if (!(server instanceof NetServer)) return;
  const [framework, ...others] = server.rawListeners('request');
  if (framework === undefined || framework !== frameworkOf(adapter.getInstance()) || others.length > 0) return;
  server.removeAllListeners('request');
  server.on('request', function serverGate(this: unknown, request: IncomingMessage, response: ServerResponse) {
    // While it closes, the framework closes connections with its answers.
    if (server.listening && answers(request, response)) return;
    Reflect.apply(framework, this, [request, response]);
  });
}

/** What takes the requests of a server: the instance of Express, the `routing` of Fastify. */
function frameworkOf(instance: unknown): unknown {
  return isObject(instance) ? Reflect.get(instance, 'routing') : instance;
}

/**
 * Whether the gate's answer to a request depends on nothing that the framework would find out first, and nobody waits to
 * hear of it. Fastify has looked for the route when it asks the gate; what stands before the gate may answer, or change
 * where a request goes; hooks for responses and a log of requests are to have every request.
 */
function isForeseeable(adapter: HttpServer, table: RouteTable): boolean {
  if (!isFirstLayer(adapter) || Reflect.get(adapter, 'onResponseHook') !== undefined) return false;
  const instance: unknown = adapter.getInstance();
  if (typeof instance === 'function') return true;
  // The adapter has one hook of its own.
  if (logsRequests(instance) || hooksOf(instance, 'onResponse').length > 1) return false;
  return !table.routes().some((route) => isExempt(route) || narrowsPolicy(route));
}

/** Without a logger Fastify has one that has no level, and whose methods are all the same and do nothing. */
function logsRequests(instance: unknown): boolean {
  const log: unknown = isObject(instance) ? Reflect.get(instance, 'log') : undefined;
  if (!isObject(log)) return false;
  return Reflect.get(log, 'level') !== undefined || Reflect.get(log, 'info') !== Reflect.get(log, 'trace');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
