import type { Session, SessionData } from 'express-session';
import type { IncomingMessage } from 'node:http';

/** What `signIn` and a handler may not use as keys: the session's own properties and methods. */
const RESERVED = new Set(['cookie', 'id', 'req', 'save', 'destroy', 'regenerate', 'reload', 'touch', 'resetMaxAge']);

/** The session a request has now, without starting one. */
export function ownSession(request: IncomingMessage): (Session & SessionData) | undefined {
  const value: unknown = Object.hasOwn(request, 'session') ? Reflect.get(request, 'session') : undefined;
  return isSession(value) ? value : undefined;
}

/** Whether this is a session of express-session, and not an object that a handler put in its place. */
export function isSession(value: unknown): value is Session & SessionData {
  return typeof value === 'object' && value !== null && 'regenerate' in value && 'id' in value;
}

/** Whether a session holds nothing but its cookie. */
export function isEmpty(session: object): boolean {
  return Object.keys(session).every((key) => key === 'cookie');
}

/** The first key that would take the place of something of the session's own. */
export function reservedKey(data: object): string | undefined {
  return Object.keys(data).find((key) => RESERVED.has(key));
}

/** Calls a method of a session and waits for its callback. */
export function callSession(session: Session, method: 'save' | 'destroy' | 'regenerate'): Promise<void> {
  return new Promise((resolve, reject) => {
    session[method]((error: unknown) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}
