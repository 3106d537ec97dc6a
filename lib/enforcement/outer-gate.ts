import type { HttpServer } from '@nestjs/common';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RouteTable } from '../policy/route-table.js';
import { whatStandsBeforeGate } from './before-gate.js';
import { isExempt } from './exempt-reach.js';
import type { Gate } from './gate.js';
import { narrowsPolicy } from './narrowed-policy.js';
import type { PlatformRequest } from './platform.js';

/** What the outer gate needs of the application. */
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
 * Whatever attaches to the server later and wraps its listeners, such as socket.io, stands before it.
 */
export function placeOuterGate(
  adapter: HttpServer,
  gate: Gate,
  { table, asPlatformRequest, turnAway }: OuterGateParts,
): void {
  const initHttpServer: unknown = Reflect.get(adapter, 'initHttpServer');
  if (typeof initHttpServer !== 'function') return;
  let foreseen: boolean | undefined;

  function answers(raw: IncomingMessage, response: ServerResponse): boolean {
    let answered = false;
    try {
      if (!(foreseen ??= isForeseeable(adapter, table))) return false;
      const request = asPlatformRequest(raw);
      answered = gate(request, response);
      if (answered) turnAway(request);
    } catch {
      // Nobody would answer here. The gate comes to the same, and there the framework does.
    }
    return answered;
  }

  Reflect.set(adapter, 'initHttpServer', function initWithOuterGate(...given: unknown[]) {
    const returned: unknown = Reflect.apply(initHttpServer, adapter, given);
    const server: unknown = adapter.getHttpServer();
    if (server instanceof EventEmitter) standBefore(server, answers);
    return returned;
  });
}

function standBefore(
  server: EventEmitter,
  answers: (request: IncomingMessage, response: ServerResponse) => boolean,
): void {
  const [application, ...others] = server.rawListeners('request');
  if (application === undefined || others.length > 0) return;
  server.removeAllListeners('request');
  server.on('request', function outerGate(this: unknown, request: IncomingMessage, response: ServerResponse) {
    if (!answers(request, response)) Reflect.apply(application, this, [request, response]);
  });
}

/**
 * Whether the gate's answer to a request depends on nothing that the framework would find out first. Fastify has looked
 * for the route when it asks the gate; what stands before the gate may answer, or change where a request goes; and a log
 * of requests is to have every request.
 */
function isForeseeable(adapter: HttpServer, table: RouteTable): boolean {
  if (whatStandsBeforeGate(adapter).length > 0) return false;
  const instance: unknown = adapter.getInstance();
  if (typeof instance === 'function') return true;
  return !logsRequests(instance) && !table.routes().some((route) => isExempt(route) || narrowsPolicy(route));
}

/** Without a logger Fastify has one whose methods are all the same, and do nothing. */
function logsRequests(instance: unknown): boolean {
  const log: unknown = isObject(instance) ? Reflect.get(instance, 'log') : undefined;
  return isObject(log) && Reflect.get(log, 'info') !== Reflect.get(log, 'trace');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
