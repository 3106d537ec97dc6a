import { once } from 'node:events';
import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { CookieJar } from 'nestjs-secure/testing';

/** Where somebody has come to. */
export interface Arrival {
  /** The URL of the last answer. */
  readonly url: string;
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Every URL that was asked for, in order. */
  readonly asked: readonly string[];
}

/** Browsers give up after twenty. */
const MOST_REDIRECTS = 20;

const EVERYWHERE = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language': 'en',
  'Upgrade-Insecure-Requests': '1',
};

const OVER_HTTPS = {
  'sec-ch-ua': '"Chromium";v="141", "Not?A_Brand";v="8"',
  'sec-ch-ua-mobile': '?0',
  'sec-ch-ua-platform': '"Linux"',
  'Sec-Fetch-Site': 'none',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-User': '?1',
  'Sec-Fetch-Dest': 'document',
};

/**
 * A client that sends what a browser sends (measured in Chromium: `Sec-Fetch-*` and client hints over https alone, and
 * over http to this machine), keeps its cookies, and follows redirects. Names that end in `.test` are this machine.
 */
export class BrowserLike {
  readonly jar = new CookieJar();

  /** @param more headers that are sent with each request */
  constructor(private readonly more: Readonly<Record<string, string>> = {}) {}

  /** Goes there, and wherever it is led. Throws after twenty redirects, and where nobody listens. */
  async visit(url: string, form?: Readonly<Record<string, string>>): Promise<Arrival> {
    const asked = [url];
    let answer = await this.ask(url, form);
    for (;;) {
      const here = asked.at(-1) ?? url;
      const { location } = answer.headers;
      // A browser asks once more where it was misdirected (RFC 9110 15.5.20).
      if (answer.status === 421) answer = await this.ask(here, form);
      if (location === undefined || !isRedirect(answer.status)) return { ...answer, url: here, asked };
      if (asked.length > MOST_REDIRECTS) throw new Error(`It goes in circles: ${asked.join(' ')}`);
      const next = new URL(location, here).href;
      asked.push(next);
      answer = await this.ask(next, answer.status === 307 || answer.status === 308 ? form : undefined);
    }
  }

  /** Asks once, and follows nothing. */
  async ask(
    url: string,
    form?: Readonly<Record<string, string>>,
  ): Promise<Pick<Arrival, 'status' | 'headers' | 'body'>> {
    const { protocol, hostname, port, pathname, search, host } = new URL(url);
    // No test listens at the port of a scheme.
    if (port === '') throw new Error(`Nobody listens at ${url}.`);
    const trusted = protocol === 'https:' || hostname === 'localhost' || hostname.endsWith('.localhost');
    const cookie = this.jar.header(url);
    const headers = {
      Host: host,
      ...EVERYWHERE,
      ...(trusted ? OVER_HTTPS : {}),
      ...(cookie === undefined ? {} : { Cookie: cookie }),
      ...(form === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...this.more,
    };
    const target = {
      host: '127.0.0.1',
      port,
      path: pathname + search,
      method: form === undefined ? 'GET' : 'POST',
      headers,
      agent: false,
    };
    const sent =
      protocol === 'https:'
        ? requestHttps({ ...target, servername: hostname, rejectUnauthorized: false })
        : requestHttp(target);
    sent.end(form === undefined ? undefined : new URLSearchParams(form).toString());
    const [response]: IncomingMessage[] = await once(sent, 'response');
    if (response === undefined) throw new Error('no response');
    const refused = this.jar.store(url, response.headers['set-cookie']);
    if (refused.length > 0) throw new Error(`a browser would not keep this cookie: ${refused[0]?.reason}`);
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  }
}

function isRedirect(status: number | undefined): boolean {
  return status !== undefined && [301, 302, 303, 307, 308].includes(status);
}
