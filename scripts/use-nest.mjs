// Rewrites package.json to another major of Nest and installs it: node scripts/use-nest.mjs 11
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';

// What belongs to a major of Nest under a number of its own. The rest of @nestjs/ goes by the number of Nest itself.
const OTHER_MAJORS = {
  11: {
    '@nestjs/apollo': '^13.0.0',
    '@nestjs/config': '^4.0.0',
    '@nestjs/graphql': '^13.0.0',
    '@nestjs/mercurius': '^13.0.0',
    '@nestjs/serve-static': '^5.0.0',
    '@nestjs/throttler': '^6.0.0',
  },
  12: {
    '@nestjs/apollo': '^14.0.0',
    '@nestjs/graphql': '^14.0.0',
    '@nestjs/mercurius': '^14.0.0',
    '@nestjs/throttler': '^6.0.0',
  },
};

const [major = ''] = process.argv.slice(2);
if (!(major in OTHER_MAJORS)) {
  throw new Error(`usage: node scripts/use-nest.mjs <major>, one of ${Object.keys(OTHER_MAJORS).join(', ')}`);
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
for (const name of Object.keys(manifest.devDependencies)) {
  if (!name.startsWith('@nestjs/') || name === '@nestjs/cli') continue;
  manifest.devDependencies[name] = OTHER_MAJORS[major][name] ?? `^${major}.0.0`;
}
// It comes with @nestjs/platform-fastify, which pins it. The types of a second version do not fit those of the bridge.
delete manifest.devDependencies.fastify;
writeFileSync('package.json', `${JSON.stringify(manifest, null, 2)}\n`);
rmSync('package-lock.json', { force: true });
console.log(`installing Nest ${major}`);
// Packages of Nest 11 ask for different majors of @fastify/static, which npm only installs when told not to mind.
execFileSync('npm', ['install', '--no-package-lock', '--legacy-peer-deps'], { stdio: ['ignore', 'ignore', 'inherit'] });
