// Rewrites package.json to another major of Nest and installs it: node scripts/use-nest.mjs 11
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

const [major = ''] = process.argv.slice(2);
if (!/^\d+$/.test(major)) throw new Error('usage: node scripts/use-nest.mjs <major>');

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
for (const name of Object.keys(manifest.devDependencies)) {
  if (name.startsWith('@nestjs/') && name !== '@nestjs/cli') manifest.devDependencies[name] = `^${major}.0.0`;
}
writeFileSync('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
rmSync('package-lock.json', { force: true });
console.log(`installing Nest ${major}`);
execFileSync('npm', ['install', '--no-package-lock'], { stdio: ['ignore', 'ignore', 'inherit'] });
