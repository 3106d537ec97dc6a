// What routes cost: boot, memory and audit for 1,000 to 10,000 of them, each count in a process of its own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const COUNTS = [1000, 2500, 5000, 10_000];
const one = fileURLToPath(new URL('routes-of.mjs', import.meta.url));
const tty = process.stderr.isTTY;

async function measure(routes, marked) {
  const child = fork(one, [String(routes), marked], { execArgv: ['--expose-gc'] });
  const [measured] = await once(child, 'message');
  child.disconnect();
  return measured;
}

console.log(`\n### Routes, on Express (${process.version})\n`);
console.log('| routes | boot, bare | boot, marked | per route | memory per route | audit, first | findings at boot |');
console.log('| ------ | ---------- | ------------ | --------- | ---------------- | ------------ | ---------------- |');
const perRoute = [];
for (const routes of COUNTS) {
  process.stderr.write(tty ? `\r\x1b[K${routes} routes` : `${routes} routes\n`);
  const bare = await measure(routes, 'bare');
  const marked = await measure(routes, 'marked');
  const microseconds = ((marked.boot - bare.boot) / routes) * 1000;
  perRoute.push(microseconds);
  const cells = [
    String(routes),
    `${bare.boot.toFixed(0)} ms`,
    `${marked.boot.toFixed(0)} ms`,
    `${microseconds.toFixed(0)} us`,
    `${Math.round((marked.heap - bare.heap) / routes)} bytes`,
    `${marked.audit.toFixed(0)} ms`,
    String(marked.findings),
  ];
  if (tty) process.stderr.write('\r\x1b[K');
  console.log(`| ${cells.join(' | ')} |`);
}
const growth = perRoute.at(-1) / perRoute[0];
console.log(`\nA route costs ${growth.toFixed(2)} times as much among 10,000 as among 1,000: 1 is linear.`);
