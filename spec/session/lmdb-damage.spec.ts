import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbRecords } from '../../lib/session/lmdb-records.js';
import { dataOf, newId, recordOf } from '../support/session-records-contract.js';

let parent: string;
let whole: Buffer;

beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'lmdb-damage-'));
  const directory = join(parent, 'whole');
  const records = await openLmdbRecords(directory);
  const text = 'x'.repeat(500);
  await Promise.all(
    Array.from({ length: 500 }, () => records.insert(newId(), recordOf({ userId: '7', data: dataOf({ text }) }))),
  );
  await records.close();
  whole = readFileSync(join(directory, 'data.mdb'));
});

afterAll(() => rmSync(parent, { recursive: true }));

describe('a damaged file of the embedded store', () => {
  it.each<[how: string, damage: (file: string) => void]>([
    ['cut to its first two pages', (file) => truncateSync(file, 8192)],
    ['cut in the middle', (file) => truncateSync(file, Math.floor(whole.length / 2))],
    ['with noise after its first two pages', (file) => overwrite(file, 8192, (size) => randomBytes(size))],
    ['with zeros after its first two pages', (file) => overwrite(file, 8192, (size) => Buffer.alloc(size))],
    ['with noise in its first two pages', (file) => writeFileSync(file, damagedHead())],
    ['that is something else', (file) => writeFileSync(file, 'a letter to somebody')],
  ])('%s is an error in words, and this process lives', async (how, damage) => {
    const directory = join(parent, how.replaceAll(' ', '-'));
    mkdirSync(directory, { mode: 0o700 });
    const file = join(directory, 'data.mdb');
    writeFileSync(file, whole, { mode: 0o600 });
    damage(file);
    await expect(openLmdbRecords(directory)).rejects.toThrow(
      /^The file of the embedded session store, "[^"]+data\.mdb", is damaged: .+\. Move it away, or bring back a copy\./s,
    );
  });

  it('that is whole is opened', async () => {
    const directory = join(parent, 'copy');
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, 'data.mdb'), whole, { mode: 0o600 });
    const records = await openLmdbRecords(directory);
    expect(await records.listByUser('7')).toHaveLength(500);
    await records.close();
  });

  it('that is empty is a new store', async () => {
    const directory = join(parent, 'empty');
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, 'data.mdb'), '', { mode: 0o600 });
    const records = await openLmdbRecords(directory);
    expect(await records.insert(newId(), recordOf())).toBe(true);
    await records.close();
  });
});

const isRoot = process.getuid?.() === 0;

(isRoot ? describe : describe.skip)('what belongs to another user', () => {
  it.each([
    ['the directory', ''],
    ['the file in it', 'data.mdb'],
  ])('is refused: %s', async (what, name) => {
    const directory = join(parent, what.replaceAll(' ', '-'));
    mkdirSync(directory, { mode: 0o700 });
    writeFileSync(join(directory, 'data.mdb'), whole, { mode: 0o600 });
    chownSync(join(directory, name), 65_534, 65_534);
    await expect(openLmdbRecords(directory)).rejects.toThrow(
      /cannot be used: .+ belongs to another user \(uid 65534; this process is uid 0\)\. Give session\.dir/,
    );
  });
});

function overwrite(file: string, from: number, fill: (size: number) => Buffer): void {
  writeFileSync(file, Buffer.concat([whole.subarray(0, from), fill(whole.length - from)]));
}

function damagedHead(): Buffer {
  return Buffer.concat([randomBytes(8192), whole.subarray(8192)]);
}
