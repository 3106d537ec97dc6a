import type { HttpServer } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { readProperty } from './unknown-values.js';
import { wrapMethod } from './wrap-method.js';

/** Fastify's plugins that put a session on requests. */
const PLUGINS = ['@fastify/session', '@fastify/secure-session'];

/** Finds out which other session engines an application uses: the middleware it adds from here on, and plugins. */
export function watchSessionMiddleware(adapter: HttpServer, modules: ModulesContainer): () => readonly string[] {
  const found = new Set<string>();
  const note = (given: readonly unknown[]): void => {
    for (const one of given.flat()) {
      const name = engineOf(one);
      if (name !== undefined) found.add(name);
    }
  };
  watchCalls(adapter, 'use', note);
  // Called when the modules are made, and right before they configure their middleware.
  watchCalls(adapter, 'init', () => {
    for (const { instance } of modules.values()) watchConsumer(instance, note);
  });
  return () => [...found, ...pluginsOf(adapter.getInstance())];
}

/** Nest wraps a function that `consumer.apply()` is given, so it is seen there or never. */
function watchConsumer(module: unknown, note: (given: readonly unknown[]) => void): void {
  if (typeof module !== 'object' || module === null) return;
  watchCalls(module, 'configure', ([consumer]) => {
    if (typeof consumer === 'object' && consumer !== null) watchCalls(consumer, 'apply', note);
  });
}

/** Has the arguments of a method noted before each call. */
function watchCalls(owner: object, name: string, note: (given: readonly unknown[]) => void): void {
  wrapMethod(owner, name, (given, call) => {
    note(given);
    return call(given);
  });
}

/** By the name of the function that its package makes. */
function engineOf(middleware: unknown): string | undefined {
  if (typeof middleware !== 'function') return undefined;
  if (middleware.name === '_cookieSession') return 'cookie-session';
  const isEngine = middleware.name === 'session' && String(middleware).includes('sessionID');
  return isEngine ? 'express-session' : undefined;
}

function pluginsOf(instance: unknown): readonly string[] {
  const hasPlugin = readProperty(instance, 'hasPlugin');
  if (typeof hasPlugin !== 'function') return [];
  return PLUGINS.filter((name) => Reflect.apply(hasPlugin, instance, [name]) === true);
}
