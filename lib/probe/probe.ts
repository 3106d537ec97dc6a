import { setTimeout as pause } from 'node:timers/promises';
import type { Finding } from '../findings/findings.js';
import type { Unlisted } from '../policy/route-table.js';
import { findProviders, type ApplicationProviders } from '../proxy-config/write-proxy-config.js';
import { parseConnectTo, parseSiteAddress } from './address.js';
import { parseNamedRoute, planAsks } from './asks.js';
import { detectFrontServer, type FrontServer } from './directives.js';
import { judge, listUnanswered } from './judge.js';
import type { Ask, Exchange, Observed } from './observations.js';
import { lookAtCertificate, lookForOldVersions, sendAsk, type Network } from './send.js';
import { originText, urlText } from './problems.js';
import { describeSite, type ProbeSite, type SiteRoute } from './site.js';

/** How a deployed site is asked. */
export interface ProbeOptions {
  /** Requests a second, at most. Default 5. */
  readonly rate?: number;
  /** How long an answer may take, in milliseconds. Default 10,000. */
  readonly timeout?: number;
  /** Where to connect in place of a host and port, as curl's `--connect-to`: `HOST1:PORT1:HOST2:PORT2`. Default none. */
  readonly connectTo?: readonly string[];
  /** Authorities to trust beside the well-known ones, as PEM. Default none. */
  readonly ca?: string | readonly string[];
  /**
   * Routes to ask as well that are not asked unnamed, such as `'GET /logout'`: handlers that may change something.
   * One of another method than GET is asked over plain HTTP alone, with an empty body. Default none.
   */
  readonly ask?: readonly string[];
  /** Told what is being asked. */
  readonly onProgress?: (what: string) => void;
}

/** What was answered to a request. */
export interface ProbedAnswer {
  /** The status; undefined where there was no answer. */
  readonly status: number | undefined;
  /** The header Location, as it was sent. */
  readonly location: string | undefined;
}

/** One route, with what the site answered. */
export interface ProbedRoute extends Pick<SiteRoute, 'method' | 'path' | 'handler' | 'requirement'> {
  /** Undefined where it was not asked. */
  readonly http: ProbedAnswer | undefined;
  /** Undefined where it was not asked. */
  readonly https: ProbedAnswer | undefined;
  /** Why it was not asked; undefined where it was. */
  readonly notAsked: string | undefined;
}

/** What the probe of a site found: the shape of `--json`. */
export interface ProbeReport {
  /** Of this shape; it grows when a field goes or changes its meaning. */
  readonly format: 1;
  /** The address of the site. */
  readonly url: string;
  /** The server in front that names itself. */
  readonly server: FrontServer | undefined;
  /** How many requests were sent. */
  readonly requests: number;
  readonly routes: readonly ProbedRoute[];
  /** How plain HTTP was answered: `'refused'` where every connection was refused, `'silent'` where none was answered for another reason. */
  readonly plainHttp: 'answered' | 'refused' | 'silent';
  /** What may answer and is no route. */
  readonly unlisted: readonly Unlisted[];
  /** Requests whose answer says nothing, such as 503. */
  readonly unanswered: readonly Unlisted[];
  readonly findings: readonly Finding[];
}

/**
 * Asks the site that an application is deployed as, from outside: over plain HTTP and over TLS, with GET and HEAD, route by
 * route. Handlers whose name, path or code says that they may change something are not asked unless `ask` names them.
 * The application is initialised and need not listen.
 *
 * **Security:** the answers of a site with a wrong certificate are read all the same, to say what else is wrong. The probe
 * sends nothing secret. Ask only sites that are yours.
 *
 * @param app supplies the routes and the options, `await NestFactory.create(AppModule)` after `app.init()`
 * @param url the https address that visitors use; its path is the prefix that a proxy takes off
 * @throws RangeError where the address or an option is wrong; Error where the application does not import SecureModule.
 */
export async function probe(app: ApplicationProviders, url: string, options: ProbeOptions = {}): Promise<ProbeReport> {
  const { table, settings } = findProviders(app);
  return probeSite(describeSite(table, settings, parseSiteAddress(url)), options);
}

/** The same for a site that is described already. */
export async function probeSite(site: ProbeSite, options: ProbeOptions = {}): Promise<ProbeReport> {
  const asks = planAsks(
    site,
    (options.ask ?? []).map((given) => parseNamedRoute(given, site)),
  );
  const observed = await observe(site, asks, options);
  return {
    format: 1,
    url: originText(site, 'https') + site.prefix,
    server: detectFrontServer(observed.exchanges),
    requests: observed.exchanges.length,
    routes: site.routes.map((route, index) => describeAnswers(route, index, observed.exchanges)),
    plainHttp: describePlainHttp(observed.exchanges),
    unlisted: site.unlisted,
    unanswered: listUnanswered(site, observed),
    findings: judge(site, observed, new Date()),
  };
}

function describePlainHttp(exchanges: readonly Exchange[]): ProbeReport['plainHttp'] {
  const answers = exchanges.filter(({ ask }) => ask.scheme === 'http').map(({ answer }) => answer);
  if (answers.length === 0 || answers.some((answer) => 'status' in answer)) return 'answered';
  return answers.every((answer) => 'failure' in answer && answer.failure === 'ECONNREFUSED') ? 'refused' : 'silent';
}

const DEFAULT_RATE = 5;
const DEFAULT_TIMEOUT = 10_000;
const LONGEST_PAUSE = 10_000;
/** A timer of Node that is longer ends at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

/** Asks for everything, one after the other. */
async function observe(site: ProbeSite, asks: readonly Ask[], options: ProbeOptions): Promise<Observed> {
  const { onProgress } = options;
  const network = networkFrom(options);
  const began = Date.now();
  let wait = 1000 / checkedRate(options.rate);
  onProgress?.(`shaking hands with ${originText(site, 'https')}`);
  const handshake = await lookAtCertificate(site, network);
  const oldVersions = await lookForOldVersions(site, network);
  const exchanges: Exchange[] = [];
  for (const [index, ask] of asks.entries()) {
    onProgress?.(`${index + 1} of ${asks.length}: ${ask.method} ${urlText({ ask }, site)}`);
    await pause(wait);
    const exchange = await exchangeFor(ask, site, network);
    exchanges.push(exchange);
    // The site is asked too often: more slowly from here on.
    if ('status' in exchange.answer && exchange.answer.status === 429) wait = Math.min(wait * 2, LONGEST_PAUSE);
  }
  return { began, handshake, oldVersions, exchanges };
}

/** What turns a request away says why in its body, which HEAD does not bring. */
const TELLING_BODY: ReadonlySet<number> = new Set([400, 403, 421]);

async function exchangeFor(ask: Ask, site: ProbeSite, network: Network): Promise<Exchange> {
  const answer = await sendAsk(ask, site, network);
  if (ask.method !== 'HEAD' || 'failure' in answer || !TELLING_BODY.has(answer.status)) return { ask, answer };
  const again: Ask = { ...ask, method: 'GET' };
  return { ask: again, answer: await sendAsk(again, site, network) };
}

function networkFrom({ connectTo = [], ca = [], timeout = DEFAULT_TIMEOUT }: ProbeOptions): Network {
  if (!(Number.isFinite(timeout) && timeout > 0)) {
    throw new RangeError(`timeout is ${String(timeout)}. Accepted: milliseconds, such as ${DEFAULT_TIMEOUT}.`);
  }
  return {
    connectTo: connectTo.map(parseConnectTo),
    ca: typeof ca === 'string' ? [ca] : ca,
    userAgent: 'nestjs-secure-probe',
    timeout: Math.min(timeout, LONGEST_TIMEOUT),
  };
}

function checkedRate(rate = DEFAULT_RATE): number {
  if (Number.isFinite(rate) && rate > 0) return rate;
  throw new RangeError(`rate is ${String(rate)}. Accepted: requests a second, such as ${DEFAULT_RATE}.`);
}

function describeAnswers(route: SiteRoute, index: number, exchanges: readonly Exchange[]): ProbedRoute {
  const { method, path, handler, requirement, reserved, target, invented } = route;
  const answerOver = (scheme: 'http' | 'https'): ProbedAnswer | undefined => {
    const exchange = exchanges.find(
      ({ ask }) => ask.route === index && ask.scheme === scheme && ask.forged === undefined,
    );
    if (exchange === undefined) return undefined;
    const { answer } = exchange;
    if ('failure' in answer) return { status: undefined, location: undefined };
    return {
      status: answer.status,
      location: answer.headers.find(([name]) => name === 'location')?.[1],
    };
  };
  const [http, https] = [answerOver('http'), answerOver('https')];
  const isAsked = http !== undefined || https !== undefined;
  return { method, path, handler, requirement, http, https, notAsked: isAsked ? undefined : whyNot(route) };

  function whyNot({ requirement: { level } }: SiteRoute): string {
    if (reserved !== undefined) return reserved;
    if (target !== undefined && invented && level !== 'required')
      return 'its path has parameters, and it answers anybody';
    return 'a route before it has the same path';
  }
}
