import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import type { SecureOptions } from 'nestjs-secure';

/** A recipe of docs/proxies.md: what the proxy is told, what it sends, what `SecureModule` is told. */
export interface Recipe {
  /** The heading. */
  readonly name: string;
  /** The whole section. */
  readonly text: string;
  /** The configuration of a proxy that the tests run. */
  readonly config: string | undefined;
  /** The options of `SecureModule.forRoot()`. */
  readonly options: SecureOptions;
  /** The header lines that arrive with a request over https, where the tests cannot run the proxy. */
  readonly headers: readonly (readonly [name: string, value: string])[] | undefined;
}

/** The languages of the configurations. */
const CONFIGS = ['nginx', 'apache', 'caddy', 'haproxy'];

/** What a file of the project says. */
export function documentOf(name: string): string {
  return readFileSync(join(process.cwd(), name), 'utf8');
}

/** The code blocks of a language, in order. */
export function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code ?? '');
}

/** The recipes of docs/proxies.md: every section with a configuration, or a request, and the options that go with it. */
export function recipes(): Recipe[] {
  const [, ...sections] = documentOf('docs/proxies.md').split(/^## /m);
  return sections.flatMap((text) => {
    const [options] = blocksOf(text, 'ts');
    if (options === undefined) return [];
    const [config] = CONFIGS.flatMap((language) => blocksOf(text, language));
    const [request] = blocksOf(text, 'http');
    if (config === undefined && request === undefined) return [];
    const name = text.slice(0, text.indexOf('\n'));
    return [
      {
        name,
        text,
        config,
        options: optionsIn(options),
        headers: request === undefined ? undefined : headersIn(request),
      },
    ];
  });
}

/** The options in the module of a recipe. */
function optionsIn(code: string): SecureOptions {
  const [, options] = /SecureModule\.forRoot\((\{[^]*\})\),?\s*\],?\s*\}\)/.exec(code) ?? [];
  if (options === undefined) throw new Error(`There are no options in:\n${code}`);
  return structuredClone(runInContext(`(${options})`, createContext({})));
}

function headersIn(request: string): (readonly [string, string])[] {
  const [, ...lines] = request.trim().split('\n');
  return lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const;
  });
}
