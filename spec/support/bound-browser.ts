import type { App, Ask } from './applications.js';
import { makeKey, makeProof, type DeviceKey } from './device-keys.js';
import { Browser, type Visit } from './sessions.js';

/** What a browser keeps of a session that is bound to its device. */
export interface BoundSession {
  readonly identifier: string;
  readonly refresh: string;
  readonly key: DeviceKey;
}

/** A browser that binds sessions, as Chromium does; it registers at once, and refreshes where it is told to. */
export class BoundBrowser extends Browser {
  bound: BoundSession | undefined = undefined;
  /** The header of the last sign-in. */
  offer: { readonly path: string; readonly challenge: string } | undefined = undefined;
  /** Whether it takes an offer. */
  takes = true;

  constructor(
    app: App,
    readonly newKey: () => DeviceKey = makeKey,
  ) {
    super(app);
  }

  override async visit(path: string, ask: Ask = {}): Promise<Visit> {
    const answer = await super.visit(path, ask);
    const header = answer.headers['secure-session-registration'];
    if (header === undefined) return answer;
    const [, offered, challenge] = /^\(ES256 RS256\);path="([^"]+)";challenge="([^"]+)"$/.exec(String(header)) ?? [];
    this.offer = { path: offered ?? '', challenge: challenge ?? '' };
    if (this.takes) await this.register();
    return answer;
  }

  /** Takes the offer of the last sign-in. */
  async register(): Promise<Visit> {
    const { path, challenge } = this.offer ?? { path: '', challenge: '' };
    const key = this.newKey();
    const answer = await this.prove(path, makeProof(key, challenge, { header: { jwk: key.jwk } }));
    if (answer.status === 200) this.follow(answer.body, key);
    return answer;
  }

  /** Renews the bound cookie; without a challenge it asks for one. */
  async refresh(challenge?: string): Promise<Visit> {
    if (this.bound === undefined) throw new Error('This browser has bound no session.');
    const { refresh, identifier, key } = this.bound;
    const headers = { 'Sec-Secure-Session-Id': identifier };
    const asked = challenge ?? challengeIn(await this.post(refresh, headers));
    if (asked === undefined) throw new Error('There was no challenge.');
    const answer = await this.prove(refresh, makeProof(key, asked), headers);
    if (answer.status === 200) this.follow(answer.body, key);
    return answer;
  }

  /** Asks for a challenge. */
  async challenge(): Promise<Visit> {
    return this.post(this.bound?.refresh ?? '', { 'Sec-Secure-Session-Id': this.bound?.identifier ?? '' });
  }

  post(path: string, headers: Readonly<Record<string, string>>): Promise<Visit> {
    return super.visit(path, { method: 'POST', headers });
  }

  prove(path: string, proof: string, headers: Readonly<Record<string, string>> = {}): Promise<Visit> {
    return this.post(path, { ...headers, 'Secure-Session-Response': proof });
  }

  /** The bound cookie expires, as the browser sees it. */
  forgetProof(): void {
    this.jar.store('https://localhost/', '__Host-sid-bound=; Path=/; Secure; Max-Age=0');
  }

  private follow(body: string, key: DeviceKey): void {
    const said: { session_identifier: string; refresh_url: string; continue?: boolean } = JSON.parse(body);
    this.bound =
      said.continue === false ? undefined : { identifier: said.session_identifier, refresh: said.refresh_url, key };
  }
}

/** The challenge of an answer. */
export function challengeIn({ headers }: Pick<Visit, 'headers'>): string | undefined {
  return /^"([^"]+)";id="[^"]+"$/.exec(String(headers['secure-session-challenge']))?.[1];
}
