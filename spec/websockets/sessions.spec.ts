import { SecureAudit } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { EVERYTHING } from '../support/everything.js';
import { ran } from '../support/gateways.js';
import { kinds, MarkedGateway, post, start } from '../support/session-gateways.js';

describe.each(adapters)('On %s', (platform, newAdapter) => {
  // In `npm test` each adapter has some of them.
  const some = kinds.filter((_kind, at) => EVERYTHING || (platform === 'Express' ? at === 0 : at === 2));
  describe.each(some)('over %s', (_name, { sockets, connect }) => {
    it('a gateway has the session of the handshake, as it is now', async () => {
      const app = await start(newAdapter, sockets);
      const cookie = await post(app, '/login/ada');
      const client = await connect(app, cookie);

      expect(await client.say('who')).toBe('ada likes red');
      expect(await client.say('paint', 'blue')).toBe('blue');
      expect(await client.say('who')).toBe('ada likes blue');
      const other = await connect(app, cookie);
      expect(await other.say('who')).toBe('ada likes blue');
    });

    it('there is none without a cookie, and with one that nobody has signed', async () => {
      const app = await start(newAdapter, sockets, MarkedGateway);
      const cookie = await post(app, '/login/ada');
      const forged = cookie.replace(/.{5}$/, 'AAAAA');

      expect(await (await connect(app)).say('who')).toBe('nobody');
      expect(await (await connect(app, forged)).say('who')).toBe('nobody');
    });

    it('there is none over ws, and a finding says why', async () => {
      const app = await start(newAdapter, sockets);
      const cookie = await post(app, '/login/ada');
      const client = await connect(app, cookie, false);

      expect(await client.say('who')).toBe('nobody');
      const findings = app.nest.get(SecureAudit).findings();
      expect(findings).toContainEqual(
        expect.objectContaining({ id: 'SEC240', cause: expect.stringContaining('came over plain HTTP') }),
      );
    });

    it('a message under @RecentSignIn runs after a recent sign-in only', async () => {
      const app = await start(newAdapter, sockets);
      const fresh = await connect(app, await post(app, '/login/ada'));
      expect(await fresh.say('pay')).toBe('paid');
      ran.length = 0;

      const refusal = expect.objectContaining({ code: 'SIGN_IN_TOO_OLD', reason: 'sign-in-too-old' });
      for (const cookie of [await post(app, '/login/late'), undefined]) {
        expect(await (await connect(app, cookie)).refused('pay')).toEqual(refusal);
      }
      expect(ran).not.toContain('paid');
    });

    it('the user of a session cannot be changed over it', async () => {
      const app = await start(newAdapter, sockets);
      const client = await connect(app, await post(app, '/login/ada'));

      expect(await client.say('become', 'root')).toContain('The user of a session was changed over a socket');
      expect(await client.say('who')).toBe('ada likes red');
    });
  });
});
