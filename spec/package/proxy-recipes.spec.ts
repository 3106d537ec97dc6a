import { compileTransport } from '../../lib/transport/transport.js';
import { validateOptions } from '../../lib/settings/validate.js';
import { connect } from '../support/connection.js';
import { recipes } from '../support/recipes.js';

const all = recipes();
const run = all.filter(({ config }) => config !== undefined);
const described = all.filter(({ config }) => config === undefined);

/** A peer that the recipe means, and one that it does not. */
const PEERS: Record<string, [proxy: string, stranger: string]> = {
  nginx: ['127.0.0.1', '192.0.2.1'],
  Apache: ['127.0.0.1', '192.0.2.1'],
  Caddy: ['127.0.0.1', '192.0.2.1'],
  HAProxy: ['127.0.0.1', '192.0.2.1'],
  Traefik: ['172.18.0.2', '192.0.2.1'],
  'AWS load balancers': ['10.0.3.17', '192.0.2.1'],
  CloudFront: ['10.0.3.17', '192.0.2.1'],
  Cloudflare: ['173.245.48.9', '192.0.2.1'],
  'Kubernetes (ingress-nginx)': ['10.244.0.7', '192.0.2.1'],
};

describe('The recipes of docs/proxies.md', () => {
  it('are one for each proxy', () => {
    expect(run.map(({ name }) => name)).toEqual(['nginx', 'Apache', 'Caddy', 'HAProxy']);
    expect(described.map(({ name }) => name)).toEqual([
      'Traefik',
      'AWS load balancers',
      'CloudFront',
      'Cloudflare',
      'Heroku',
      'Kubernetes (ingress-nginx)',
      'Azure App Service',
    ]);
  });

  it.each(all.map((recipe) => [recipe.name, recipe] as const))('%s: has options that are accepted', (_name, recipe) => {
    expect(() => validateOptions(recipe.options)).not.toThrow();
    expect(recipe.text).toContain('What goes wrong otherwise');
    expect(recipe.text).toMatch(/\]\(https:\/\/[^)\s]+\)/);
  });

  it.each(described.map((recipe) => [recipe.name, recipe] as const))(
    '%s: says that it was not run, and believes what the proxy sends',
    (name, { text, headers = [], options }) => {
      expect(text).toContain('_Not run._');
      const transport = compileTransport(options.proxies);
      const lines = Object.fromEntries(headers);
      const [proxy, stranger] = PEERS[name] ?? ['192.0.2.1', undefined];

      expect(transport.read(connect(lines, { peer: proxy }))).toMatchObject({ secure: true, host: 'example.com' });
      const overHttp = Object.fromEntries(
        headers
          .filter(([header]) => header !== 'X-ARR-SSL')
          .map(([header, value]) => [header, value.replace('https', 'http')]),
      );
      expect(transport.read(connect(overHttp, { peer: proxy })).secure).toBe(false);
      if (stranger === undefined) return;
      const fromStranger = transport.read(connect(lines, { peer: stranger }));
      expect(fromStranger.secure).toBe(false);
      expect(fromStranger.doubts).toContainEqual(
        expect.objectContaining({ grade: 'stated', reason: 'untrusted-peer' }),
      );
    },
  );
});
