import type { ModulesContainer } from '@nestjs/core';
import type { Handler, HandlerClass, Mark, Marks } from '../options/mark-types.js';
import { isHandlerClass, methodsOfClass, readClassMark, readMarks } from '../platform/marks.js';
import { readProperty } from '../platform/unknown-values.js';

/** The keys under which Nest keeps what the decorators of its gateways say. */
const IS_GATEWAY = 'websockets:is_gateway';
const GATEWAY_OPTIONS = 'websockets:gateway_options';
const GATEWAY_PORT = 'port';
const IS_MESSAGE = 'websockets:message_mapping';
const MESSAGE = 'message';

/** A handler of messages. */
export interface MessageHandler {
  readonly name: string;
  readonly method: Handler;
  readonly event: string;
  readonly marks: Marks;
}

/** A WebSocket gateway, as its decorators describe it. */
export interface Gateway {
  readonly type: HandlerClass;
  /** 0: that of the application. */
  readonly port: number;
  readonly path: string | undefined;
  /** Of socket.io. Beside names there are patterns and functions. */
  readonly namespace: unknown;
  /** The mark of the class, or of the nearest class it extends. */
  readonly mark: Mark | undefined;
  readonly messages: readonly MessageHandler[];
}

/** Finds the gateways of an application: the providers that Nest connects as such. */
function findGateways(modules: ModulesContainer): readonly Gateway[] {
  const types = new Set<HandlerClass>();
  for (const { providers } of modules.values()) {
    for (const { metatype, isNotMetatype } of providers.values()) {
      if (!isNotMetatype && isHandlerClass(metatype) && Reflect.hasMetadata(IS_GATEWAY, metatype)) types.add(metatype);
    }
  }
  return [...types].map(describe);
}

/** The `WsException` of the application's own `@nestjs/websockets`. */
export type NewMessageException = new (error: object) => Error;

/** The gateways of an application, and what Nest answers a message with that fails. */
export interface Gateways {
  readonly all: readonly Gateway[];
  /** Undefined where the package is not found from here: Nest's own exception has to do. */
  readonly newException: NewMessageException | undefined;
}

/** Finds the gateways, and loads what refuses their messages where any is marked. */
export async function loadGateways(modules: ModulesContainer): Promise<Gateways> {
  const all = findGateways(modules);
  return { all, newException: all.some(hasMarkedMessages) ? await importException() : undefined };
}

async function importException(): Promise<NewMessageException | undefined> {
  try {
    // An optional peer, so it is the one that the application uses; with a gateway it is there.
    const { WsException } = await import('@nestjs/websockets');
    return WsException;
  } catch {
    return undefined;
  }
}

/** Whether a decorator requires https, or a recent sign-in, of some of its messages. */
export function hasMarkedMessages({ messages }: Gateway): boolean {
  return messages.some(isGuardedMessage);
}

/** Whether it asks for a recent sign-in, which is enforced also where nothing requires https. */
export function asksForSignIn({ messages }: Gateway): boolean {
  return messages.some(({ marks }) => marks.recentSignIn !== undefined);
}

/** Whether its messages are judged one by one. */
export function isGuardedMessage(message: Pick<MessageHandler, 'marks'>): boolean {
  return isMarkedMessage(message) || message.marks.recentSignIn !== undefined;
}

/** Whether a decorator of the handler itself requires https. */
export function isMarkedMessage({ marks }: Pick<MessageHandler, 'marks'>): boolean {
  return marks.handler?.level === 'required';
}

function describe(type: HandlerClass): Gateway {
  const options: unknown = Reflect.getMetadata(GATEWAY_OPTIONS, type);
  const port: unknown = Reflect.getMetadata(GATEWAY_PORT, type);
  const path = readProperty(options, 'path');
  return {
    type,
    port: typeof port === 'number' ? port : 0,
    path: typeof path === 'string' ? path : undefined,
    namespace: readProperty(options, 'namespace'),
    mark: readClassMark(type),
    messages: messagesOf(type),
  };
}

function messagesOf(type: HandlerClass): readonly MessageHandler[] {
  return methodsOfClass(type).flatMap(({ name, method }) => {
    if (typeof name !== 'string' || !Reflect.hasMetadata(IS_MESSAGE, method)) return [];
    const event: unknown = Reflect.getMetadata(MESSAGE, method);
    const written = typeof event === 'string' ? event : JSON.stringify(event);
    return [{ name, method, event: written, marks: readMarks(type, name) }];
  });
}
