import { jest } from '@jest/globals';
import type { SessionOptions } from 'nestjs-secure';
import type { App, NewAdapter } from './applications.js';
import { BoundBrowser } from './bound-browser.js';
import { SiteController } from './device-bound-site.js';
import { Browser, createSessionApp, type OpenStore } from './sessions.js';

export const post = { method: 'POST' };
export const MINUTE = 60_000;

afterEach(() => jest.restoreAllMocks());

/** Moves the clock of the server. */
export function pass(milliseconds: number): void {
  const now = Date.now();
  jest.spyOn(Date, 'now').mockReturnValue(now + milliseconds);
}

/** Who is signed in. */
export async function whoAt(client: Browser): Promise<unknown> {
  return JSON.parse((await client.visit('/who')).body).userId;
}

/** A client with what was copied from a browser. */
export function thiefOf(app: App, browser: Browser, ...names: string[]): Browser {
  const thief = new Browser(app);
  const lines = names.map((name) => `${name}=${browser.cookie(name)}; Path=/; Secure; HttpOnly`);
  thief.jar.store('https://localhost/', lines);
  return thief;
}

/** An application with device-bound sessions, and a browser that binds them. */
export async function openBoundSite(
  newAdapter: NewAdapter,
  openStore: () => OpenStore,
  session: Partial<SessionOptions> = {},
): Promise<{ app: App; browser: BoundBrowser }> {
  const app = await createSessionApp(newAdapter, {
    controllers: [SiteController],
    session: { ...openStore().options, deviceBound: true, ...session },
  });
  return { app, browser: new BoundBrowser(app) };
}
