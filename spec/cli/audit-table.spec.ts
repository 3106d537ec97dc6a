import { stripVTControlCharacters } from 'node:util';
import { exitCode, onlyFindings } from '../../lib/cli/audit-report.js';
import { groupFindings } from '../../lib/findings/group-findings.js';
import { progressOn, type Progress } from '../../lib/cli/progress.js';
import { splitSections } from '../../lib/cli/route-sections.js';
import { formatTable } from '../../lib/cli/audit-table.js';
import { tableStyle } from '../../lib/cli/terminal-text.js';
import { auditedRoute, auditReport, finding, requiredRoute } from '../support/audit-reports.js';

const terminal = { isTTY: true, columns: 200 };
const plain = tableStyle({}, {});

describe('the table', () => {
  const report = auditReport({ findings: [finding()] });

  it.each([
    ['a terminal', terminal, {}, true],
    ['a terminal, with NO_COLOR', terminal, { NO_COLOR: '1' }, false],
    ['a terminal, with NO_COLOR empty', terminal, { NO_COLOR: '' }, true],
    ['a terminal that knows no colours', terminal, { TERM: 'dumb' }, false],
    ['a pipe', {}, {}, false],
    ['a pipe, with FORCE_COLOR', {}, { FORCE_COLOR: '1' }, false],
  ])('on %s', (_where, stream, env, coloured) => {
    expect(formatTable(report, tableStyle(stream, env)).includes('\u001b[')).toBe(coloured);
  });

  it('says the same with colours and without', () => {
    expect(stripVTControlCharacters(formatTable(report, tableStyle({ isTTY: true }, {})))).toBe(
      formatTable(report, plain),
    );
  });

  it('leaves out where a handler is written when the terminal is too narrow for it', () => {
    const routes = [auditedRoute({ source: { file: 'src/blog/blog.controller.ts', line: 12 } })];
    const at = (columns: number): string =>
      formatTable(auditReport({ routes }), tableStyle({ isTTY: true, columns }, {}));
    expect(at(200)).toContain('blog.controller.ts:12');
    expect(at(80)).not.toContain('blog.controller.ts:12');
  });

  it('shows hosts, versions and the use of a session', () => {
    const routes = [auditedRoute({ hosts: ['admin.example.com'], versions: ['1', 'neutral'], session: true })];
    expect(formatTable(auditReport({ routes }), plain)).toMatch(
      /GET +\/blog on admin\.example\.com version 1, neutral +answers +unmarked +BlogController\.list +session/,
    );
  });

  it('tells the methods of @All() apart where they differ over plain HTTP', () => {
    const routes = [requiredRoute({ method: 'ALL' })];
    expect(formatTable(auditReport({ routes }), plain)).toContain('redirect 307, refuse 403 unless GET');
  });

  it('says a fix once that several findings share', () => {
    const findings = [finding(), finding({ subject: 'BlogController.add, /blog' })];
    const text = formatTable(auditReport({ findings }), plain);
    expect(text.split('fix Write @SecureRequired() on it.')).toHaveLength(2);
    expect(text.split('fix Write @SecureRequired() on it.')[0]).toContain('BlogController.add');
  });

  it('names what may answer and could not be listed', () => {
    const unlisted = [{ subject: 'middleware on /files', cause: 'What it answers by itself is no route.' }];
    const text = formatTable(auditReport({ unlisted }), plain);
    expect(text).toContain('Not listed\n  middleware on /files\n    What it answers by itself is no route.\n');
    expect(formatTable(auditReport(), plain)).not.toContain('Not listed');
  });

  it('passes no control character of a name on to the terminal', () => {
    const routes = [auditedRoute({ path: '/blog\u001b]0;title\u0007\u009b31m', handler: 'Blog.\u001b[2J' })];
    const findings = [finding({ subject: '\u001b[31m', cause: '\u001b[2K', fix: '\r\n\u001b' })];
    const text = formatTable(auditReport({ routes, findings }), plain);
    expect(text).not.toMatch(/[^\P{Cc}\n]/u);
  });
});

describe('sections', () => {
  const named = (...paths: string[]): string[] =>
    splitSections(paths.map((path) => auditedRoute({ path }))).map(({ name, routes }) => `${name} ${routes.length}`);
  const many = (start: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `${start}/${index}`);

  it('are named by the first segment of their paths', () => {
    expect(named('/b/1', '/a', '/b', '/', '/a/x/y')).toStrictEqual(['/ 1', '/a 2', '/b 2']);
  });

  it('are named by the next segment where most share one', () => {
    const paths = [...many('/api/v1/cats', 9), ...many('/api/v1/dogs', 9), '/api', '/health'];
    expect(named(...paths)).toStrictEqual(['/api 1', '/api/v1/cats 9', '/api/v1/dogs 9', '/health 1']);
  });

  it('are not divided where there are few routes', () => {
    expect(named('/api/cats', '/api/dogs')).toStrictEqual(['/api 2']);
  });

  it('hold many routes of one path', () => {
    expect(named(...Array.from({ length: 20 }, () => '/graphql'))).toStrictEqual(['/graphql 20']);
  });

  it('keep what is not a route apart', () => {
    const routes = [
      auditedRoute({ kind: 'rpc', method: '', path: 'sum' }),
      auditedRoute(),
      auditedRoute({ kind: 'websocket', method: '', path: 'chat' }),
    ];
    expect(splitSections(routes).map(({ name }) => name)).toStrictEqual(['/blog', 'WebSocket', 'Microservice']);
  });

  it('lose no route and repeat none', () => {
    const routes = [...many('/api/v1', 30), '/api', '/', '', '/api/v1/', '//x'].map((path) => auditedRoute({ path }));
    expect(new Set(splitSections(routes).flatMap((section) => section.routes))).toStrictEqual(new Set(routes));
    expect(splitSections(routes).flatMap((section) => section.routes)).toHaveLength(routes.length);
  });
});

describe('the end of an audit', () => {
  const endingWith = (...severities: ('error' | 'warning' | 'info')[]) =>
    auditReport({ findings: severities.map((severity) => finding({ severity })) });

  it.each([
    [endingWith(), 'error', 0],
    [endingWith('warning', 'info'), 'error', 0],
    [endingWith('error'), 'error', 1],
    [endingWith('error'), 'warning', 1],
    [endingWith('warning'), 'warning', 1],
    [endingWith('info'), 'warning', 0],
    [endingWith('info'), 'info', 1],
    [endingWith('error'), 'never', 0],
    [auditReport({ options: 'absent' }), 'error', 3],
    [auditReport({ options: 'absent' }), 'info', 3],
    [auditReport({ options: 'absent' }), 'never', 0],
  ] as const)('is decided by the worst finding', (report, failOn, code) => {
    expect(exitCode(report, failOn)).toBe(code);
  });

  it('counts only what was asked for', () => {
    const findings = [finding({ id: 'SEC310' }), finding({ id: 'SEC001' }), finding({ id: 'SEC101' })];
    const ids = (...only: string[]): string[] =>
      onlyFindings(auditReport({ findings }), only).findings.map(({ id }) => id);
    expect(ids('SEC3')).toStrictEqual(['SEC310']);
    expect(ids('sec0', 'SEC101')).toStrictEqual(['SEC001', 'SEC101']);
    expect(ids()).toStrictEqual(['SEC310', 'SEC001', 'SEC101']);
  });

  it('tells the worst first, and all of one id together', () => {
    const findings = [
      finding({ id: 'SEC307', severity: 'info' }),
      finding({ id: 'SEC310', severity: 'error', subject: 'a' }),
      finding({ id: 'SEC402', severity: 'warning' }),
      finding({ id: 'SEC310', severity: 'error', subject: 'b' }),
    ];
    expect(groupFindings(findings).map((group) => [group[0].id, group.length])).toStrictEqual([
      ['SEC310', 2],
      ['SEC402', 1],
      ['SEC307', 1],
    ]);
  });
});

describe('progress', () => {
  function written(isTTY: boolean): { text: () => string; progress: Progress } {
    const chunks: string[] = [];
    const progress = progressOn({ isTTY, write: (chunk) => chunks.push(chunk) });
    return { progress, text: () => chunks.join('') };
  }

  it('is a line for each stage where nobody watches', () => {
    const into = written(false);
    into.progress.say('loading');
    into.progress.say('creating');
    into.progress.done();
    expect(into.text()).toBe('loading\ncreating\n');
  });

  it('is one moving line on a terminal, and leaves nothing behind', () => {
    const into = written(true);
    into.progress.say('loading');
    into.progress.say('creating');
    into.progress.done();
    expect(into.text()).not.toContain('\n');
    expect(into.text().endsWith('\r\u001b[2K')).toBe(true);
    expect(stripVTControlCharacters(into.text())).toContain('loading');
  });
});
