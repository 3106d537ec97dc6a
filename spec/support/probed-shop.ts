import { Controller, Get, Module, Post, Res, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  probe,
  SecureExempt,
  SecureModule,
  SecureRequired,
  type ProbeOptions,
  type ProbeReport,
  type SecureOptions,
} from 'nestjs-secure';
import type { NewAdapter } from './applications.js';
import type { Certificate } from './certificates.js';
import type { ProxyPlace, ProxyServer, StartProxy } from './proxy-servers.js';

/** The name of the shop. The probe is told where it is. */
export const SHOP = 'shop.example';

/** Which handlers ran, in order, since the shop was opened. */
export const shopRan: string[] = [];

@Controller()
class ShopController {
  @Get()
  home() {
    shopRan.push('home');
    return 'home';
  }

  @Get('news')
  news() {
    shopRan.push('news');
    return 'news';
  }

  @SecureRequired()
  @Get('account')
  account() {
    shopRan.push('account');
    return 'account';
  }

  @SecureRequired()
  @Post('account')
  changeAccount() {
    shopRan.push('changeAccount');
    return 'changed';
  }

  @SecureRequired()
  @Get('orders/:id')
  order() {
    shopRan.push('order');
    return 'order';
  }

  @SecureRequired()
  @Get('leave')
  signOut() {
    shopRan.push('signOut');
    return 'signed out';
  }

  @SecureExempt()
  @Get('healthz')
  check() {
    shopRan.push('check');
    return 'ok';
  }
}

@Controller('door')
class DoorController {
  @SecureExempt()
  @Get()
  show(@Res() response: { header(name: string, value: string): unknown; send(body: string): void }) {
    response.header('content-type', 'text/html');
    response.send('<form method="post"><input name="word" type="password"></form>');
  }
}

@Controller('door')
class MarkedDoorController {
  @SecureRequired()
  @Get()
  show(@Res() response: { header(name: string, value: string): unknown; send(body: string): void }) {
    response.header('content-type', 'text/html');
    response.send('<form method="post"><input name="word" type="password"></form>');
  }
}

/** What a server in front is told, beside where it listens and where it hands requests on to. */
export interface ShopFront {
  /** Lines of the side of plain HTTP. */
  readonly http: readonly string[];
  /** Lines of the side of https. */
  readonly https: readonly string[];
  /** The path that the shop is served under, and that is taken off. */
  readonly strips?: string;
  /** Plain HTTP is not handed on: this stands in place of that. */
  readonly httpAnswers?: string;
}

/** A server, and how the lines become a configuration. */
export interface ShopServer {
  readonly start: StartProxy;
  readonly config: (front: ShopFront, upstream: number, place: ShopPlace) => string;
}

/** Where a server listens and what it presents. */
export interface ShopPlace extends ProxyPlace {
  readonly fullchain: string;
  readonly chainKey: string;
  readonly chainAndKey: string;
}

/** The shop as it is deployed. */
export interface DeployedShop {
  probe(options?: ProbeOptions): Promise<ProbeReport>;
  stop(): Promise<void>;
}

/** What the shop is deployed as. */
export interface ShopParts {
  readonly server: ShopServer;
  readonly front: ShopFront;
  readonly options: SecureOptions;
  readonly certificate: Certificate;
  /** The door asks for a password, and is exempt or marked. Default: there is none. */
  readonly door?: 'exempt' | 'marked';
  /** The authorities that the probe trusts. */
  readonly ca: string;
  /** What visitors type. Default `https://shop.example`. */
  readonly url?: string;
}

/** Starts the shop and the server in front of it. */
export async function deployShop(newAdapter: NewAdapter, parts: ShopParts): Promise<DeployedShop> {
  const { server, front, options, certificate, ca, door, url = `https://${SHOP}` } = parts;
  const started: { app?: INestApplication; proxy?: ProxyServer } = {};
  const stop = async (): Promise<void> => {
    await started.proxy?.stop();
    await started.app?.close();
  };
  try {
    const app = await createShop(newAdapter, options, door);
    started.app = app;
    await app.listen(0, '127.0.0.1');
    const upstream = Number(new URL(await app.getUrl()).port);
    const proxy = await startFront(server, front, upstream, certificate);
    started.proxy = proxy;
    const connectTo = connectToFront(proxy);
    shopRan.length = 0;
    return { probe: (more) => probe(app, url, { rate: 10_000, connectTo, ca, ...more }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts a server in front of a port of this machine, with a certificate. */
export function startFront(
  server: ShopServer,
  front: ShopFront,
  upstream: number,
  certificate: Certificate,
): Promise<ProxyServer> {
  return server.start((place) => {
    const own = {
      ...place,
      fullchain: join(place.folder, 'fullchain.pem'),
      chainKey: join(place.folder, 'privkey.pem'),
      chainAndKey: join(place.folder, 'both-chain.pem'),
    };
    writeFileSync(own.fullchain, certificate.cert);
    writeFileSync(own.chainKey, certificate.key);
    writeFileSync(own.chainAndKey, certificate.cert + certificate.key);
    return server.config(front, upstream, own);
  });
}

/** Where the probe finds what visitors find at the ports of the name. */
export function connectToFront({ http, https }: ProxyServer): string[] {
  return [`:443:127.0.0.1:${https}`, `:8443:127.0.0.1:${https}`, `:80:127.0.0.1:${http}`];
}

/** The shop without a server in front, not yet listening. */
export async function createShop(
  newAdapter: NewAdapter,
  options: SecureOptions = {},
  door?: ShopParts['door'],
): Promise<INestApplication> {
  class ShopModule {}
  const doors = { exempt: [DoorController], marked: [MarkedDoorController] };
  Module({
    imports: [
      SecureModule.forRoot({
        hosts: [SHOP],
        proxies: { trust: ['loopback'] },
        hsts: { maxAge: 31_536_000 },
        ...options,
      }),
    ],
    controllers: [ShopController, ...(door === undefined ? [] : doors[door])],
  })(ShopModule);
  return NestFactory.create(ShopModule, newAdapter(), { logger: false, abortOnError: false });
}
