// Writes docs/findings from the catalogue of findings; with --check it only says which pages are not up to date.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { tsImport } from 'tsx/esm/api';

const { CATALOGUE } = await tsImport('../lib/findings/catalogue.ts', import.meta.url);
const { PAGES } = await tsImport('../lib/findings/catalogue-pages.ts', import.meta.url);

const FAMILIES = [
  ['SEC0', 'Configuration'],
  ['SEC1', 'Transport and proxies'],
  ['SEC2', 'Sessions and cookies'],
  ['SEC3', 'Routes'],
  ['SEC4', 'HSTS'],
];
const NOTICE = '<!-- Written by scripts/write-finding-pages.mjs from lib/audit/catalogue-pages.ts. -->';

function page(id) {
  const { severity, title } = CATALOGUE[id];
  const { found, means, fix, example } = PAGES[id];
  const { language = 'ts', before, after } = example;
  const code = (text) => `\`\`\`${language}\n${text}\n\`\`\``;
  const accepted = `SecureModule.forRoot({ findings: { ignore: [{ id: '${id}', because: 'why it is right here' }] } });`;
  return [
    NOTICE,
    `# ${id}: ${title}`,
    `Severity: ${severity}. Found ${found}.`,
    '## What it means',
    means,
    '## How to fix it',
    fix,
    'Before:',
    code(before),
    'After:',
    code(after),
    '## How to accept it',
    'With a reason; add `subject`, as the finding names it, to accept it for that alone.',
    `\`\`\`ts\n${accepted}\n\`\`\``,
    '[All findings](README.md)',
  ];
}

function index() {
  const ids = Object.keys(CATALOGUE).toSorted();
  return [
    NOTICE,
    '# Findings',
    'What `nestjs-secure` finds wrong, at boot and while it serves. An error leaves a secret open or a page unreachable; errors and warnings are logged, `info` stands in the audit only. Ids are stable.',
    ...FAMILIES.flatMap(([start, family]) => [
      `## ${start}xx: ${family}`,
      [
        '| id | severity | found | |',
        '| --- | --- | --- | --- |',
        ...ids
          .filter((id) => id.startsWith(start))
          .map(
            (id) => `| [${id}](${id}.md) | ${CATALOGUE[id].severity} | ${PAGES[id].found} | ${CATALOGUE[id].title} |`,
          ),
      ].join('\n'),
    ]),
  ];
}

const folder = fileURLToPath(new URL('../docs/findings/', import.meta.url));
const pages = new Map(Object.keys(CATALOGUE).map((id) => [`${id}.md`, page(id)]));
pages.set('README.md', index());
await mkdir(folder, { recursive: true });
const present = await readdir(folder);
const style = await resolveConfig(join(folder, 'README.md'));
const stale = present.filter((file) => !pages.has(file));
for (const [file, parts] of pages) {
  const text = await format(parts.join('\n\n'), { ...style, parser: 'markdown' });
  if (present.includes(file) && (await readFile(join(folder, file), 'utf8')) === text) continue;
  stale.push(file);
  if (!process.argv.includes('--check')) await writeFile(join(folder, file), text);
}
if (process.argv.includes('--check')) {
  if (stale.length > 0) {
    console.error(`docs/findings is not up to date: ${stale.join(', ')}. Run node scripts/write-finding-pages.mjs.`);
    process.exitCode = 1;
  }
} else {
  for (const file of stale.filter((name) => !pages.has(name))) await rm(join(folder, file));
  console.log(`docs/findings: ${pages.size} pages, ${stale.length} written or removed`);
}
