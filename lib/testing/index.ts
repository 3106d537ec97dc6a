export { switchOffSecure, type OverridableModule } from './switch-off-secure.js';
export {
  asHttps,
  signedInAgo,
  throughProxy,
  type InjectRequest,
  type ProxiedBy,
  type SettableRequest,
} from './test-request.js';
export { CookieJar, type CookieJarOptions, type RefusedCookie } from './cookie-jar.js';
export type { CookieRefusal, StoredCookie } from './cookie-rules.js';
export { listenWithThrowAwayCertificate, type ThrowAwayListening } from './listen-with-throw-away-certificate.js';
