import { createHash } from 'node:crypto';
import { assert, constantFrom, property, string } from 'fast-check';
import { escapeHtml } from '../../lib/cli/report/html.js';
import { reportPage } from '../../lib/cli/report/page.js';
import { pictureSummary } from '../../lib/cli/report/picture.js';
import { auditedRoute, auditReport, finding, largeReport, requiredRoute } from '../support/audit-reports.js';

/** Every element of a page, as a browser would open them: quoted attributes, no raw `<` or `>` elsewhere. */
function elementsOf(page: string): string[] {
  const outside = page.replace(/<(style|script)>[^]*?<\/\1>/g, '<$1>');
  return outside.match(/<[a-z][^>]*>/g) ?? [];
}

function routePolicy(page: string): Map<string, string> {
  const [, policy = ''] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
  return new Map(
    policy.split('; ').map((directive): [string, string] => {
      const [name = '', ...sources] = directive.split(' ');
      return [name, sources.join(' ')];
    }),
  );
}

function inlineOf(page: string, element: 'style' | 'script'): string[] {
  return [...page.matchAll(new RegExp(`<${element}[^>]*>([^]*?)</${element}>`, 'g'))].map(([, text = '']) => text);
}

describe('the page of a report', () => {
  const page = reportPage(auditReport({ findings: [finding()] }));

  it('has one style and one script, and a policy that lets nothing but these two in', () => {
    const policy = routePolicy(page);
    for (const element of ['style', 'script'] as const) {
      const inline = inlineOf(page, element);
      const hashes = inline.map((text) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
      expect(inline).toHaveLength(1);
      expect(policy.get(`${element}-src`)).toBe(hashes[0]);
    }
    expect(policy.get('default-src')).toBe("'none'");
    expect(policy.get('base-uri')).toBe("'none'");
    expect(policy.get('form-action')).toBe("'none'");
  });

  it('states its policy before anything that it applies to', () => {
    expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style>'));
  });

  it('has no handler and no style in an attribute', () => {
    expect(elementsOf(page).filter((element) => /\s(on\w+|style)\s*=/i.test(element))).toStrictEqual([]);
  });

  it('names no other place to load from', () => {
    const places = elementsOf(page).flatMap(
      (element) => /\s(?:src|srcset|href|data|action)="([^"]*)"/.exec(element)?.[1] ?? [],
    );
    expect(places.filter((place) => !place.startsWith('#'))).toStrictEqual([]);
  });

  it('links a route to what is wrong with it, and back to where it is explained', () => {
    expect(page).toContain('href="#SEC310"');
    expect(page).toContain('id="SEC310"');
    expect(page).toContain('About SEC310, with an example');
  });

  it('gives the same bytes for the same report', () => {
    expect(reportPage(auditReport({ findings: [finding()] }))).toBe(page);
  });

  it('says what is not known', () => {
    expect(reportPage(auditReport({ options: 'unknown' }))).toContain('The options of SecureModule are unknown');
    expect(page).not.toContain('The options of SecureModule are unknown');
  });
});

describe('a hostile name', () => {
  const hostile = `"><img src=x onerror=alert(1)>'</script><script>alert(2)</script><!--`;
  const everywhere = (name: string): string =>
    reportPage(
      auditReport({
        name,
        module: name,
        nest: name,
        routes: [
          auditedRoute({
            method: name,
            path: `/${name}`,
            hosts: [name],
            versions: [name],
            handler: name,
            source: { file: name, line: 1 },
          }),
        ],
        findings: [finding({ subject: `${name}, /${name}`, cause: name, fix: name, documentation: name })],
      }),
    );

  it('adds no element and no attribute to the page', () => {
    const shape = (page: string): string[] => elementsOf(page).map((element) => element.replace(/"[^"]*"/g, '""'));
    expect(shape(everywhere(hostile))).toStrictEqual(shape(everywhere('name')));
    expect(inlineOf(everywhere(hostile), 'script')).toStrictEqual(inlineOf(everywhere('name'), 'script'));
  });

  it('stays text, whatever it is made of', () => {
    assert(
      property(
        string({ unit: constantFrom(...'<>"\'&;#x3a \n\u0000\ud800') }),
        (text) => !/[<>"']|&(?!(amp|lt|gt|quot|#39);)/.test(escapeHtml(text)),
      ),
    );
  });
});

describe('the picture', () => {
  it.each([
    [[], 'No route was found.'],
    [[requiredRoute()], 'There is one route: it is redirected to https.'],
    [
      [auditedRoute(), auditedRoute(), requiredRoute(), requiredRoute({ method: 'POST' })],
      'Of 4 routes, 2 answer over plain http, 1 is redirected to https and 1 is refused.',
    ],
    [
      [auditedRoute({ requirement: { level: 'exempt', by: 'handler' } }), requiredRoute({ method: 'ALL' })],
      'Of 2 routes, 1 is exempt on purpose and 1 is redirected to https.',
    ],
    [
      [auditedRoute(), auditedRoute({ kind: 'rpc', method: '', path: 'sum' })],
      'There is one route: it answers over plain http.',
    ],
  ])('says in one sentence what outsiders see', (routes, sentence) => {
    expect(pictureSummary(routes)).toBe(sentence);
  });

  it('gives the numbers of each section as text', () => {
    const page = reportPage(
      auditReport({ routes: [auditedRoute(), requiredRoute(), requiredRoute({ method: 'POST' })] }),
    );
    const [, row = ''] =
      /<tr>\s*(<th scope="row"><a href="#r\d+" data-section="\/accounts">[^]*?)<\/tr>/.exec(page) ?? [];
    expect([...row.matchAll(/<td class="number[^"]*">(\d+)<\/td>/g)].map(([, count]) => count)).toStrictEqual([
      '0',
      '0',
      '1',
      '1',
    ]);
  });

  it('folds the smaller of many sections away', () => {
    const page = reportPage(largeReport(600));
    expect(page).toContain('<summary>6 smaller sections</summary>');
  });
});

describe('the table of routes', () => {
  const page = reportPage(largeReport(2_000));
  const table = page.slice(
    page.indexOf('<table class="routes"'),
    page.indexOf('</table>', page.indexOf('id="route-table"')),
  );

  it('has few elements, so that a page of 2,000 handlers opens at once', () => {
    expect(elementsOf(table).length / 2_000).toBeLessThan(10);
  });

  it('states the role of each of its parts without the help of the script', () => {
    const parts = elementsOf(table).filter((element) => /^<(table|thead|tbody|tr|th|td)\b/.test(element));
    expect(parts.filter((element) => !/\srole="/.test(element))).toStrictEqual([]);
  });

  it('says how many routes there are without the help of the script', () => {
    expect(page).toContain('<p id="count" role="status">2000 routes</p>');
  });
});
