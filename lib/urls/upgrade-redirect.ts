import { parseHost } from '../transport/host.js';
import { absoluteUrl } from '../transport/request-target.js';

const HTTP_URL = /^http:\/\/([^/?#\\]*)([^#]*)(.*)/is;

/**
 * The https form of a redirect that leads to this site over http; undefined where it leads elsewhere, is https already
 * or is relative.
 */
export function upgradeRedirect(
  location: string,
  isThisSite: (host: string) => boolean,
  httpsPort: number,
): string | undefined {
  const [, authority, target = '', fragment = ''] = HTTP_URL.exec(location) ?? [];
  const host = parseHost(authority)?.host;
  if (host === undefined || !isThisSite(host)) return undefined;
  return absoluteUrl('https', host, httpsPort, target) + fragment;
}
