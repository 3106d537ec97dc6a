import { possibleDecodings } from '../policy/paths.js';
import { pathOf, readPath } from '../transport/request-target.js';
import { rawRequestOf, targetOf, type PlatformRequest } from '../platform/platform.js';
import { isObject } from '../platform/unknown-values.js';

/** Asked about each target that the application rewrites a request to; true when it has answered the request. */
export type RefusesTarget = (target: string) => boolean;

/** Where Express' router keeps the last `req.url` it parsed. */
const PARSED_URL = '_parsedUrl';

/**
 * What parses a target for other ends than to route by it: file servers, and `path` and `query` of a request. They know of
 * no target without a path, so theirs cannot be decoded. Whatever is not known to be one of them may be a router.
 */
const READERS = /[\\/]node_modules[\\/](?:serve-static|express[\\/]lib[\\/]request\.js)/;
const UNDECODABLE = '/%';
/** On the stack: `callerAt`, `judge`, the accessor, `parseurl`, and what it parses for. */
const PARSED_FOR = 4;

/** Requests in Express that were rewritten to a path that requires https, and answered. */
const refused = new WeakSet<PlatformRequest>();

/**
 * Watches to which target the application rewrites a request that the gate has let through: by `req.url`, in any
 * middleware, router, hook or sub-application, also later. Once `refuses` has answered, nothing behind it runs.
 *
 * Costs a request some microseconds, so it is for plain-HTTP requests of applications that have `paths` rules.
 */
export function watchRewrites(request: PlatformRequest, refuses: RefusesTarget): void {
  if (PARSED_URL in request) watchRouter(request, refuses);
  else watchRawRequest(request, refuses);
}

/**
 * Express asks nobody when a request is rewritten, and an accessor for `req.url` would see the router strip the path of
 * each mount. But a router, in each step from one layer to the next, parses `req.url` where it has changed, and keeps the
 * result on the request. An accessor there is told of every target the request is routed by, in sub-routers and
 * sub-applications too; a router takes a request whose target has no path to its end. Tests hold both.
 *
 * **Security:** it never throws: file servers and `req.path` parse too, and what they are called from, such as a timer or a
 * listener for the end of the response, may be where an error ends the process.
 */
function watchRouter(request: PlatformRequest, refuses: RefusesTarget): void {
  const sent = targetOf(request);
  // Of an application that another one has mounted, rules cover the path with the mount and the path without it.
  const mount = mountOf(request);
  let { url } = rawRequestOf(request);
  let parsed: unknown = Reflect.get(request, PARSED_URL);
  let judged = url;
  // Of the application that has mounted this one: its rules hold here too.
  const askOuter = Object.getOwnPropertyDescriptor(request, PARSED_URL)?.get;

  // Asked where it is read too: middleware may have changed in place what was parsed, and the router parses nothing then.
  function judge(): void {
    askOuter?.call(request);
    const { url: current } = rawRequestOf(request);
    if (current !== judged) {
      judged = current;
      const target = routedTarget(request);
      const isRefused = (): boolean => refuses(target) || (mount !== '' && refuses(withoutMount(target, mount)));
      if (target !== sent && !refused.has(request) && isRefused()) refused.add(request);
    }
    if (refused.has(request) && isObject(parsed)) {
      Reflect.set(parsed, 'pathname', READERS.test(callerAt(PARSED_FOR) ?? '') ? UNDECODABLE : undefined);
    }
  }

  function getParsed(): unknown {
    judge();
    return parsed;
  }

  function setParsed(value: unknown): void {
    parsed = value;
    judge();
  }

  function watchParsed(): void {
    const property = { configurable: true, enumerable: true, get: getParsed, set: setParsed };
    Object.defineProperty(request, PARSED_URL, property);
  }

  watchParsed();
  // Middleware that rewrites a request often deletes what was parsed of it; the router reads `url` first of all.
  Object.defineProperty(request, 'url', {
    configurable: true,
    enumerable: true,
    get() {
      if (Object.getOwnPropertyDescriptor(request, PARSED_URL)?.set === setParsed) return url;
      parsed = undefined;
      watchParsed();
      return url;
    },
    set(value: string) {
      url = value;
    },
  });
}

/** What a router in Express routes a request by: the paths of the mounts around it, and the rest. */
function routedTarget(request: PlatformRequest): string {
  const { url = '/' } = rawRequestOf(request);
  const mount = mountOf(request);
  if (mount === '') return url;
  const path = readPath(url);
  return path === undefined ? url : mount + path;
}

function withoutMount(target: string, mount: string): string {
  return target.startsWith(mount) ? target.slice(mount.length) : target;
}

/** The path that the mounts around a request have taken off its target; empty where there is none. */
function mountOf(request: PlatformRequest): string {
  const mount: unknown = Reflect.get(request, 'baseUrl');
  return typeof mount === 'string' ? mount : '';
}

/**
 * Fastify routes before its hooks run, and middleware under it goes by `originalUrl`, which it puts back into `url` after
 * each step. So both are watched where they are written. Writing the answer is enough to end there: Fastify goes on with
 * no request that has been answered.
 */
function watchRawRequest(request: PlatformRequest, refuses: RefusesTarget): void {
  const raw = rawRequestOf(request);
  const sent = targetOf(request);
  let isRefused = false;

  function watch(property: 'url' | 'originalUrl', isOwnDoing: (target: string) => boolean): void {
    let current: unknown = Reflect.get(raw, property);
    Object.defineProperty(raw, property, {
      configurable: true,
      enumerable: true,
      get: () => current,
      set(value: unknown) {
        current = value;
        if (typeof value === 'string' && value !== sent && !isOwnDoing(value)) isRefused ||= refuses(value);
      },
    });
  }

  watch('url', (target) => isRestOf(target, sent) && isWrittenByMount());
  watch('originalUrl', () => false);
}

/** What takes the path of a mount off `url`, and puts it back: middie, Nest's adapter, and routers of Express below a mount. */
const MOUNTS =
  /[\\/]node_modules[\\/](?:@fastify[\\/](?:middie|express)|@nestjs[\\/]platform-fastify|router|express|connect)[\\/]/;

/**
 * Whether the code that is writing `url` is a mount. A hook that takes the start of the path off writes the same, and
 * nothing else tells the two apart; so the stack is read, only where a mount would leave a path of a rule. Where it
 * cannot be told, as in a bundle, it is no mount, and a plain-HTTP request is refused.
 */
function isWrittenByMount(): boolean {
  const writer = callerAt(WRITER);
  return writer !== undefined && MOUNTS.test(writer);
}

/** On the stack: `callerAt`, `isWrittenByMount`, what asks it, the accessor, and what writes. */
const WRITER = 4;

/** A line of the stack; undefined where it cannot be told: an application's own Error.prepareStackTrace may have made anything of it. */
function callerAt(depth: number): string | undefined {
  return String(new Error().stack)
    .split('\n')
    .filter((line) => line.startsWith('    at '))[depth];
}

/** Whether a target is the rest of another below the path of a mount. */
function isRestOf(target: string, whole: string): boolean {
  const rest = pathOf(target).toLowerCase();
  return possibleDecodings(pathOf(whole))?.some((reading) => reading.endsWith(rest)) === true;
}
