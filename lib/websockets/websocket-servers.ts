import type { WebSocketAdapter } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { EventEmitter } from 'node:events';
import { gateRequirement, weakestRequirement, type RequirementOf } from '../policy/requirement.js';
import type { RouteTable } from '../policy/route-table.js';
import { readPath } from '../transport/request-target.js';
import { guardMessages } from './message-guard.js';
import { asksForSignIn, hasMarkedMessages, type Gateway } from './gateways.js';
import type { Handshakes } from './handshakes.js';
import {
  BY_HANDLER,
  isIn,
  namespaceName,
  needsPlace,
  ROOT,
  ruled,
  sharedRequirement,
  type GatewayRules,
  type RuledGateway,
} from './gateway-rules.js';
import {
  guardNamespace,
  guardSocketIoServer,
  isNamespace,
  isSocketIoServer,
  watchSocketIoServer,
} from './guard-socket-io.js';
import { guardWsServer, isWsServer, watchWsServer } from './guard-ws.js';
import { recordGateways } from './record-gateways.js';
import { closeUpgraded } from './session-sockets.js';
import { observeUpgrades, installUpgradeGate, refuseUpgrade } from '../answer/upgrade.js';
import { readProperty } from '../platform/unknown-values.js';

/**
 * Guards wherever a gateway lets clients in: the servers that the application's WebSocket adapter makes,
 * whichever adapter it is told to use. Servers whose gateways require nothing are left alone.
 */
export class WebSocketServers {
  private readonly gateways: readonly RuledGateway[];
  private readonly taken = new Set<Gateway>();
  private readonly followed = new WeakSet<WebSocketAdapter>();
  /** Servers whose clients are closed when their sessions end. */
  private readonly watched = new WeakSet<object>();

  constructor(
    gateways: readonly Gateway[],
    private readonly rules: GatewayRules,
    private readonly handshakes: Handshakes,
  ) {
    this.gateways = gateways.map((gateway) => ruled(gateway, rules));
  }

  /** Follows the configuration of the application; to be called before its gateways are connected. */
  install(config: ApplicationConfig): void {
    const watches = this.handshakes.sockets !== undefined && this.gateways.length > 0;
    if (!watches && !this.gateways.some(needsPlace)) return;
    const guarded = this.gateways.filter((gateway) => this.rules.enforcer.enforcing || asksForSignIn(gateway));
    guarded.forEach(guardMessages);
    const setAdapter = config.setIoAdapter.bind(config);
    config.setIoAdapter = (adapter) => {
      this.follow(adapter);
      setAdapter(adapter);
    };
  }

  /**
   * Verifies that every gateway that lets clients in is guarded, and puts the rules for paths and mode `all`
   * before whatever else takes upgrades on the application's own server.
   *
   * @throws Error naming the gateways that are not enforced.
   */
  verify(config: ApplicationConfig, server: unknown): void {
    const { enforcing, settings } = this.rules.enforcer;
    if (server instanceof EventEmitter && this.handshakes.sockets !== undefined) this.watchUpgrades(server);
    if (!enforcing) return;
    const adapter: WebSocketAdapter | null = config.getIoAdapter();
    const open = this.gateways.filter((gateway) => needsPlace(gateway) && !this.taken.has(gateway));
    // Without an adapter, as in a standalone application, no gateway is connected.
    if (adapter !== null && open.length > 0) throw notEnforced(open, adapter);
    if (server instanceof EventEmitter && (this.mode === 'all' || !settings.rules.empty)) this.gateUpgrades(server);
  }

  /** Lists the gateways for the audit. */
  listRoutes(table: RouteTable, config: ApplicationConfig): void {
    recordGateways(table, this.gateways, config.getIoAdapter());
  }

  /** Whatever takes upgrades on the application's own server: GraphQL subscriptions, and libraries that nobody has told. */
  private watchUpgrades(server: EventEmitter): void {
    observeUpgrades(server, (raw) => {
      const { socket } = raw;
      this.handshakes.watch(raw, {
        close: (end) => closeUpgraded(socket, end),
        onClosed: (done) => void socket.once('close', done),
      });
    });
  }

  private gateUpgrades(server: EventEmitter): void {
    const rules = { mode: this.mode, rules: this.rules.enforcer.settings.rules };
    const requirementOf: RequirementOf = (target) =>
      gateRequirement(target, rules, () => this.matchesExemptRoute(readPath(target)));
    installUpgradeGate(
      server,
      (request) => !this.handshakes.admits(request, requirementOf, (answer) => refuseUpgrade(request, answer)),
    );
  }

  /** Whether a gateway on the application's own port that is exempt answers at a path. */
  private matchesExemptRoute(path: string | undefined): boolean {
    if (path === undefined) return false;
    const exempt = this.gateways.filter(({ port, requirement }) => port === 0 && requirement.exempt);
    return exempt.some((gateway) => pathsOf(gateway).includes(withoutSlashes(path)));
  }

  /** What is marked is meant to run where a test has overridden the guard, so mode `all` must not stop it. */
  private get mode(): 'marked' | 'all' {
    return this.rules.guarded ? this.rules.enforcer.settings.mode : 'marked';
  }

  private follow(adapter: WebSocketAdapter): void {
    if (this.followed.has(adapter)) return;
    this.followed.add(adapter);
    const create = adapter.create.bind(adapter);
    adapter.create = (port: number, options?: unknown) => {
      const made: unknown = create(port, options);
      this.take(made, port, options, adapter);
      return made;
    };
  }

  private take(made: unknown, port: number, options: unknown, adapter: WebSocketAdapter): void {
    if (this.handshakes.sockets !== undefined) this.watchServer(made);
    const path = readProperty(options, 'path');
    const sharing = this.gateways.filter((gateway) => gateway.port === port && gateway.path === path);
    if (!sharing.some(needsPlace)) return;
    if (isSocketIoServer(made)) {
      this.takeSocketIo(made, sharing);
    } else if (isWsServer(made)) {
      guardWsServer(made, this.handshakes, sharedRequirement(sharing));
      sharing.forEach((gateway) => this.taken.add(gateway));
    } else if (isNamespace(made) && readProperty(options, 'namespace') !== undefined) {
      this.takeNamespace(made, sharing, namespaceName(readProperty(options, 'namespace')));
    } else if (this.rules.enforcer.enforcing) {
      throw notEnforced(sharing.filter(needsPlace), adapter);
    }
  }

  /** Comes before the guard: what is wrapped first is called last, for clients that were let in. */
  private watchServer(made: unknown): void {
    if (typeof made !== 'object' || made === null || this.watched.has(made)) return;
    this.watched.add(made);
    if (isSocketIoServer(made)) watchSocketIoServer(made, this.handshakes);
    else if (isWsServer(made)) watchWsServer(made, this.handshakes);
  }

  private takeSocketIo(server: Parameters<typeof guardSocketIoServer>[0], sharing: readonly RuledGateway[]): void {
    const names = new Set(sharing.map(({ namespace }) => namespaceName(namespace)));
    const ofNamespaces = [...names].map((name) => sharedRequirement(sharing.filter(isIn(name))));
    guardSocketIoServer(server, this.handshakes, {
      server: weakestRequirement(ofNamespaces),
      strictest: sharing.some(hasMarkedMessages) ? () => BY_HANDLER : sharedRequirement(sharing),
    });
    if (names.has(ROOT) && isNamespace(server.sockets)) this.takeNamespace(server.sockets, sharing, ROOT);
  }

  private takeNamespace(
    namespace: Parameters<typeof guardNamespace>[0],
    sharing: readonly RuledGateway[],
    name: unknown,
  ): void {
    const inside = sharing.filter(isIn(name)).filter((gateway) => !this.taken.has(gateway));
    if (inside.some(({ requirement }) => !requirement.open)) {
      guardNamespace(namespace, this.handshakes, sharedRequirement(inside));
    }
    inside.forEach((gateway) => this.taken.add(gateway));
  }
}

/** Without a path of its own, a gateway on `ws` is at the root, and one on socket.io below its name. */
function pathsOf({ path }: Pick<Gateway, 'path'>): readonly string[] {
  return path === undefined ? ['', 'socket.io'] : [withoutSlashes(path)];
}

function withoutSlashes(path: string): string {
  return path.replace(/^\/|\/$/g, '');
}

function notEnforced(gateways: readonly Gateway[], adapter: WebSocketAdapter): Error {
  const names = gateways.map(({ type }) => type.name).join(', ');
  return new Error(
    `${names}: https is required here, and SecureModule could not take its place on the server that ${adapter.constructor.name} made, so plain-HTTP handshakes would be let in. Use WsAdapter of @nestjs/platform-ws or IoAdapter of @nestjs/platform-socket.io (an adapter of your own has to make its server by theirs), set before the application starts with app.useWebSocketAdapter().`,
  );
}
