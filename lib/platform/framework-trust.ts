import type { HttpServer } from '@nestjs/common';
import type { Trust } from '../transport/trust.js';
import { fastifyRequestPrototype } from './extend-requests.js';
import { rawRequestOf, type PlatformRequest } from './platform.js';

const SETTING = 'trust proxy';

/** The framework's own trust setting, as the application has it beside `proxies`. */
export interface FrameworkTrust {
  /** The value of the application, where it has set one; it is overwritten. */
  takeBack(): unknown;
}

/**
 * Gives Express the declared proxies as its own `trust proxy`, for libraries that look at the setting and then at headers
 * (passport-oauth2, express-rate-limit). On Fastify, whose requests have no such setting, passport-oauth2 finds
 * `req.app.get('trust proxy')` and `req.connection.encrypted`, unless the application has decorated its requests so.
 */
export function setFrameworkTrust(
  adapter: HttpServer,
  trusts: Trust,
  isSecure: (request: PlatformRequest) => boolean,
): FrameworkTrust | undefined {
  const instance: unknown = adapter.getInstance();
  if (typeof instance === 'function') return setExpressTrust(instance, trusts);
  addForPassport(instance, trusts, isSecure);
  return undefined;
}

function setExpressTrust(instance: object, trusts: Trust): FrameworkTrust | undefined {
  if (!isExpress(instance)) return undefined;
  const app = instance;
  const own = (address: string | undefined, hop: number): boolean => trusts(address, hop);
  function takeBack(): unknown {
    const value = app.set(SETTING);
    if (value === own) return undefined;
    app.set(SETTING, own);
    return value === false ? undefined : value;
  }
  const before = takeBack();
  return { takeBack: () => takeBack() ?? before };
}

/** `set` with one argument reads a setting. */
function isExpress(app: object): app is { set(name: string, value?: unknown): unknown } {
  return 'set' in app && typeof app.set === 'function';
}

function addForPassport(instance: unknown, trusts: Trust, isSecure: (request: PlatformRequest) => boolean): void {
  if (typeof instance !== 'object' || instance === null) return;
  const addHook: unknown = Reflect.get(instance, 'addHook');
  if (typeof addHook !== 'function') return;
  const app = { get: (name: string) => (name === SETTING ? trusts : undefined) };
  const properties: PropertyDescriptorMap & ThisType<PlatformRequest> = {
    app: { configurable: true, get: () => app },
    connection: {
      configurable: true,
      get() {
        const { socket } = rawRequestOf(this);
        return Object.create(socket, { encrypted: { value: isSecure(this) } });
      },
    },
  };
  // Late, so that the application can decorate its requests with these names.
  Reflect.apply(addHook, instance, [
    'onReady',
    function addRequestProperties(done: () => void) {
      const prototype = fastifyRequestPrototype(instance);
      for (const [name, property] of Object.entries(properties)) {
        if (prototype !== undefined && !(name in prototype)) Object.defineProperty(prototype, name, property);
      }
      done();
    },
  ]);
}
