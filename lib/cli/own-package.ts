import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** This package as it is installed. */
export interface OwnPackage {
  readonly version: string;
  /** Reads a file of the package; undefined where it is not there. */
  read(path: string): string | undefined;
}

/** Finds this package: its package.json is the nearest one above this file that has its name. */
export function ownPackage(): OwnPackage {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    const read = (path: string): string | undefined => textOf(new URL(path, folder));
    const version = versionIn(read('package.json'));
    if (version !== undefined) return { version, read };
    if (folder.href === new URL('..', folder).href) return { version: 'unknown', read };
  }
}

function versionIn(manifest: string | undefined): string | undefined {
  if (manifest === undefined) return undefined;
  const { name, version }: { name?: unknown; version?: unknown } = JSON.parse(manifest);
  return name === 'nestjs-secure' ? String(version) : undefined;
}

function textOf(file: URL): string | undefined {
  try {
    return readFileSync(fileURLToPath(file), 'utf8');
  } catch {
    return undefined;
  }
}
