import type { HttpServer } from '@nestjs/common';
import { prototypeChain, readProperty } from '../platform/unknown-values.js';

/** A property that the adapter's own layer reads: its text tells it from the layers of the application. */
const ADAPTER_LAYER = 'onRequestHook';

/** The symbol under which Fastify keeps the hooks of an instance. */
const FASTIFY_HOOKS = 'fastify.hooks';

/** What Express 4 puts at the beginning by itself. */
const OF_EXPRESS = new Set(['query', 'expressInit']);

/**
 * What stands before the gate, by name: layers and hooks on an instance that was handed to the adapter. The adapter adds
 * its own layer, in which the gate is, when it is made.
 */
export function layersBeforeGate(adapter: HttpServer): readonly string[] {
  const entries = entriesOf(adapter);
  return entries.slice(0, Math.max(placeOfGate(entries), 0)).map(({ name }) => name);
}

/** Whether it is certain that nothing does: where somebody wraps layers, as tracers do, the gate's own is not found. */
export function isFirstLayer(adapter: HttpServer): boolean {
  return placeOfGate(entriesOf(adapter)) === 0;
}

function entriesOf(adapter: HttpServer): readonly Entry[] {
  const instance: unknown = adapter.getInstance();
  if (typeof instance === 'function') return expressLayers(instance);
  return hooksOf(instance, 'onRequest').map((hook) => ({ run: hook, name: nameOf(hook) }));
}

function placeOfGate(entries: readonly Entry[]): number {
  return entries.findIndex(({ run }) => typeof run === 'function' && textOf(run).includes(ADAPTER_LAYER));
}

interface Entry {
  readonly run: unknown;
  readonly name: string;
}

function expressLayers(instance: object): readonly Entry[] {
  const router = readProperty(instance, '_router') ?? readProperty(instance, 'router');
  return listOf(readProperty(router, 'stack'))
    .map((layer) => ({ run: readProperty(layer, 'handle'), name: layerName(layer) }))
    .filter(({ name }) => !OF_EXPRESS.has(name));
}

function layerName(layer: unknown): string {
  const path = readProperty(readProperty(layer, 'route'), 'path');
  return path === undefined ? nameOf(readProperty(layer, 'handle')) : `the route ${String(path)}`;
}

/** The hooks of a Fastify instance by the name of what they are called for. */
function hooksOf(instance: unknown, name: string): readonly unknown[] {
  for (const at of prototypeChain(instance)) {
    const symbol = Object.getOwnPropertySymbols(at).find(({ description }) => description === FASTIFY_HOOKS);
    if (symbol !== undefined) return listOf(readProperty(readProperty(at, symbol), name));
  }
  return [];
}

function nameOf(run: unknown): string {
  return typeof run === 'function' && run.name !== '' ? run.name : 'a function without a name';
}

function textOf(run: object): string {
  return Function.prototype.toString.call(run);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
