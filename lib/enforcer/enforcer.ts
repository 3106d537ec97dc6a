import { Logger } from '@nestjs/common';
import { createHash, randomBytes } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FindingId } from '../findings/catalogue.js';
import { describeThrown } from '../findings/describe-thrown.js';
import type { Findings } from '../findings/findings.js';
import type { Leak } from '../options/secure-options.js';
import type { Settings } from '../settings/settings.js';
import { decide, secureUrl } from '../policy/decide.js';
import { requirementUnderPrefix, strictestForTargets, type RequirementOf } from '../policy/requirement.js';
import type { PolicySettings, RefuseVerdict, RequestFacts, Requirement, Verdict } from '../policy/verdict.js';
import { VERDICT_CHANNEL } from '../tokens.js';
import { FUNCTION_PEER, type Connection, type Transport } from '../transport/connection.js';
import type { HostFault } from '../transport/host.js';
import { pathOf } from '../transport/request-target.js';
import { acceptsHtml, refusalPage, type DenyVerdict } from '../answer/answer.js';
import { explainDestination, explainHost, explainLinks, mayExplainLinks } from './explain-destination.js';
import { formatOptions, withTrusted } from './suggest-proxy-options.js';
import { OncePerMinute } from './once-per-minute.js';
import { compileHstsHeader, compileHstsWatch, type HstsHeader } from './hsts-header.js';
import { adviceForTest, describeDoubts, explainDoubts, type DoubtExplanation } from './explain.js';
import {
  compileConnections,
  methodOf,
  rawRequestOf,
  targetOf,
  type ConnectionReader,
  type PlatformRequest,
} from '../platform/platform.js';
import { RecentRequests, type ClientRequest } from './recent-requests.js';
import { hasBody } from '../answer/write-answer.js';
import { HandlerPlaces } from '../platform/handlers.js';
import { removeOwnProperties } from '../platform/client-properties.js';
import type { SignInReader } from '../platform/sign-ins.js';
import { testingClaims } from '../platform/testing-claims.js';

/** What the channel `nestjs-secure:verdict` publishes for every verdict. */
export interface VerdictEvent {
  readonly verdict: Verdict;
  readonly requirement: Requirement;
  readonly transport: Transport;
  readonly method: string;
  /** The path of the request, without its query. */
  readonly path: string;
  /** Where it was judged: at the gate, before the application, or at the guard, in front of a handler. */
  readonly asks: 'gate' | 'guard';
  /** The verdict was not carried out: `reportOnly`. */
  readonly reportOnly: boolean;
  readonly request: IncomingMessage;
}

/** What is asked of the enforcer: what a request requires, and how it is answered. */
export interface JudgeInput {
  readonly requirementOf: RequirementOf;
  /** Asked for only where https is required of a plain-HTTP request. */
  readonly policy: (request: PlatformRequest) => PolicySettings;
  readonly stage: 'gate' | 'guard';
  /** It opens or carries a socket although no header says so: the long polling of socket.io. */
  readonly socket?: boolean;
  /** The connection as it was when the request came: a message is judged by a handshake long past. */
  readonly connection?: Connection;
}

/** A request as `decide` sees it, and what it decides. */
interface Weighed {
  readonly facts: RequestFacts;
  readonly policy: PolicySettings;
  readonly verdict: Verdict;
  /** The request as the memory of redirects knows it; undefined where it shows no sign of https. */
  readonly client: ClientRequest | undefined;
}

/** An innocent client has left for https by then; one behind a proxy that ends TLS is back in milliseconds. */
const REDIRECT_MEMORY = 10_000;

/** By what the headers that tell of a lost prefix or port are told apart. */
const LINK_HEADERS = ['host', 'x-forwarded-port', 'x-forwarded-prefix'];

/** Browsers repeat a request that was answered 421 at once, on another connection (RFC 9110 15.5.20). */
const RETRY_MEMORY = 2000;

const HTTPS_OFF: Verdict = { action: 'pass', reason: 'https-off' };

/**
 * Puts the question to `decide` and carries out what follows from the verdict: events, findings, leaks, the memory of
 * redirects. The gate and the guard both ask here, so both get the same answer.
 */
export class Enforcer {
  readonly connectionOf: (request: PlatformRequest) => Connection;
  private readonly connections: ConnectionReader;
  /** Gives a request that the framework has not seen, a handshake, what the framework would say of it. Set with the adapter. */
  asPlatformRequest: (raw: IncomingMessage) => PlatformRequest = (raw) => raw;
  /** Strict-Transport-Security as the options have it; undefined where they do not ask for it. */
  readonly hstsHeader: HstsHeader | undefined;
  /** What is done to a response where a handler of it is about to be called, if anything is. */
  beforeHandler: HstsHeader['beforeHandler'] | undefined;
  /** Tells when users signed in; undefined without sessions. Set at boot. */
  signIns: SignInReader | undefined;
  private readonly verdicts = channel(VERDICT_CHANNEL);
  private readonly redirects = new RecentRequests(REDIRECT_MEMORY);
  private readonly misdirected = new RecentRequests(RETRY_MEMORY);
  /** The requests that a finding was reported of. The gate and the guard may both come to the same one. */
  private readonly noticed = new OncePerMinute();
  private readonly reported = new WeakSet<IncomingMessage>();
  private readonly logger = new Logger('SecureModule');
  private readonly moduleWide: PolicySettings;
  private readonly salt = randomBytes(16);
  private readonly leaking = new WeakSet<IncomingMessage>();

  constructor(
    readonly settings: Settings,
    readonly findings: Findings,
    /** False: `httpsSupport: false`, or switched off by the test kit. */
    readonly enforcing: boolean,
    /** Which function is which handler. */
    readonly handlers: HandlerPlaces = new HandlerPlaces(),
  ) {
    this.moduleWide = settings.policy([]);
    settings.hostFaults.report = (fault) => this.reportHostFault(fault);
    const proxiesDeclared = settings.options.proxies !== undefined;
    this.connections = compileConnections({ proxiesDeclared, claims: testingClaims() });
    this.connectionOf = this.connections.of;
    if (!enforcing) return;
    this.hstsHeader = compileHstsHeader({ settings, findings, connectionOf: this.connectionOf });
    this.beforeHandler =
      this.hstsHeader?.beforeHandler ??
      compileHstsWatch({ settings, findings }, () => {
        this.beforeHandler = undefined;
      });
  }

  /** Whether a request is secure. */
  isSecure(request: PlatformRequest): boolean {
    return this.settings.transport.isSecure(this.connectionOf(request));
  }

  /** The transport of a request. */
  transportOf(request: PlatformRequest): Transport {
    return this.settings.transport.read(this.connectionOf(request));
  }

  /** Works out the transport of a request, then makes its headers say what is believed. The gate does so first of all. */
  admit(request: PlatformRequest): Connection {
    const { transport, normaliseHeaders } = this.settings;
    let connection = this.connectionOf(request);
    if (normaliseHeaders === undefined) return connection;
    const told = transport.read(connection);
    this.noticePrefix(connection);
    if (connection.peer === FUNCTION_PEER) removeOwnProperties(request);
    normaliseHeaders(connection, told, () => {
      connection = this.connections.keepHeaders(request);
    });
    return connection;
  }

  /** The host a request asks for. */
  hostOf(request: PlatformRequest): string | undefined {
    return this.settings.transport.host(this.connectionOf(request));
  }

  /** Whether somebody listens to the verdicts. */
  get observed(): boolean {
    return this.verdicts.hasSubscribers;
  }

  /** The verdict that ends a request, or undefined where it goes on. */
  stop(request: PlatformRequest, input: JudgeInput): DenyVerdict | undefined {
    if (!this.enforcing && !this.observed) return undefined;
    const connection = input.connection ?? this.connectionOf(request);
    const secure = this.settings.transport.isSecure(connection);
    if (secure) this.arrived(request);
    if (secure && !this.observed) return undefined;
    return this.judge(request, input, connection);
  }

  /** A request came over https and is believed: the client that was redirected to it is not in a loop. */
  arrived(request: PlatformRequest): void {
    if (!this.redirects.empty) this.redirects.forget(clientRequest(request, this.transportOf(request)));
  }

  /** The same for a connection that is known to be over plain HTTP, or that somebody wants to hear of. */
  judge(request: PlatformRequest, input: JudgeInput, connection: Connection): DenyVerdict | undefined {
    const requirement = this.requirementOf(request, input, connection);
    // It passes, whatever else there is to know of it.
    if (requirement.level !== 'required' && !this.observed) return undefined;
    const raw = rawRequestOf(request);
    const { facts, policy, verdict, client } = this.weigh(request, input, connection, requirement);
    this.publish(raw, facts, verdict);
    if (verdict.action === 'pass') return undefined;
    if (this.settings.reportOnly) return this.reportOnly(raw, facts, verdict);
    if (verdict.action === 'redirect' && client !== undefined) this.redirects.add(client);
    const leaked = verdict.reason === 'insecure-secret' || (verdict.reason === 'websocket' && !input.connection);
    if (leaked) this.reportLeak(raw, facts);
    const finding = this.explain(verdict, request, facts.transport);
    // A redirect has its link, and only a page shows one.
    if (verdict.action === 'refuse' && acceptsHtml(raw.headers.accept))
      return this.withPage({ ...verdict, finding, link: secureUrl(facts, policy) });
    return finding === undefined ? verdict : { ...verdict, finding };
  }

  /** Lets the application's own template make the page, if it has one. */
  private withPage(verdict: DenyVerdict & RefuseVerdict): DenyVerdict {
    const template = this.settings.options.refuse?.page;
    if (template === undefined) return verdict;
    try {
      const page: unknown = template(refusalPage(verdict));
      if (typeof page === 'string') return { ...verdict, page };
      this.reportTemplate(`returned ${page instanceof Promise ? 'a promise' : typeof page}`);
      // Nobody waits for it, so it must not end the process.
      if (page instanceof Promise) page.catch(() => undefined);
    } catch (error) {
      this.reportTemplate(`threw ${describeThrown(error)}`);
    }
    return verdict;
  }

  private reportTemplate(did: string): void {
    this.findings.report('SEC015', {
      subject: 'refuse.page',
      signature: did,
      cause: `The function in refuse.page ${did}, so visitors get the page of this package.`,
      fix: 'Let it return the page as a string, at once.',
    });
  }

  /** Reports what a request carried for a handler that requires https, where something answered before it was judged. */
  reportUnjudged(request: PlatformRequest, input: JudgeInput): void {
    if (!this.enforcing || this.settings.reportOnly) return;
    const connection = this.connectionOf(request);
    const requirement = this.requirementOf(request, input, connection);
    const { facts, verdict } = this.weigh(request, input, connection, requirement);
    if (verdict.reason === 'insecure-secret') this.reportLeak(rawRequestOf(request), facts);
  }

  private requirementOf(request: PlatformRequest, input: JudgeInput, connection: Connection): Requirement {
    return strictestForTargets(
      this.underPrefix(input.requirementOf, connection),
      targetOf(request),
      rawRequestOf(request).url,
    );
  }

  /** What targets require of a connection, also below the prefix that its proxy may have left on them. */
  underPrefix(requirementOf: RequirementOf, connection: Connection): (target: string) => Requirement {
    const { transport, fixedPrefix } = this.settings;
    const prefix = { stated: transport.prefix(connection), fixed: fixedPrefix };
    return (target) => requirementUnderPrefix((path) => requirementOf(path, connection), target, prefix);
  }

  private weigh(
    request: PlatformRequest,
    input: JudgeInput,
    connection: Connection,
    requirement: Requirement,
  ): Weighed {
    const raw = rawRequestOf(request);
    const { headers } = raw;
    const target = targetOf(request);
    const transport = this.settings.transport.read(connection);
    const client = transport.doubts.length > 0 ? clientRequest(request, transport) : undefined;
    const facts: RequestFacts = {
      method: methodOf(request),
      target,
      authorized: headers.authorization !== undefined,
      preflight: isPreflight(raw),
      websocket: input.socket ?? isHandshake(headers),
      transport,
      requirement,
      stage: input.stage,
      redirectedRecently: client !== undefined && this.redirects.has(client),
    };
    const isAnswered = requirement.level === 'required' && !transport.secure;
    const policy = isAnswered ? input.policy(request) : this.moduleWide;
    return { facts, policy, client, verdict: this.enforcing ? decide(facts, policy) : HTTPS_OFF };
  }

  private publish(request: IncomingMessage, facts: RequestFacts, verdict: Verdict): void {
    if (!this.observed) return;
    const { requirement, transport, method, stage: asks } = facts;
    const { reportOnly } = this.settings;
    const event: VerdictEvent = {
      verdict,
      requirement,
      transport,
      method,
      asks,
      reportOnly,
      request,
      path: pathOf(facts.target),
    };
    this.verdicts.publish(event);
  }

  private reportOnly(request: IncomingMessage, facts: RequestFacts, verdict: DenyVerdict): undefined {
    if (this.reported.has(request)) return;
    this.reported.add(request);
    this.findings.report('SEC005', {
      subject: `${facts.method} ${pathOf(facts.target)}`,
      cause: `It came over plain HTTP and would have been answered ${verdict.status} (${verdict.reason}).`,
      fix: 'Take reportOnly out of the options to enforce it.',
    });
  }

  /** The finding that tells the operator why, where the operator can remove the cause. */
  private explain({ reason }: DenyVerdict, request: PlatformRequest, transport: Transport): FindingId | undefined {
    switch (reason) {
      case 'host-not-allowed':
        return this.reportHost(request);
      case 'proxy-not-believed':
      case 'redirect-loop':
        return this.reportDoubts(request);
      case 'insecure':
        this.reportDestination(request, transport);
        this.reportUndeclaredFunction(request);
        return undefined;
      case 'insecure-secret':
      case 'insecure-refused':
        this.reportUndeclaredFunction(request);
        return undefined;
      default:
        return undefined;
    }
  }

  /** Reports a host that may not stand in a URL, and why. */
  reportHost(request: PlatformRequest): FindingId {
    const connection = this.connectionOf(request);
    const transport = this.settings.transport.read(connection);
    const subject = transport.host ?? 'no host';
    this.findings.reportLazily('SEC002', { subject }, () =>
      explainHost(connection, transport, this.settings, process.env['NODE_ENV']),
    );
    return 'SEC002';
  }

  private reportHostFault({ host, did, error }: HostFault): void {
    const fault = did === 'threw' ? `threw ${describeThrown(error)}` : did;
    this.findings.report('SEC115', {
      subject: host,
      signature: fault,
      cause: `A function in hosts was asked for '${host}' and ${fault}, so the host was not allowed.`,
      fix: 'Let it return true or false at once, from names that are kept in memory.',
    });
  }

  /** A serverless bridge made the request up, and the runtime that calls the function is not declared. */
  private reportUndeclaredFunction(request: PlatformRequest): void {
    const connection = this.connectionOf(request);
    const { peer, headers } = connection;
    const { proxies } = this.settings.options;
    if (peer !== FUNCTION_PEER || headers['x-forwarded-proto'] === undefined) return;
    const declared = withTrusted(peer, proxies);
    if (declared === proxies || !this.noticed.isNew(peer)) return;
    this.findings.report('SEC116', {
      subject: peer,
      cause:
        'A serverless bridge called the application without a socket, and the runtime says http in x-forwarded-proto. That was believed, but https would not be, because the runtime is not declared.',
      fix: `${adviceForTest(connection)}Declare it: ${formatOptions(declared)}.`,
    });
  }

  /** Reports a port or a prefix that is lost from the URLs of a secure request, once a minute each. */
  noticeLinks(request: PlatformRequest, connection: Connection): void {
    if (!mayExplainLinks(connection)) return;
    const { headers, peer } = connection;
    const signature = LINK_HEADERS.map((name) => headers[name] ?? '').join('\n');
    if (!this.noticed.isNew(signature)) return;
    const { host, port, prefix } = this.settings.transport.read(connection);
    const explanation = explainLinks({ headers, host, port, prefix, peer, target: targetOf(request) }, this.settings);
    if (explanation === undefined) return;
    const { id, ...details } = explanation;
    this.findings.report(id, details);
  }

  private noticePrefix(connection: Connection): void {
    const unusable = this.settings.prefixFault?.(connection);
    if (unusable === undefined || !this.noticed.isNew(`prefix ${unusable}`)) return;
    this.findings.report('SEC114', {
      subject: unusable,
      cause: `A declared proxy states '${unusable}' as the path prefix, which is none, so URLs have no prefix.`,
      fix: "Let the proxy overwrite the header with a path of plain segments and no slash at its end, such as '/app'; or write the path in proxies.prefix.",
    });
  }

  /** A redirect goes out all the same. */
  private reportDestination(request: PlatformRequest, { host, port, prefix, peer }: Transport): void {
    const { headers } = this.connectionOf(request);
    const asked = { headers, host, port, prefix, peer, target: targetOf(request) };
    const explanation = explainDestination(asked, this.settings);
    if (explanation === undefined) return;
    const { id, ...details } = explanation;
    this.findings.report(id, details);
  }

  /** Why a request that shows a sign of https was not believed; undefined where it shows none. */
  explainDoubts(request: PlatformRequest): DoubtExplanation | undefined {
    const connection = this.connectionOf(request);
    const transport = this.settings.transport.read(connection);
    return explainDoubts(connection, transport, this.settings.options.proxies);
  }

  /** Reports the same, once for a request and its repetition. */
  reportDoubts(request: PlatformRequest): FindingId | undefined {
    const connection = this.connectionOf(request);
    const transport = this.settings.transport.read(connection);
    const finding = describeDoubts(connection, transport, this.settings.options.proxies);
    if (finding === undefined) return undefined;
    const { id, subject, signature } = finding;
    if (!this.isReported(request)) this.findings.reportLazily(id, { subject, signature }, () => finding.explain());
    return id;
  }

  private isReported(request: PlatformRequest): boolean {
    const raw = rawRequestOf(request);
    if (this.reported.has(raw)) return true;
    this.reported.add(raw);
    return this.misdirected.repeats(clientRequest(request, this.transportOf(request)));
  }

  private reportLeak(request: IncomingMessage, { method, target, transport }: RequestFacts): void {
    // Each field of a GraphQL operation asks for itself.
    if (this.leaking.has(request)) return;
    this.leaking.add(request);
    const { authorization } = request.headers;
    const where = { method, path: pathOf(target), peer: transport.peer };
    const leaks: Leak[] = [];
    if (authorization !== undefined) leaks.push({ kind: 'authorization', hash: this.hash(authorization), ...where });
    if (hasBody(request)) leaks.push({ kind: 'body', ...where });
    if (leaks.length === 0) return;
    this.findings.report('SEC215', {
      subject: `${method} ${pathOf(target)}`,
      cause: `${authorization === undefined ? 'What a form or a program sent' : 'An Authorization header'} came over plain HTTP, and was refused.`,
      fix: 'Take it for known to others: let onLeak revoke it, and give the client an https address.',
    });
    for (const leak of leaks) void this.leaked(request, leak);
  }

  /** Tells `onLeak` of a credential that came over plain HTTP. An async function fits it too: what it rejects with would end the process. */
  async leaked(request: IncomingMessage, leak: Leak): Promise<void> {
    try {
      await this.settings.options.onLeak?.(leak, request);
    } catch (error) {
      this.logger.error('onLeak threw; the request was answered all the same.', error);
    }
  }

  /** Tells one credential from another without telling the credential. */
  hash(credential: string): string {
    return createHash('sha256').update(this.salt).update(credential).digest('hex').slice(0, 12);
  }
}

/** A CORS preflight (Fetch 3.2.2). */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined;
}

function isHandshake({ upgrade }: IncomingHttpHeaders): boolean {
  return upgrade?.toLowerCase() === 'websocket';
}

function clientRequest(request: PlatformRequest, { peer, addresses, host }: Transport): ClientRequest {
  return {
    peer: addresses?.at(-1) ?? peer,
    host,
    userAgent: rawRequestOf(request).headers['user-agent'],
    target: targetOf(request),
  };
}
