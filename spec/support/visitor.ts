import { once } from 'node:events';
import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { text } from 'node:stream/consumers';
import { CookieJar, type CookieJarOptions } from 'nestjs-secure/testing';

/** What a visitor is answered. */
export interface Answer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What a visitor asks beside the URL. */
export interface Visit {
  /** Default GET, or POST where there is a form. */
  readonly method?: string;
  readonly form?: Readonly<Record<string, string>>;
  readonly accept?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Somebody at a site, with cookies that are kept and sent by the rules of browsers. Redirects are not followed. */
export class Visitor {
  readonly jar: CookieJar;

  /** @param ca the certificate that is trusted, in PEM */
  constructor(
    private readonly ca: string,
    options?: CookieJarOptions,
  ) {
    this.jar = new CookieJar(options);
  }

  async ask(
    url: string,
    { form, method = form === undefined ? 'GET' : 'POST', accept, headers: more }: Visit = {},
  ): Promise<Answer> {
    const cookie = this.jar.header(url);
    const headers = {
      ...more,
      ...(accept === undefined ? {} : { accept }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const { protocol, hostname, port } = new URL(url);
    // The path as it stands: URL would tidy it up.
    const path = url.slice(url.indexOf('/', protocol.length + 2)) || '/';
    const target = { hostname, port, path, method, headers, agent: false };
    const sent = protocol === 'https:' ? requestHttps({ ...target, ca: this.ca }) : requestHttp(target);
    sent.end(form === undefined ? undefined : new URLSearchParams(form).toString());
    const [response]: IncomingMessage[] = await once(sent, 'response');
    if (response === undefined) throw new Error('no response');
    const refused = this.jar.store(url, response.headers['set-cookie']);
    if (refused.length > 0) throw new Error(`a browser would not keep this cookie: ${refused[0]?.reason}`);
    return { status: response.statusCode, headers: response.headers, body: await text(response) };
  }
}
