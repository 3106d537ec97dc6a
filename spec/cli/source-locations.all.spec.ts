import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import type Module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { locateFunctions } from '../../lib/cli/source-locations.js';

let directory: string;

beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-secure-')));
});

afterAll(() => rmSync(directory, { recursive: true }));

// Jest has loaders of its own; outside of its context are Node's.
const { createRequire }: typeof Module = runInThisContext("process.getBuiltinModule('node:module')");

function write(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

function loaded(name: string, text: string): object {
  const file = write(name, text);
  const made: unknown = createRequire(file)(file);
  return Object(made);
}

async function imported(name: string, text: string): Promise<object> {
  write(name, text);
  const load: unknown = loaded(`load-${name}.cjs`, `module.exports = () => import('./${name}');`);
  const made: unknown = typeof load === 'function' ? await load() : undefined;
  return Object(made);
}

/** The method of a class that a module exports. */
function methodOf(made: object): object {
  const { Pages }: { Pages?: { prototype: { show: object } } } = Object(made);
  if (Pages === undefined) throw new Error('no class');
  return Pages.prototype.show;
}

function locationOf(one: object): unknown {
  return locateFunctions([one]).get(one);
}

const twoLinesDown = '\n\nexports.Pages = class { show() {} };';

/** A source map that leads from the first character of the third line to the fourth line of a source. */
function mapTo(source: string): string {
  return JSON.stringify({ version: 3, sources: [source], names: [], mappings: ';;AAGA' });
}

describe('the place of a function', () => {
  it('is its file and line, from CommonJS', () => {
    const show = methodOf(loaded('pages.cjs', twoLinesDown));

    expect(locationOf(show)).toStrictEqual({ file: join(directory, 'pages.cjs'), line: 3 });
  });

  it('is its file and line, from an ES module', async () => {
    const show = methodOf(await imported('pages.mjs', '\nexport class Pages {\n  show() {}\n}\n'));

    expect(locationOf(show)).toStrictEqual({ file: join(directory, 'pages.mjs'), line: 3 });
  });

  it('is told for a file whose name needs escapes in a URL', async () => {
    const show = methodOf(await imported('some pages.mjs', 'export class Pages { show() {} }'));

    expect(locationOf(show)).toStrictEqual({ file: join(directory, 'some pages.mjs'), line: 1 });
  });

  it('is that in the source, where the file names a source map', () => {
    write('mapped.cjs.map', mapTo('src/pages.ts'));
    const show = methodOf(loaded('mapped.cjs', `${twoLinesDown}\n//# sourceMappingURL=mapped.cjs.map`));

    expect(locationOf(show)).toStrictEqual({ file: join(directory, 'src/pages.ts'), line: 4 });
  });

  it.each([
    ['base64', (map: string) => `;base64,${Buffer.from(map).toString('base64')}`],
    ['a character set and base64', (map: string) => `;charset=utf-8;base64,${Buffer.from(map).toString('base64')}`],
    ['escapes', (map: string) => `,${encodeURIComponent(map)}`],
  ])('is that in the source, where the file holds a source map in %s', (name, encode) => {
    const reference = `data:application/json${encode(mapTo('pages.ts'))}`;
    const show = methodOf(loaded(`inline-${name}.cjs`, `${twoLinesDown}\n//# sourceMappingURL=${reference}`));

    expect(locationOf(show)).toStrictEqual({ file: join(directory, 'pages.ts'), line: 4 });
  });

  it.each([
    ['is not there', 'absent.map'],
    ['is no source map', 'data:application/json,nonsense'],
    ['has no address', 'http://[/'],
    ['is elsewhere', 'https://example.com/pages.map'],
    [
      'says nothing of the line',
      `data:application/json,${encodeURIComponent('{"version":3,"sources":[],"names":[],"mappings":""}')}`,
    ],
    ['names no file', `data:application/json,${encodeURIComponent(mapTo('webpack://pages.ts'))}`],
  ])('is that in the file itself, where the source map %s', (name, reference) => {
    const show = methodOf(loaded(`lost ${name}.cjs`, `${twoLinesDown}\n//# sourceMappingURL=${reference}`));

    expect(locationOf(show)).toStrictEqual({ file: join(directory, `lost ${name}.cjs`), line: 3 });
  });

  it('is told of many functions at once, and of each its own', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `exports.f${index} = () => ${index};`);
    const made = Object.values(loaded('many.cjs', lines.join('\n')));

    const found = locateFunctions(made);

    expect(made.map((one: object) => found.get(one)?.line)).toStrictEqual(lines.map((_line, index) => index + 1));
  });

  it('is not known of what Node or the language itself has, of evaluated code, of a bound function, of what is none', () => {
    const evaluated: unknown = new Function('return 1');
    const unknown = [Array.prototype.map, createRequire, Object(evaluated), locationOf.bind(undefined), {}];

    expect([...locateFunctions(unknown).values()]).toStrictEqual([]);
    expect(locateFunctions([]).size).toBe(0);
  });

  it('runs nothing of the application: no getter, no proxy', () => {
    const touched: string[] = [];
    const watched = new Proxy(() => undefined, {
      get: (_target, name) => touched.push(String(name)),
      getOwnPropertyDescriptor: (_target, name) => void touched.push(String(name)),
    });
    const getter = Object.defineProperty(() => undefined, 'secret', {
      get: () => touched.push('secret'),
      enumerable: true,
    });

    locateFunctions([watched, getter]);

    expect(touched).toStrictEqual([]);
  });

  it('leaves nothing behind', () => {
    const inspector = process.getBuiltinModule('node:inspector');
    const before = Reflect.ownKeys(inspector);

    locateFunctions([locationOf]);

    expect(Reflect.ownKeys(inspector)).toStrictEqual(before);
  });

  it('is not known, and nothing is thrown, where Node has no inspector', () => {
    const { getBuiltinModule } = process;
    try {
      Reflect.set(process, 'getBuiltinModule', (name: string): unknown =>
        name === 'node:inspector' ? undefined : getBuiltinModule(name),
      );
      expect(locateFunctions([locationOf]).size).toBe(0);
    } finally {
      Reflect.set(process, 'getBuiltinModule', getBuiltinModule);
    }
  });
});
