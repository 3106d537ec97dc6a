import type { Session } from 'node:inspector';
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findMethod } from '../audit/handler-method.js';
import type { AuditedRoute, SourceLocation } from '../audit/secure-audit.js';
import type { RouteTable } from '../policy/route-table.js';
import { TYPESCRIPT } from './load-failure.js';

/** Under which the functions lie where an expression of the inspector finds them, in whatever context they were made. */
const SHARED = Symbol.for('nestjs-secure:located');

/** A script as V8 knows it. */
interface Script {
  /** A file URL for an ES module, a path for CommonJS. */
  readonly url: string;
  readonly sourceMapURL: string;
}

/** Adds to the routes of an audit where their handlers are written; `audited` are those of the table, in its order. */
export function locateRoutes(audited: readonly AuditedRoute[], table: RouteTable): readonly AuditedRoute[] {
  const handlers = [...table.routes(), ...table.endpoints()].map(({ controller, handler }) =>
    controller === undefined || handler === undefined ? undefined : findMethod(controller, handler),
  );
  const found = locateFunctions([...new Set(handlers.filter((handler) => handler !== undefined))]);
  return audited.map((route, index) => {
    const handler = handlers[index];
    return handler === undefined ? route : { ...route, source: found.get(handler) };
  });
}

/**
 * Where functions are written. V8 tells it to its inspector alone, so one is opened for the time of the call: nothing
 * of the application runs meanwhile. Source maps are followed. What cannot be known is left out; it never throws.
 */
export function locateFunctions(functions: readonly object[]): Map<object, SourceLocation> {
  const found = new Map<object, SourceLocation>();
  if (functions.length === 0) return found;
  try {
    const inspector = process.getBuiltinModule('node:inspector');
    const session = new inspector.Session();
    session.connect();
    Reflect.set(inspector, SHARED, functions);
    try {
      askInspector(session, functions, found);
    } finally {
      Reflect.deleteProperty(inspector, SHARED);
      session.disconnect();
    }
  } catch {
    // A Node.js without an inspector, or one that forbids it: then nothing is known.
  }
  return found;
}

function askInspector(session: Session, functions: readonly object[], found: Map<object, SourceLocation>): void {
  const scripts = new Map<string, Script>();
  session.on('Debugger.scriptParsed', ({ params }) => {
    scripts.set(params.scriptId, { url: params.url, sourceMapURL: params.sourceMapURL ?? '' });
  });
  session.post('Debugger.enable');
  const locate = compileLocator(scripts);
  const expression = `process.getBuiltinModule('node:inspector')[Symbol.for('${SHARED.description}')]`;
  session.post('Runtime.evaluate', { expression }, (_error, { result }) => {
    for (const { name, value } of propertiesOf(session, result.objectId).own) {
      const of = functions[Number(name)];
      const location = propertiesOf(session, value?.objectId).internal.find(
        (one) => one.name === '[[FunctionLocation]]',
      );
      const source = locate(location?.value?.value);
      if (of !== undefined && source !== undefined) found.set(of, source);
    }
  });
}

interface Property {
  readonly name: string;
  readonly value?: { readonly objectId?: string | undefined; readonly value?: unknown };
}

/** `post` calls back before it returns. */
function propertiesOf(session: Session, objectId: string | undefined): { own: Property[]; internal: Property[] } {
  const found: { own: Property[]; internal: Property[] } = { own: [], internal: [] };
  if (objectId === undefined) return found;
  session.post('Runtime.getProperties', { objectId, ownProperties: true }, (error, properties) => {
    if (error !== null) return;
    found.own = properties.result;
    found.internal = properties.internalProperties ?? [];
  });
  return found;
}

/** Makes the function that turns a position in a script into a line of a file; each source map is read once. */
function compileLocator(scripts: ReadonlyMap<string, Script>): (position: unknown) => SourceLocation | undefined {
  const maps = new Map<string, MappedScript | undefined>();
  return function locate(position) {
    const { scriptId, lineNumber, columnNumber }: Record<string, unknown> = Object(position);
    const script = typeof scriptId === 'string' ? scripts.get(scriptId) : undefined;
    const url = script === undefined ? undefined : fileUrlOf(script.url);
    if (script === undefined || url === undefined || typeof lineNumber !== 'number') return undefined;
    if (!maps.has(url)) maps.set(url, readSourceMap(script.sourceMapURL, url));
    const original = originalOf(maps.get(url), lineNumber, Number(columnNumber));
    // A loader that keeps its maps to itself runs other lines than the file has.
    if (original === undefined && TYPESCRIPT.test(url)) return undefined;
    return original ?? { file: fileURLToPath(url), line: lineNumber + 1 };
  };
}

interface MappedScript {
  readonly map: SourceMap;
  /** What the names of its sources are relative to. */
  readonly base: string;
}

const INLINE = /^data:application\/json[^,]*?(;base64)?,(.*)$/s;

function readSourceMap(reference: string, url: string): MappedScript | undefined {
  if (reference === '') return undefined;
  try {
    const inline = INLINE.exec(reference);
    const base = inline === null ? new URL(reference, url).href : url;
    const text =
      inline === null
        ? readFileSync(fileURLToPath(base), 'utf8')
        : Buffer.from(decodeURIComponent(inline[2] ?? ''), inline[1] === undefined ? 'utf8' : 'base64').toString();
    const payload: SourceMapPayload = JSON.parse(text);
    return { map: new SourceMap(payload), base };
  } catch {
    // The map is not there or not one: the script itself is what can be shown.
    return undefined;
  }
}

function originalOf(mapped: MappedScript | undefined, line: number, column: number): SourceLocation | undefined {
  const entry = mapped?.map.findEntry(line, column);
  if (mapped === undefined || entry === undefined || !('originalSource' in entry)) return undefined;
  const url = fileUrlOf(new URL(entry.originalSource, mapped.base).href);
  return url === undefined ? undefined : { file: fileURLToPath(url), line: entry.originalLine + 1 };
}

/** Node's own modules and evaluated text have no file. */
function fileUrlOf(name: string): string | undefined {
  if (name.startsWith('file:')) return name;
  return /^(?:\/|[A-Za-z]:[\\/])/.test(name) ? pathToFileURL(name).href : undefined;
}
