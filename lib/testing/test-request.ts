import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Duration } from '../options/duration.js';
import { parseDuration } from '../settings/durations.js';
import type { TestingClaims } from '../platform/testing-claims.js';
import { CLAIMS_HEADER, isPeer, readClaims, writeClaims } from './claims.js';

/** A request of supertest or superagent, or anything else that takes headers by `set`. */
export interface SettableRequest {
  set(name: string, value: string): unknown;
}

/** The options of Fastify's `inject`. */
export interface InjectRequest {
  /** A literal here keeps the method that is given one: `inject` takes no `string`. */
  readonly method?: 'GET' | (string & Record<never, never>) | undefined;
  readonly url?: unknown;
  readonly path?: unknown;
  readonly headers?: IncomingHttpHeaders | OutgoingHttpHeaders;
}

/** The proxy that a request seems to have come through. */
export interface ProxiedBy {
  /** The address of the proxy, or `'unix'` for one on a unix socket. Default `'127.0.0.1'`. */
  readonly peer?: string;
  /** The headers it adds. */
  readonly headers?: Readonly<Record<string, string>>;
}

const claimed = new WeakMap<SettableRequest, TestingClaims>();

/**
 * Lets a request go as if it had come over TLS: no certificate, and no header that anybody else could send. The kit must
 * be imported before the application is created.
 *
 * Declared proxies still have the last word: where one of them is the peer and its header says http, the request is not
 * secure (see `throughProxy`).
 *
 * @param test a request of supertest, a whole `agent` (for every request of it; it keeps and sends Secure cookies, so that
 * a test signs in and goes on), or the options of Fastify's `inject`
 * @returns that request, or a copy of those options
 * @throws TypeError when it is neither
 * @example
 * await asHttps(request(app.getHttpServer()).get('/account')).expect(200);
 * const response = await app.inject(asHttps({ method: 'GET', url: '/account' }));
 */
export function asHttps<TRequest extends SettableRequest | InjectRequest>(test: TRequest): TRequest {
  return withClaims('asHttps', test, { encrypted: true }, {});
}

/**
 * Lets a request go as if a proxy had passed it on. Whether the proxy is believed is for the application's own
 * `proxies` to say; the framework's own `trust proxy` sees the real peer.
 *
 * @throws TypeError when `test` is not a request, or `peer` not an address
 * @example
 * await throughProxy(request(app.getHttpServer()).get('/account'), {
 *   peer: '10.0.0.3',
 *   headers: { 'X-Forwarded-Proto': 'https' },
 * }).expect(200);
 */
export function throughProxy<TRequest extends SettableRequest | InjectRequest>(
  test: TRequest,
  { peer = '127.0.0.1', headers = {} }: ProxiedBy,
): TRequest {
  if (!isPeer(peer)) {
    throw new TypeError(
      `throughProxy: the peer '${String(peer)}' is not an address. Accepted: an IP address, or 'unix'.`,
    );
  }
  return withClaims('throughProxy', test, { peer }, headers);
}

/**
 * Lets a request go as if its user had signed in that long ago: `@RecentSignIn()` asks them to confirm who they are. Sign in
 * first; a sign-in that is older stays as old as it is.
 *
 * @param ago a number with a unit, such as `'2 hours'`, or milliseconds
 * @throws TypeError when `test` is not a request, or `ago` no duration
 * @example
 * const agent = asHttps(request.agent(app.getHttpServer()));
 * await agent.post('/login').send({ user: 'ada', password });
 * await signedInAgo(agent.post('/account/delete'), '2 hours').expect(401);
 */
export function signedInAgo<TRequest extends SettableRequest | InjectRequest>(test: TRequest, ago: Duration): TRequest {
  const milliseconds = parseDuration(ago);
  if (milliseconds === undefined) {
    throw new TypeError(
      `signedInAgo: '${String(ago)}' is no duration. Accepted: a number with a unit, such as '2 hours', or milliseconds.`,
    );
  }
  return withClaims('signedInAgo', test, { signedInAgo: milliseconds }, {});
}

function withClaims<TRequest extends SettableRequest | InjectRequest>(
  caller: string,
  test: TRequest,
  claims: TestingClaims,
  headers: Readonly<Record<string, string>>,
): TRequest {
  if (isSettable(test)) {
    // A request of an agent has the header of that agent.
    const header: unknown = Reflect.get(test, 'header');
    const inherited = readClaims(Reflect.get(Object(header), CLAIMS_HEADER));
    const all = { ...inherited, ...claimed.get(test), ...claims };
    claimed.set(test, all);
    for (const [name, value] of Object.entries(headers)) test.set(name, value);
    test.set(CLAIMS_HEADER, writeClaims(all));
    const statesHttps = Object.values(headers).some((value) => /\bhttps\b/i.test(value));
    if ((all.encrypted === true || statesHttps) && hasCookieJar(test)) sendSecureCookies(test.jar);
    return test;
  }
  if (!isInject(test)) {
    throw new TypeError(
      `${caller} was given something that takes no headers. Accepted: a request of supertest, such as request(server).get('/'), or the options of inject(), such as { method: 'GET', url: '/' }.`,
    );
  }
  const all = { ...readClaims(test.headers?.[CLAIMS_HEADER]), ...claims };
  return { ...test, headers: { ...test.headers, ...headers, [CLAIMS_HEADER]: writeClaims(all) } };
}

/** The jar of superagent's `agent`. It keeps Secure cookies, and sends them to https URLs only. */
interface AgentJar {
  getCookies(access: object): unknown;
}

function hasCookieJar(test: object): test is { jar: AgentJar } {
  const jar: unknown = Reflect.get(test, 'jar');
  return typeof jar === 'object' && jar !== null && 'getCookies' in jar && typeof jar.getCookies === 'function';
}

/** The URL of a test is http, and its requests count as https: the jar is told so. */
function sendSecureCookies(jar: AgentJar): void {
  const { getCookies } = jar;
  jar.getCookies = (access) => getCookies.call(jar, { ...access, secure: true });
}

function isSettable(test: unknown): test is SettableRequest {
  return typeof test === 'object' && test !== null && 'set' in test && typeof test.set === 'function';
}

function isInject(test: unknown): test is InjectRequest {
  return typeof test === 'object' && test !== null && ('url' in test || 'path' in test);
}
