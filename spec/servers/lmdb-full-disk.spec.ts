import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LmdbProcess } from '../support/lmdb-processes.js';
import { CompiledSessions } from '../support/lmdb-processes.js';
import { recordOf } from '../support/session-records-contract.js';

/** A disk of 4 MB, which only root can make. */
function mountDisk(): string {
  const disk = mkdtempSync(join(tmpdir(), 'disk-'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk]);
  return disk;
}

describe('the embedded store on a disk that is full', () => {
  const sessions = new CompiledSessions();
  let disk: string;
  let store: LmdbProcess;

  beforeAll(async () => {
    disk = mountDisk();
    store = await sessions.start(join(disk, 'sessions'));
  });

  afterAll(async () => {
    await store.kill();
    execFileSync('umount', [disk]);
    rmSync(disk, { recursive: true });
    sessions.remove();
  });

  it('refuses what it cannot keep, keeps what it had, and writes again once there is room', async () => {
    const large = recordOf({ userId: 'ada', data: { filling: 'x'.repeat(20_000) } });
    const kept: string[] = [];
    let refusals = 0;
    for (let round = 0; round < 400 && refusals < 20; round += 1) {
      const id = randomUUID();
      const writes = await Promise.allSettled([store.call('insert', id, large), store.call('touch', kept[0], large)]);
      if (writes[0].status === 'fulfilled') kept.push(id);
      else refusals += 1;
    }
    expect(refusals).toBe(20);
    expect(kept.length).toBeGreaterThan(10);
    for (const id of kept) expect(await store.call('read', id)).toMatchObject({ userId: 'ada' });
    execFileSync('mount', ['-o', 'remount,size=16m', disk]);
    const id = randomUUID();
    expect(await store.call('insert', id, large)).toBe(true);
    expect(await store.call('read', id)).toMatchObject({ userId: 'ada' });
    for (const one of kept) await store.call('remove', one);
    expect(await store.call('read', kept[0])).toBeUndefined();
  }, 60_000);
});
