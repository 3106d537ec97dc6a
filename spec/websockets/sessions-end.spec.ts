import { SecureSessions } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { EVERYTHING } from '../support/everything.js';
import { connected, ioClient, onSocketIo, ran, type GatewayApp } from '../support/gateways.js';
import { kinds, OpenGateway, post, start } from '../support/session-gateways.js';
import { ONE_PER_USER, SECRET, until } from '../support/sessions.js';

describe.each(adapters)('On %s', (platform, newAdapter) => {
  // In `npm test` each adapter has some of them.
  const some = kinds.filter((_kind, at) => EVERYTHING || (platform === 'Express' ? at === 0 : at === 2));
  describe.each(some)('over %s', (_name, { sockets, connect, end }) => {
    it.each([
      ['sign-out', async (app: GatewayApp, cookie: string) => void (await post(app, '/logout', cookie))],
      ['revokeAll', (app: GatewayApp) => app.nest.get(SecureSessions).revokeAll('ada')],
      ['revokeEverybody', (app: GatewayApp) => app.nest.get(SecureSessions).revokeEverybody()],
    ])('%s closes it, and nothing runs afterwards', async (how, finish) => {
      const app = await start(newAdapter, sockets);
      const cookie = await post(app, '/login/ada');
      const client = await connect(app, cookie);
      const stranger = await connect(app);
      const [bob, eve] = await Promise.all(
        ['bob', 'eve'].map(async (user) => connect(app, await post(app, `/login/${user}`))),
      );
      expect(await client.say('who')).toBe('ada likes red');
      ran.length = 0;

      await finish(app, cookie);
      void client.say('who');

      expect(await client.closed).toEqual(end);
      await until(() => ran.includes('disconnected'));
      expect(ran).not.toContain('who');
      expect(await stranger.say('who')).toBe('nobody');
      if (how !== 'revokeEverybody') expect(await bob?.say('who')).toBe('bob likes red');
      else expect(await eve?.closed).toEqual(end);
    });

    it('it is closed when its user signs in elsewhere once more than perUser allows', async () => {
      const session = { secret: SECRET, store: 'memory', perUser: ONE_PER_USER } as const;
      const app = await start(newAdapter, sockets, OpenGateway, { session });
      const client = await connect(app, await post(app, '/login/ada'));
      expect(await client.say('who')).toBe('ada likes red');

      await post(app, '/login/bob');
      expect(await client.say('who')).toBe('ada likes red');
      await post(app, '/login/ada');
      expect(await client.closed).toEqual(end);
    });

    it('it stays with the session under a new id, and ends with it', async () => {
      const app = await start(newAdapter, sockets);
      const first = await post(app, '/login/ada');
      const client = await connect(app, first);
      const second = await post(app, '/renew', first);

      expect(second).not.toBe(first);
      expect(await client.say('who')).toBe('ada likes red');
      expect(await client.say('paint', 'green')).toBe('green');
      await post(app, '/logout', second);
      expect(await client.closed).toEqual(end);
    });
  });
});

describe.each(adapters.slice(0, 1))('A client of socket.io that began by polling, on %s', (_platform, newAdapter) => {
  it('is closed after it has changed to a WebSocket', async () => {
    const app = await start(newAdapter, onSocketIo);
    const cookie = await post(app, '/login/ada');
    const client = await connected(ioClient(app.https, { tls: true, extraHeaders: { Cookie: cookie } }));
    const { engine } = client.io;
    if (engine.transport.name !== 'websocket')
      await new Promise<void>((resolve) => engine.once('upgrade', () => resolve()));

    const closed = new Promise((resolve) => client.once('disconnect', resolve));
    await app.nest.get(SecureSessions).revokeAll('ada');
    expect(await closed).toBe('io server disconnect');
  });
});
