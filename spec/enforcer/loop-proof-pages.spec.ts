import { All, Controller } from '@nestjs/common';
import { SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, createApp, type Ask, type NewAdapter, type Reply } from '../support/applications.js';
import { sampled } from '../support/everything.js';

@Controller()
class PagesController {
  @SecureRequired()
  @All('marked')
  marked(): string {
    return 'marked';
  }
}

const HOST = 'shop.example.com';
const BROWSER = { Host: HOST, Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };
const navigation = { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };

/** Each answer that a person may see. */
const ANSWERS: [what: string, ask: Ask, status: number, heading: string, finding: string | undefined][] = [
  ['a redirect', { headers: BROWSER }, 307, 'This page is at another address', undefined],
  ['a secret over plain HTTP', { method: 'POST', headers: BROWSER }, 403, 'This was not sent safely', undefined],
  ['another host', { headers: { ...BROWSER, Host: 'elsewhere.example' } }, 400, 'Unknown host name', 'SEC002'],
  [
    'a proxy that is not declared',
    { headers: { ...BROWSER, 'X-Forwarded-Proto': 'https' } },
    421,
    'This site is misconfigured',
    'SEC101',
  ],
  ['a loop', { headers: { ...BROWSER, ...navigation } }, 421, 'This site is misconfigured', 'SEC104'],
];

const options: SecureOptions = { hosts: [HOST], paths: ['/ruled'], proxies: { trust: ['10.0.0.1'] } };

/** Asks twice, for a loop is one at the second time, and says what came at last. */
async function answerTo(newAdapter: NewAdapter, path: string, asked: Ask): Promise<Reply> {
  const app = await createApp(newAdapter, { controllers: [PagesController], options });
  await app.ask(path, asked);
  return app.ask(path, asked);
}

describe.each(adapters)('on %s', (_platform, newAdapter) => {
  // The guard answers for what is marked, the gate for what a rule covers.
  describe.each(sampled(['/marked', '/ruled'], 2))('the answer for %s to', (path) => {
    it.each(ANSWERS)('%s says what happened, what to do, and where the operator looks', async (...row) => {
      const [, asked, status, heading, finding] = row;
      const { headers, body, ...reply } = await answerTo(newAdapter, path, asked);
      expect(reply.status).toBe(status);
      expect(headers['content-type']).toMatch(/^text\/html; charset=utf-8/);
      expect(headers['cache-control']).toBe(status === 307 ? undefined : 'no-store');
      expect(body).toContain(`<h1>${heading}</h1>`);
      expect(body.match(/SEC\d+/g) ?? []).toEqual(finding === undefined ? [] : [finding]);
      expect(body.includes('nothing is wrong on your side')).toBe(finding === 'SEC002');
      expect(body.includes('Nothing is wrong on your side')).toBe(status === 421);
    });

    it.each(ANSWERS)(
      '%s fetches nothing, runs nothing, leads to the https address, reads well in the dark and on a phone',
      async (_what, asked) => {
        const { body } = await answerTo(newAdapter, path, asked);
        expect(body).not.toMatch(/<script|\son\w+=|url\(|@import|\ssrc=/i);
        const links = [...body.matchAll(/href="([^"]*)"/g)].map(([, href = '']) => href);
        // Without it a browser asks for /favicon.ico, over plain HTTP.
        expect(links[0]).toBe('data:,');
        // Where no host is allowed there is no address to lead to.
        expect(links.slice(1)).toEqual(body.includes('Unknown host name') ? [] : [`https://${HOST}${path}`]);
        expect(body).toContain('<meta name="color-scheme" content="light dark">');
        expect(body).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
        expect(body).toMatch(/^<!doctype html>\n<html lang="en">/);
      },
    );

    it.each(ANSWERS)('%s says the same to a program', async (_what, asked, status, _heading, finding) => {
      const { headers, body } = await answerTo(newAdapter, path, {
        ...asked,
        headers: { ...asked.headers, Accept: 'application/json' },
      });
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(JSON.parse(body)).toEqual({
        type: 'about:blank',
        title: expect.any(String),
        status,
        reason: expect.any(String),
        detail: finding === undefined ? expect.not.stringContaining('SEC') : expect.stringContaining(finding),
        ...(finding === undefined ? {} : { finding }),
      });
    });

    it.each(ANSWERS)('%s tells nothing of the inside', async (_what, asked) => {
      for (const accept of [BROWSER.Accept, '*/*']) {
        const { body } = await answerTo(newAdapter, path, { ...asked, headers: { ...asked.headers, Accept: accept } });
        expect(body).not.toMatch(/127\.0\.0\.1|10\.0\.0\.1|forRoot|trust|x-forwarded|nest|express|fastify|elsewhere/i);
      }
    });
  });
});
