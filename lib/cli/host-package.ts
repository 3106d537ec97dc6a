import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Returns the name of the application that a file belongs to: that of the nearest package.json with a name, else that of
 * its folder.
 */
export function describeHost(file: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const name = nameIn(join(folder, 'package.json'));
    if (name !== undefined) return name;
    if (folder === dirname(folder)) return basename(dirname(file));
  }
}

function nameIn(manifest: string): string | undefined {
  try {
    const { name }: { name?: unknown } = JSON.parse(readFileSync(manifest, 'utf8'));
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}
