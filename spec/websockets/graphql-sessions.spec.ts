import { Controller, Inject, Param, Post, Req } from '@nestjs/common';
import { Context, Query, Resolver, Subscription } from '@nestjs/graphql';
import { RecentSignIn, SecureAudit, SecureRequired, SecureSessions } from 'nestjs-secure';
import { ran, type App } from '../support/applications.js';
import { drivers, firstOf, operate, subscriber } from '../support/graphql.js';
import { Browser, createSessionApp, until } from '../support/sessions.js';

@Controller()
class LoginController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @SecureRequired()
  @Post('login/:user')
  async login(@Req() request: object, @Param('user') user: string): Promise<void> {
    const authenticatedAt = user === 'late' ? Date.now() - 3_600_000 : Date.now();
    await this.sessions.signIn(request, user, {}, { authenticatedAt });
  }

  @SecureRequired()
  @Post('renew')
  async renew(@Req() request: object): Promise<void> {
    await this.sessions.confirm(request, { userId: 'late' });
  }
}

let tell: (text: string) => void = () => undefined;

@Resolver()
class NewsResolver {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Query(() => String)
  async me(@Context() context: object): Promise<string> {
    return this.userOf(context);
  }

  @Subscription(() => String, { resolve: (value: unknown) => value })
  async *news(@Context() context: object): AsyncGenerator<string> {
    yield `news for ${await this.userOf(context)}`;
    try {
      for (;;) yield await new Promise<string>((resolve) => (tell = resolve));
    } finally {
      ran.push('unsubscribed');
    }
  }

  @RecentSignIn('10 minutes')
  @Subscription(() => String, { resolve: (value: unknown) => value })
  async *orders(): AsyncGenerator<string> {
    ran.push('orders');
    yield 'bought';
  }

  @RecentSignIn('10 minutes')
  @Query(() => String, { nullable: true })
  balance(): string {
    ran.push('balance');
    return '7';
  }

  private async userOf(context: object): Promise<string> {
    const session = await this.sessions.of(context);
    return String(Reflect.get(session ?? {}, 'userId') ?? 'nobody');
  }
}

/** A client of the socket that counts what it is given. */
function subscribe({ port }: App, query: string, headers: Record<string, string>) {
  const client = subscriber(`ws://127.0.0.1:${port}/graphql`, { headers });
  const given: unknown[] = [];
  const ended = new Promise<unknown>((resolve) => {
    client.subscribe(
      { query },
      { next: (event) => void given.push(event), error: resolve, complete: () => resolve('complete') },
    );
  });
  return { client, given, ended };
}

const HTTPS = { 'X-Forwarded-Proto': 'https' };

describe.each(drivers)('%s', (_name, { newAdapter, graphql }) => {
  async function start(user?: string): Promise<{ app: App; browser: Browser; headers: Record<string, string> }> {
    const app = await createSessionApp(newAdapter, {
      imports: [graphql({ subscriptions: true })],
      providers: [NewsResolver],
      controllers: [LoginController],
      session: { store: 'memory' },
    });
    const browser = new Browser(app);
    if (user !== undefined) await browser.visit(`/login/${user}`, { method: 'POST' });
    return { app, browser, headers: { ...HTTPS, Cookie: `__Host-sid=${browser.cookie()}` } };
  }

  it('a subscription has the session of its handshake, and a query that of its request', async () => {
    const { app, headers } = await start('ada');
    const { client, given } = subscribe(app, 'subscription { news }', headers);
    await until(() => given.length > 0);
    expect(given).toEqual([{ data: { news: 'news for ada' } }]);
    await client.dispose();

    expect((await operate(app, '{ me }', { headers })).data).toEqual({ me: 'ada' });
    const anonymous = subscriber(`ws://127.0.0.1:${app.port}/graphql`, { headers: HTTPS });
    expect(await firstOf(anonymous, 'subscription { news }')).toEqual({ data: { news: 'news for nobody' } });
    await anonymous.dispose();
  });

  it('there is none over ws, nor by a cookie that the client adds later', async () => {
    const { app, headers } = await start('ada');
    const insecure = subscriber(`ws://127.0.0.1:${app.port}/graphql`, { headers: { Cookie: headers['Cookie'] ?? '' } });
    expect(await firstOf(insecure, 'subscription { news }')).toEqual({ data: { news: 'news for nobody' } });
    await insecure.dispose();
    expect(app.nest.get(SecureAudit).findings()).toContainEqual(expect.objectContaining({ id: 'SEC240' }));

    const added = subscriber(`ws://127.0.0.1:${app.port}/graphql`, {
      headers: HTTPS,
      connectionParams: { cookie: headers['Cookie'], headers: { cookie: headers['Cookie'] } },
    });
    expect(await firstOf(added, 'subscription { news }')).toEqual({ data: { news: 'news for nobody' } });
    await added.dispose();
  });

  it('the end of the session closes the socket, and nothing comes after it', async () => {
    const { app, headers } = await start('ada');
    const { given, ended } = subscribe(app, 'subscription { news }', headers);
    const other = subscribe(app, 'subscription { news }', HTTPS);
    await until(() => given.length > 0 && other.given.length > 0);

    await app.nest.get(SecureSessions).revokeAll('ada');
    tell('secret');

    expect(await ended).toMatchObject({ code: 1008, reason: 'Session ended' });
    expect(given).toHaveLength(1);
    await other.client.dispose();
  });

  it('@RecentSignIn lets a recent sign-in through', async () => {
    const { app, headers } = await start('ada');
    const client = subscriber(`ws://127.0.0.1:${app.port}/graphql`, { headers });
    expect(await firstOf(client, 'subscription { orders }')).toEqual({ data: { orders: 'bought' } });
    expect((await operate(app, '{ balance }', { headers })).data).toEqual({ balance: '7' });
    await client.dispose();
  });

  it('@RecentSignIn refuses an older one with an error, and a socket has the sign-in of its handshake', async () => {
    const { app, browser, headers } = await start('late');
    const error = expect.objectContaining({
      extensions: expect.objectContaining({ code: 'SIGN_IN_TOO_OLD', reason: 'sign-in-too-old' }),
    });
    const client = subscriber(`ws://127.0.0.1:${app.port}/graphql`, { headers, lazy: false });
    expect(await firstOf(client, 'subscription { orders }')).toEqual(expect.objectContaining({ errors: [error] }));
    expect((await operate(app, '{ balance }', { headers })).errors).toEqual([error]);
    expect(ran).toEqual([]);

    await browser.visit('/renew', { method: 'POST' });
    expect(await firstOf(client, 'subscription { orders }')).toEqual(expect.objectContaining({ errors: [error] }));
    await client.dispose();
    const renewed = { ...HTTPS, Cookie: `__Host-sid=${browser.cookie()}` };
    const again = subscriber(`ws://127.0.0.1:${app.port}/graphql`, { headers: renewed });
    expect(await firstOf(again, 'subscription { orders }')).toEqual({ data: { orders: 'bought' } });
    await again.dispose();
  });
});
