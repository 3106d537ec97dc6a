import type { SessionOptions } from 'nestjs-secure';
import { createHmac } from 'node:crypto';
import { MINUTE, openBoundSite, pass, post, thiefOf, whoAt } from '../support/bound-accounts.js';
import { BoundBrowser, challengeIn } from '../support/bound-browser.js';
import { makeKey } from '../support/device-keys.js';
import { Browser, ONE_PER_USER, openMemory, SECRET, sites } from '../support/sessions.js';

describe.each(sites)(
  'On %s with %s, in other circumstances a device-bound session',
  (_platform, _store, newAdapter, openStore) => {
    const openSite = (session?: Partial<SessionOptions>) => openBoundSite(newAdapter, openStore, session);

    it('serves requests that left before the key was registered', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      const early = thiefOf(app, browser, '__Host-sid');
      expect(await whoAt(early)).toBe('ada');
      pass(31_000);
      expect(await whoAt(early)).toBeNull();
    });

    it('is not bound once the challenge of the sign-in is too old', async () => {
      const { browser } = await openSite();
      browser.takes = false;
      await browser.visit('/login', post);
      pass(61_000);
      expect((await browser.register()).status).toBe(400);
      expect(await whoAt(browser)).toBe('ada');
    });

    it('binds one of eight keys that are registered at once', async () => {
      const { browser } = await openSite();
      browser.takes = false;
      await browser.visit('/login', post);
      const answers = await Promise.all(Array.from({ length: 8 }, () => browser.register()));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 400, 400, 400, 400, 400, 400, 400]);
    });

    it('asks for another proof where the challenge is older than a minute', async () => {
      const { browser } = await openSite();
      await browser.visit('/login', post);
      const challenge = challengeIn(await browser.challenge());
      pass(61_000);
      const late = await browser.refresh(challenge);
      expect(late.status).toBe(403);
      expect((await browser.refresh(challengeIn(late))).status).toBe(200);
    });

    it('is refreshed without its cookies, as a link from another site has it', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      const cookieless = new BoundBrowser(app);
      cookieless.bound = browser.bound;
      const answer = await cookieless.refresh();
      expect(answer).toMatchObject({ status: 200, setCookie: [expect.stringContaining('__Host-sid-bound=')] });
      // Of the session itself nothing was given.
      expect(await whoAt(cookieless)).toBeNull();
    });

    it('keeps its key under a new id, and through slower writes', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      await Promise.all([browser.visit('/cart', post), browser.refresh(), browser.visit('/cart', post)]);
      await browser.visit('/renew', post);
      expect(browser.offer).toBeDefined();
      expect((await browser.refresh()).status).toBe(200);
      const thief = thiefOf(app, browser, '__Host-sid');
      pass(11 * MINUTE);
      expect(await whoAt(thief)).toBeNull();
      browser.forgetProof();
      expect((await browser.refresh()).status).toBe(200);
      expect(JSON.parse((await browser.visit('/who')).body)).toMatchObject({ userId: 'ada', cart: ['tea'] });
    });

    it('ends with revocation', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      const challenge = challengeIn(await browser.challenge());
      await new Browser(app).visit('/revoke', post);
      const answer = await browser.refresh(challenge);
      expect(JSON.parse(answer.body)).toEqual({ continue: false });
      expect(answer.setCookie).toEqual([]);
      expect(await whoAt(browser)).toBeNull();
    });

    it('gives way to the next sign-in in the same browser', async () => {
      const { browser } = await openSite();
      await browser.visit('/login', post);
      const first = browser.bound;
      await browser.visit('/login', post);
      expect(browser.bound?.identifier).not.toBe(first?.identifier);
      expect(await whoAt(browser)).toBe('ada');
      const second = browser.bound;
      browser.bound = first;
      expect(JSON.parse((await browser.challenge()).body)).toEqual({ continue: false });
      browser.bound = second;
      expect((await browser.refresh()).status).toBe(200);
    });

    it('is bound by an RSA key as well', async () => {
      const { app } = await openSite();
      const browser = new BoundBrowser(app, () => makeKey('RS256'));
      await browser.visit('/login', post);
      expect((await browser.refresh()).status).toBe(200);
      pass(31_000);
      expect(await whoAt(thiefOf(app, browser, '__Host-sid'))).toBeNull();
      expect(await whoAt(browser)).toBe('ada');
    });

    it('is bound where Passport, or a handler itself, signs the user in', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login-by-hand', post);
      expect(browser.bound).toBeDefined();
      pass(31_000);
      expect(await whoAt(thiefOf(app, browser, '__Host-sid'))).toBeNull();
      expect(await whoAt(browser)).toBe('ada');
    });

    it('of nobody is not offered', async () => {
      const { browser } = await openSite();
      const answer = await browser.visit('/cart', post);
      expect(answer.setCookie).toEqual([expect.stringMatching(/^__Host-sid=/)]);
      expect(answer.headers['secure-session-registration']).toBeUndefined();
    });

    it('ends as the oldest beyond perUser, and its browser is told', async () => {
      const { app, browser } = await openSite({ perUser: ONE_PER_USER });
      await browser.visit('/login', post);
      const other = new BoundBrowser(app);
      await other.visit('/login', post);
      expect(await whoAt(browser)).toBeNull();
      expect(JSON.parse((await browser.challenge()).body)).toEqual({ continue: false });
      expect(await whoAt(other)).toBe('ada');
      expect((await other.refresh()).status).toBe(200);
    });

    it('is no recent sign-in of who copied it', async () => {
      const { app, browser } = await openSite();
      await browser.visit('/login', post);
      expect((await browser.visit('/recent')).status).toBe(200);
      pass(31_000);
      expect((await thiefOf(app, browser, '__Host-sid').visit('/recent')).status).toBe(401);
      expect((await browser.visit('/recent')).status).toBe(200);
    });

    it('that was adopted goes on, and is bound by its next id', async () => {
      const old = openMemory().options.store;
      if (typeof old !== 'object') throw new Error('A store is needed.');
      const cookie = { originalMaxAge: null, expires: null };
      await new Promise((done) => Reflect.apply(old.set, old, ['old-id', { cookie, userId: 'ada' }, done]));
      const { app, browser } = await openSite({ adopt: { secret: SECRET, store: old, until: '2999-01-01' } });
      const tag = createHmac('sha256', SECRET).update('old-id').digest('base64').replace(/=+$/, '');
      browser.jar.store('https://localhost/', `connect.sid=${encodeURIComponent(`s:old-id.${tag}`)}; Path=/`);
      expect(await whoAt(browser)).toBe('ada');
      expect(browser.bound).toBeUndefined();
      await browser.visit('/renew', post);
      expect(browser.bound).toBeDefined();
      pass(31_000);
      expect(await whoAt(browser)).toBe('ada');
      expect(await whoAt(thiefOf(app, browser, '__Host-sid'))).toBeNull();
    });
  },
);
