import { Logger } from '@nestjs/common';
import type { Findings } from '../findings/findings.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import { rawRequestOf, targetOf, type PlatformRequest } from '../platform/platform.js';
import type { Transport } from '../transport/connection.js';
import { isLoopbackHost } from '../transport/host.js';
import { compileTrust } from '../transport/trust.js';
import { pathOf } from '../transport/request-target.js';
import type { CookieTags, Ticket } from './cookie-tag.js';
import type { SessionRecords } from './records.js';
import type { SessionSettings } from '../settings/session-settings.js';

/** What is done with session cookies that came over plain HTTP. */
export type LeakHandler = (request: PlatformRequest, values: readonly string[]) => void;

/** What it works with. */
interface LeakParts {
  readonly enforcer: Enforcer;
  readonly findings: Findings;
  readonly records: SessionRecords;
  readonly tags: CookieTags;
  readonly settings: SessionSettings;
}

/**
 * Compiles what is done with session ids that came over plain HTTP. They are never loaded. A browser sends no Secure cookie
 * over plain HTTP, so the likelier cause is a proxy that ends TLS and is not declared. Then only the finding is reported:
 * ending the sessions would sign everybody out. A session that has surely leaked is ended, and `onLeak` hears of it.
 */
export function compileLeakHandler({ enforcer, findings, records, settings, tags }: LeakParts): LeakHandler {
  const logger = new Logger('SecureModule');
  const { proxies } = enforcer.settings.options;
  const isDeclared = proxies === undefined ? () => false : compileTrust(proxies.trust);
  const isPrivate = compileTrust(['loopback', 'linklocal', 'uniquelocal', 'unix']);
  const prefixed = /^__(?:host|secure)-/i.test(settings.name);

  /** Not by somebody's proxy, nor by a browser that trusts the host over plain HTTP. */
  function isSure({ host, peer, doubts }: Transport): boolean {
    if (host !== undefined && isLoopbackHost(host)) return false;
    // The cookie itself is one of the signs; it says nothing here.
    if (doubts.some(({ reason }) => reason !== 'secure-cookie')) return false;
    return !prefixed || (peer !== undefined && !isPrivate(peer, 0) && !isDeclared(peer, 0));
  }

  return function handleLeaks(request, values) {
    // What no secret verifies is nobody's session.
    const leaked = new Map<string, Ticket>();
    for (const value of values) {
      const ticket = tags.read(value);
      if (ticket !== undefined) leaked.set(ticket.key, ticket);
    }
    if (leaked.size === 0) return;
    const transport = enforcer.transportOf(request);
    if (!isSure(transport)) return void enforcer.reportDoubts(request);

    const { peer } = transport;
    findings.report('SEC214', {
      subject: settings.name,
      cause: `${peer ?? 'Somebody'} sent it over plain HTTP; the session was not loaded, and has been ended.`,
      fix: 'A browser sends no Secure cookie over http: look for a client of your own that does.',
    });
    const raw = rawRequestOf(request);
    const where = { method: raw.method ?? 'GET', path: pathOf(targetOf(request)), peer };
    for (const { id, key } of leaked.values()) {
      records.remove(key).catch((error: unknown) => logger.error('A leaked session was not ended.', error));
      void enforcer.leaked(raw, { kind: 'session', hash: enforcer.hash(id), ...where });
    }
  };
}
