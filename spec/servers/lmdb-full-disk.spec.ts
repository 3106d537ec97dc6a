import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AccountController } from '../support/account-controller.js';
import { adapters } from '../support/applications.js';
import type { LmdbProcess } from '../support/lmdb-processes.js';
import { CompiledSessions } from '../support/lmdb-processes.js';
import { recordOf } from '../support/session-records-contract.js';
import { Browser, createSessionApp, found } from '../support/sessions.js';

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

describe.each(adapters)('an application on %s, on a disk that is full', (_platform, newAdapter) => {
  it('answers 503, knows who was signed in before, and signs in again once there is room', async () => {
    const disk = mountDisk();
    const rejections: unknown[] = [];
    const note = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', note);
    try {
      const app = await createSessionApp(newAdapter, {
        session: { dir: join(disk, 'sessions') },
        controllers: [AccountController],
      });
      const first = new Browser(app);
      expect((await first.visit('/login?filling=20000', { method: 'POST' })).status).toBe(201);
      let refusals = 0;
      for (let round = 0; round < 400 && refusals < 20; round += 1) {
        const { status, setCookie } = await new Browser(app).visit('/login?filling=20000', { method: 'POST' });
        if (status === 201) continue;
        expect({ status, setCookie }).toEqual({ status: 503, setCookie: [] });
        refusals += 1;
      }
      expect(refusals).toBe(20);
      expect(found(app, 'SEC220')).toHaveLength(1);
      expect(await first.visit('/me')).toMatchObject({ status: 200, body: 'ada' });
      execFileSync('mount', ['-o', 'remount,size=16m', disk]);
      expect((await new Browser(app).visit('/login?filling=20000', { method: 'POST' })).status).toBe(201);
      expect(rejections).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
      // The application is closed after the test.
      execFileSync('umount', ['-l', disk]);
      rmSync(disk, { recursive: true });
    }
  }, 60_000);
});
