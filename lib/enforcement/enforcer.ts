import { Logger } from '@nestjs/common';
import { createHash, randomBytes } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Findings } from '../audit/findings.js';
import type { Leak } from '../options/secure-options.js';
import type { Settings } from '../options/settings.js';
import { decide } from '../policy/decide.js';
import type { RequirementOf } from '../policy/requirement.js';
import type { PolicySettings, RequestFacts, Requirement, Verdict } from '../policy/verdict.js';
import { VERDICT_CHANNEL } from '../tokens.js';
import type { Connection, Transport } from '../transport/connection.js';
import { pathOf } from '../urls/absolute-url.js';
import type { Answered } from './answer.js';
import { explainDoubt, explainHost } from './explain.js';
import { compileConnection, rawRequestOf, targetOf, type PlatformRequest } from './platform.js';
import { RecentRedirects, type RedirectedRequest } from './recent-redirects.js';
import { hasBody } from './seal.js';
import { testingClaims } from './testing-claims.js';

/** What the channel `nestjs-secure:verdict` publishes for every verdict. */
export interface VerdictEvent {
  readonly verdict: Verdict;
  readonly requirement: Requirement;
  readonly transport: Transport;
  readonly method: string;
  /** The path of the request, without its query. */
  readonly path: string;
  readonly asks: 'gate' | 'guard';
  /** The verdict was not carried out: `reportOnly`. */
  readonly reportOnly: boolean;
  readonly request: IncomingMessage;
}

/** What is asked of the enforcer: a request, what it requires, and how it is answered. */
export interface Inquiry {
  readonly request: PlatformRequest;
  readonly requirementOf: RequirementOf;
  /** Asked for only where https is required of a request in clear. */
  readonly policy: () => PolicySettings;
  readonly asks: 'gate' | 'guard';
}

const HTTPS_OFF: Verdict = { action: 'pass', reason: 'https-off' };

/**
 * Puts the question to `decide` and sees to what follows from the verdict: events, findings, leaks, the memory of
 * redirects. The gate and the guard both ask here, so both get the same answer.
 */
export class Enforcer {
  readonly connectionOf: (request: PlatformRequest) => Connection;
  private readonly verdicts = channel(VERDICT_CHANNEL);
  private readonly recentRedirects = new RecentRedirects();
  private readonly logger = new Logger('SecureModule');
  private readonly moduleWide: PolicySettings;
  private readonly salt = randomBytes(16);

  constructor(
    readonly settings: Settings,
    private readonly findings: Findings,
    /** False: `httpsSupport: false`, or switched off by the test kit. */
    readonly enforcing: boolean,
  ) {
    this.moduleWide = settings.policy([]);
    const proxiesDeclared = settings.options.proxies !== undefined;
    this.connectionOf = compileConnection({ proxiesDeclared, claims: testingClaims() });
  }

  /** Whether a request is secure. */
  isSecure(request: PlatformRequest): boolean {
    return this.settings.transport.isSecure(this.connectionOf(request));
  }

  /** The transport of a request. */
  transportOf(request: PlatformRequest): Transport {
    return this.settings.transport.read(this.connectionOf(request));
  }

  /** Whether somebody listens to the verdicts. */
  get observed(): boolean {
    return this.verdicts.hasSubscribers;
  }

  /** The verdict that ends a request, or undefined where it goes on. */
  stop(inquiry: Inquiry): Answered | undefined {
    if (!this.enforcing && !this.observed) return undefined;
    const connection = this.connectionOf(inquiry.request);
    if (this.settings.transport.isSecure(connection) && !this.observed) return undefined;
    return this.judge(inquiry, connection);
  }

  private judge(inquiry: Inquiry, connection: Connection): Answered | undefined {
    const { request, asks } = inquiry;
    const raw = rawRequestOf(request);
    const transport = this.settings.transport.read(connection);
    const requirement = strictest(inquiry.requirementOf, targetOf(request), raw.url);
    const redirected = redirectedRequest(raw, request, transport);
    const doubted = transport.doubts.length > 0;
    const facts = factsOf(raw, {
      target: targetOf(request),
      transport,
      requirement,
      asks,
      redirectedRecently: doubted && this.recentRedirects.has(redirected),
    });
    const isAnswered = requirement.level === 'required' && !transport.secure;
    const policy = isAnswered ? inquiry.policy() : this.moduleWide;
    const verdict = this.enforcing ? decide(facts, policy) : HTTPS_OFF;

    this.publish(raw, facts, verdict);
    if (verdict.action === 'pass') return undefined;
    if (this.settings.reportOnly) return this.reportOnly(facts, verdict);
    if (verdict.action === 'redirect' && doubted) this.recentRedirects.add(redirected);
    this.explain(verdict, transport);
    if (verdict.reason === 'insecure-secret') this.reportLeak(raw, facts);
    return verdict;
  }

  private publish(request: IncomingMessage, facts: RequestFacts, verdict: Verdict): void {
    if (!this.observed) return;
    const { requirement, transport, method, asks } = facts;
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

  private reportOnly(facts: RequestFacts, verdict: Answered): undefined {
    this.findings.report('SEC005', {
      subject: `${facts.method} ${pathOf(facts.target)}`,
      cause: `It came in clear and would have been answered ${verdict.status} (${verdict.reason}).`,
      fix: 'Take reportOnly out of the options to enforce it.',
    });
  }

  private explain(verdict: Answered, transport: Transport): void {
    if (verdict.reason === 'host-not-allowed') {
      this.findings.report('SEC002', explainHost(transport));
    } else if (verdict.reason === 'proxy-not-believed' || verdict.reason === 'redirect-loop') {
      const doubt = transport.doubts.find(({ grade }) => grade === 'stated') ?? transport.doubts[0];
      if (doubt !== undefined) {
        const { id, ...details } = explainDoubt(doubt, transport, this.settings.options.proxies);
        this.findings.report(id, details);
      }
    }
  }

  private reportLeak(request: IncomingMessage, { method, target, transport }: RequestFacts): void {
    const { authorization } = request.headers;
    const where = { method, path: pathOf(target), peer: transport.peer };
    const leaks: Leak[] = [];
    if (authorization !== undefined) leaks.push({ kind: 'authorization', hash: this.hash(authorization), ...where });
    if (hasBody(request)) leaks.push({ kind: 'body', ...where });
    if (leaks.length === 0) return;
    this.findings.report('SEC215', {
      subject: `${method} ${pathOf(target)}`,
      cause: `${authorization === undefined ? 'What a form or a program sent' : 'An Authorization header'} came in clear, and was refused.`,
      fix: 'Take it for known to others: let onLeak revoke it, and give the client an https address.',
    });
    for (const leak of leaks) void this.leaked(request, leak);
  }

  /** Tells `onLeak` of a credential that came in clear. An async function fits it too: what it rejects with would end the process. */
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

/** Where something in front has rewritten the target, both are looked at, and the stricter requirement holds. */
function strictest(requirementOf: RequirementOf, target: string, rewritten = target): Requirement {
  const requirement = requirementOf(target);
  if (rewritten === target || requirement.level === 'required') return requirement;
  const other = requirementOf(rewritten);
  return other.level === 'exempt' ? requirement : other;
}

function factsOf(
  request: IncomingMessage,
  known: Pick<RequestFacts, 'target' | 'transport' | 'requirement' | 'asks' | 'redirectedRecently'>,
): RequestFacts {
  const { headers, method = 'GET' } = request;
  return {
    ...known,
    method,
    authorized: headers.authorization !== undefined,
    preflight:
      method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined,
    websocket: headers.upgrade?.toLowerCase() === 'websocket',
  };
}

function redirectedRequest(raw: IncomingMessage, request: PlatformRequest, transport: Transport): RedirectedRequest {
  const { peer, host } = transport;
  return { peer, host, userAgent: raw.headers['user-agent'], target: targetOf(request) };
}
