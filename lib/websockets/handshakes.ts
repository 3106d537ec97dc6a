import { Logger, type CanActivate } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { RequirementOf } from '../policy/requirement.js';
import type { PolicySettings, RefusalReason } from '../policy/verdict.js';
import type { Connection } from '../transport/connection.js';
import { buildAnswer, describeVerdict, type Answer, type DenyVerdict } from '../answer/answer.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { NewMessageException } from './gateways.js';
import type { PlatformRequest } from '../platform/platform.js';
import type { OpenedSocket, SocketWatcher } from './session-sockets.js';
import { isObject, readProperty } from '../platform/unknown-values.js';

/** How a client came in, written down while its connection was there to be asked. */
export interface Handshake {
  readonly request: PlatformRequest;
  readonly connection: Connection;
  /** The guard of the application it came to. */
  readonly guard: CanActivate;
  /** What a refused message is answered with; undefined where Nest's own exception has to do. */
  readonly newException: NewMessageException | undefined;
}

/** Where the handshake is kept: on the client, for two copies of this package may meet there. */
const HANDSHAKE = Symbol.for('nestjs-secure:handshake');

/** What handshakes are judged with. */
export interface HandshakeParts {
  readonly enforcer: Enforcer;
  readonly guard: CanActivate;
  readonly policy: PolicySettings;
  readonly newException: NewMessageException | undefined;
  /** Gives a request that the framework has not seen what the framework would say of it. */
  asPlatformRequest(raw: IncomingMessage): PlatformRequest;
  /** Hears of a request that was refused. */
  turnAway(request: PlatformRequest): void;
  /** Follows the sockets of sessions; undefined without sessions. */
  readonly sockets: SocketWatcher | undefined;
}

/** Judges the handshakes of an application, and remembers those that its messages will be judged by. */
export class Handshakes {
  private readonly logger = new Logger('SecureModule');

  constructor(private readonly parts: HandshakeParts) {}

  /**
   * Whether a request may open a socket, or carry one. Where not, `refuse` has been given the answer, which
   * `refuseUpgrade` or `writeAnswer` writes; where something went wrong, the connection is cut.
   */
  admits(raw: IncomingMessage, requirementOf: RequirementOf, refuse: (answer: Answer) => void): boolean {
    return this.passes(raw, { requirementOf, socket: true }, refuse);
  }

  /** The same of a request for a file, which opens no socket: it may be redirected. */
  serves(raw: IncomingMessage, requirementOf: RequirementOf, refuse: (answer: Answer) => void): boolean {
    return this.passes(raw, { requirementOf }, refuse);
  }

  /** What keeps a client out that is in already; undefined lets it go on. One whose handshake is not known stays out. */
  refusal(client: unknown, requirementOf: RequirementOf): Refusal | undefined {
    const { enforcer, policy } = this.parts;
    const handshake = findHandshake(client);
    if (handshake === undefined) return enforcer.settings.reportOnly ? undefined : UNKNOWN;
    const { request, connection } = handshake;
    const input = { connection, requirementOf, policy: () => policy, stage: 'guard', socket: true } as const;
    const answered = enforcer.stop(request, input);
    return answered === undefined ? undefined : buildRefusal(answered);
  }

  /** Follows the sockets of sessions; undefined without sessions. */
  get sockets(): SocketWatcher | undefined {
    return this.parts.sockets;
  }

  /** Has a socket closed when its session ends. */
  watch(raw: IncomingMessage, socket: Pick<OpenedSocket, 'close' | 'onClosed'>): void {
    const { sockets, enforcer } = this.parts;
    if (sockets === undefined) return;
    try {
      const request = findHandshake(raw)?.request ?? this.parts.asPlatformRequest(raw);
      const connection = findHandshake(raw)?.connection ?? enforcer.connectionOf(request);
      sockets.open({ ...socket, raw, request, connection });
    } catch (error) {
      this.logger.error('A socket could not be given its session, and was closed.', error);
      socket.close('unavailable');
    }
  }

  /** Leaves the handshake with a client. */
  remember(client: object, raw: IncomingMessage): void {
    if (Object.hasOwn(client, HANDSHAKE)) return;
    const { enforcer, guard, newException } = this.parts;
    const request = this.parts.asPlatformRequest(raw);
    const handshake: Handshake = { request, connection: enforcer.connectionOf(request), guard, newException };
    Object.defineProperty(client, HANDSHAKE, { configurable: true, value: handshake });
  }

  /** Whether a client came over https. One whose handshake is not known did not. */
  isSecure(client: unknown): boolean {
    const handshake = findHandshake(client);
    return handshake !== undefined && this.parts.enforcer.settings.transport.isSecure(handshake.connection);
  }

  private passes(
    raw: IncomingMessage,
    asked: { requirementOf: RequirementOf; socket?: boolean },
    refuse: (answer: Answer) => void,
  ): boolean {
    try {
      const { enforcer, policy } = this.parts;
      const request = this.parts.asPlatformRequest(raw);
      const answered = enforcer.stop(request, { policy: () => policy, stage: 'gate', ...asked });
      if (answered === undefined) return true;
      this.parts.turnAway(request);
      refuse(buildAnswer(answered, asked.socket === true ? undefined : raw.headers.accept));
    } catch (error) {
      // Nobody above would catch it: the process would end.
      this.logger.error('A WebSocket handshake could not be judged, and was cut.', error);
      raw.socket.destroy();
    }
    return false;
  }
}

/** The handshake of a client, as a handler of messages gets it: a socket of `ws` or of socket.io. */
export function findHandshake(client: unknown): Handshake | undefined {
  const own: unknown = readProperty(client, HANDSHAKE);
  const found = own ?? readProperty(readProperty(client, 'request'), HANDSHAKE);
  return isHandshake(found) ? found : undefined;
}

/** What a client is told of a refusal in the protocol of its socket. */
export interface Refusal {
  readonly code: 'HTTPS_REQUIRED';
  readonly message: string;
  readonly reason: RefusalReason | 'insecure';
}

const UNKNOWN: Refusal = {
  code: 'HTTPS_REQUIRED',
  message: 'This socket is served over wss only, and it is not known how this client came.',
  reason: 'websocket',
};

export function buildRefusal(verdict: DenyVerdict): Refusal {
  return { code: 'HTTPS_REQUIRED', message: describeVerdict(verdict), reason: verdict.reason };
}

function isHandshake(value: unknown): value is Handshake {
  return isObject(value) && 'connection' in value && 'guard' in value;
}
