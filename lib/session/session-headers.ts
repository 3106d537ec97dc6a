import type { SessionSettings } from '../settings/session-settings.js';
import { SessionCookie } from './session-cookie.js';
import type { CookieTags } from './cookie-tag.js';
import type { DeviceBinding } from './device-binding.js';
import { planHeaders } from './header-plan.js';
import { expiredCookie, forgottenCookie, setCookie, type CookiePlace } from './cookie-header.js';
import type { SessionReports } from './session-reports.js';
import type { ResponseHead, SessionState } from './session-state.js';

/** Writes what the head of a response says of the session. */
export class SessionHeaders {
  constructor(
    private readonly settings: SessionSettings,
    private readonly tags: CookieTags,
    private readonly reports: SessionReports,
    private readonly defaultCookie: (state: SessionState) => SessionCookie,
    private readonly binding: DeviceBinding | undefined,
  ) {}

  /** Writes it, once for a response. */
  write(state: SessionState, head: ResponseHead): void {
    const { name, rolling } = this.settings;
    const { presented, own, session } = state;
    const control = head.get('cache-control');
    const plan = planHeaders({
      presented: state.values.length > 0,
      presentedKey: presented?.key,
      stale: presented?.stale ?? false,
      keptKey: state.kept ? own?.key : undefined,
      moved: state.movedTo !== undefined,
      replaced: state.replaced,
      rolling,
      touched: state.touchedRequest !== undefined || state.touchedRaw !== undefined,
      renewed:
        (state.written || state.prolonged) &&
        session?.cookie instanceof SessionCookie &&
        session.cookie.originalMaxAge !== null,
      cacheControl: control === undefined ? undefined : String(control),
    });
    state.told = state.kept ? own?.key : undefined;
    if (plan.cookie === 'set' && !this.setCookie(state, head)) state.told = presented?.key;
    if (plan.cookie === 'expire') appendCookie(head, name, expiredCookie(this.settings));
    if (state.adopted !== undefined) this.takeBack(state.adopted, head);
    if (plan.cacheControl !== undefined) head.set('cache-control', plan.cacheControl);
    if (plan.varies) addVary(head);
    this.binding?.writeHeaders(state, head, plan.cookie === 'set' && state.told === own?.key);
    if (plan.shared) this.reports.sharedCache(state, String(control));
  }

  /** Has the browser forget the old engine's cookie, unless ours has replaced it. */
  private takeBack(place: CookiePlace, head: ResponseHead): void {
    const { adopt, name, cookie } = this.settings;
    if (adopt === undefined || (adopt.name === name && isSamePlace(place, cookie))) return;
    head.set('set-cookie', [...cookieLines(head), forgottenCookie(adopt.name, place, cookie.secure)]);
  }

  /** Whatever a handler has set on the cookie: it is Secure and HttpOnly, and keeps the rules of its name. */
  private setCookie(state: SessionState, head: ResponseHead): boolean {
    const { own, session } = state;
    if (own === undefined) return false;
    const { name, cookie } = this.settings;
    const asked = session?.cookie instanceof SessionCookie ? session.cookie : this.defaultCookie(state);
    const isHostOnly = /^__Host-/i.test(name);
    const { sameSite, expires, partitioned } = asked;
    try {
      const line = setCookie(name, this.tags.valueFor(own), {
        path: isHostOnly ? cookie.path : asked.path,
        domain: isHostOnly ? undefined : asked.domain,
        expires: expires ?? undefined,
        httpOnly: cookie.httpOnly,
        secure: cookie.secure,
        partitioned,
        sameSite,
      });
      appendCookie(head, name, line);
      return true;
    } catch (error) {
      this.reports.cookieFailure(error);
      return false;
    }
  }
}

/** Whether a browser keeps both cookies in one place, so that the one of a name replaces the other. */
function isSamePlace(one: CookiePlace, other: CookiePlace): boolean {
  const [first, second] = [one, other].map(({ path = '/', domain = '', partitioned = false }) =>
    [path, domain.replace(/^\./, '').toLowerCase(), partitioned].join(' '),
  );
  return first === second;
}

/** Adds a cookie to a response, in place of one of the same name. */
export function appendCookie(head: ResponseHead, name: string, line: string): void {
  const others = cookieLines(head).filter((other) => !other.startsWith(`${name}=`));
  head.set('set-cookie', [...others, line]);
}

function cookieLines(head: ResponseHead): string[] {
  return [head.get('set-cookie') ?? []].flat().map(String);
}

function addVary(head: ResponseHead): void {
  const vary = head.get('vary');
  if (vary === undefined || vary === '') return head.set('vary', 'Cookie');
  const names = String(vary);
  if (!/(?:^|,)\s*(?:\*|cookie)\s*(?:,|$)/i.test(names)) head.set('vary', `${names}, Cookie`);
}
