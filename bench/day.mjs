// A day of traffic in the embedded store, 200,000 sessions that come, are used and end, with a clock of its own; memory and
// the size of the file are printed by the hour: npm run build && node --expose-gc bench/day.mjs [sessions]
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbRecords } from '../dist/esm/session/lmdb-records.js';

const [sessions = '200000'] = process.argv.slice(2);
const MINUTE = 60_000;
const IDLE = 30 * MINUTE;
/** How many visitors come at a time. */
const TOGETHER = 500;
const HOURS = 24;
const perMinute = Math.ceil(Number(sessions) / HOURS / 60);

const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'day-'));
let now = Date.now();
const records = await openLmdbRecords(directory, () => now);
const rows = [];
let made = 0;
try {
  /** Sessions that are used once more after a while, by the minute in which that is. */
  const later = new Map();
  for (let minute = 0; minute < HOURS * 60; minute += 1) {
    now += MINUTE;
    const coming = Array.from({ length: perMinute }, () => randomBytes(32).toString('base64url'));
    await inTurns(coming, (id, at) => records.insert(id, recordOf(`user ${(made + at) % 20_000}`)));
    made += coming.length;
    later.set(minute + 20, coming);
    const again = later.get(minute) ?? [];
    later.delete(minute);
    // Of those who come again, a third signs out, a third gets a new id, and a third goes on.
    await inTurns(again, (id, at) => {
      if (at % 3 === 0) return records.remove(id);
      if (at % 3 === 1) return records.move(id, randomBytes(32).toString('base64url'), recordOf('moved'));
      return records.touch(id, { seen: now, expires: now + IDLE });
    });
    await records.sweep();
    if (minute % 60 === 59) note((minute + 1) / 60);
  }
  console.log(`${process.version}, ${made} sessions in ${HOURS} hours, swept once a minute\n`);
  console.log('| hour | heap in use | resident | data.mdb |\n| ---- | ----------- | -------- | -------- |');
  for (const row of rows) console.log(`| ${row.join(' | ')} |`);
} finally {
  await records.close();
  rmSync(directory, { recursive: true });
}

function recordOf(userId) {
  return { created: now, seen: now, expires: now + IDLE, userId, data: { userId, cart: ['book', 'pen'] } };
}

async function inTurns(all, work) {
  for (let at = 0; at < all.length; at += TOGETHER) {
    await Promise.all(all.slice(at, at + TOGETHER).map((one, index) => work(one, at + index)));
  }
}

function note(hour) {
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  rows.push([hour, ...[heapUsed, rss, statSync(join(directory, 'data.mdb')).size].map(megabytes)]);
}

function megabytes(bytes) {
  return `${(bytes / 1_048_576).toFixed(1)} MB`;
}
