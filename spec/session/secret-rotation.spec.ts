import { Controller, Get, Post, Session } from '@nestjs/common';
import { SecureRequired } from 'nestjs-secure';
import { Browser, createSessionApp, SECRET, sites } from '../support/sessions.js';

@SecureRequired()
@Controller()
class SessionController {
  @Post('write')
  write(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
  }

  @Get('read')
  read(@Session() session: Record<string, unknown>): unknown {
    return session['color'] ?? 'nothing';
  }
}

const NEW_SECRET = 'Tm5-second-of-the-secrets-of-this-test-9cRwQ1';
const OTHER_SECRET = 'xY7-somebody-elses-secret-altogether-2hJk8Lm';

describe.each(sites)('On %s with %s', (_platform, _store, newAdapter, openStore) => {
  function startWith(secret: string | readonly string[], options = openStore().options) {
    return createSessionApp(newAdapter, { controllers: [SessionController], session: { ...options, secret } });
  }

  /** Writes with one secret, closes, and reads with another on the same store. */
  async function readAfter(before: string | readonly string[], after: string | readonly string[]): Promise<string> {
    const { options } = openStore();
    const first = await startWith(before, options);
    const browser = new Browser(first);
    await browser.visit('/write', { method: 'POST' });
    const cookie = browser.cookie();
    await first.nest.close();
    const second = await startWith(after, options);
    return (await second.ask('/read', { https: true, headers: { Cookie: `__Host-sid=${cookie}` } })).body;
  }

  it('a session survives a restart with the same secret', async () => {
    expect(await readAfter(SECRET, SECRET)).toBe('blue');
  });

  it('an old secret behind a new one still verifies', async () => {
    expect(await readAfter(SECRET, [NEW_SECRET, SECRET])).toBe('blue');
  });

  it('the first secret signs', async () => {
    expect(await readAfter([NEW_SECRET, SECRET], NEW_SECRET)).toBe('blue');
    expect(await readAfter([NEW_SECRET, SECRET], SECRET)).toBe('nothing');
  });

  it('a secret that was taken out verifies nothing', async () => {
    expect(await readAfter(SECRET, [NEW_SECRET, OTHER_SECRET])).toBe('nothing');
  });
});
