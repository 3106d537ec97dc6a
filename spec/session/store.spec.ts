import { EventEmitter } from 'node:events';
import { inherits } from 'node:util';
import { createRequire } from 'node:module';
import { Store } from 'nestjs-secure';
import { isPostgresStore } from '../../lib/session/postgres-records.js';

const require = createRequire(import.meta.url);

describe('the Store that stores are built from', () => {
  it('is extended by a class', () => {
    class Mine extends Store {}
    const store = new Mine();
    expect(store).toBeInstanceOf(EventEmitter);
    expect(store).toBeInstanceOf(Store);
    const heard: unknown[] = [];
    store.on('connect', (value) => heard.push(value));
    store.emit('connect', 7);
    expect(heard).toEqual([7]);
  });

  it('is called without new, as session-file-store and connect-dynamodb do', () => {
    function Mine(this: EventEmitter): void {
      Store.call(this, {});
    }
    inherits(Mine, Store);
    const store: unknown = Reflect.construct(Mine, []);
    expect(store).toBeInstanceOf(Store);
    if (store instanceof EventEmitter) expect(store.once('disconnect', () => undefined).emit('disconnect')).toBe(true);
  });

  it('is what connect-pg-simple makes its store of', () => {
    const connectPgSimple: (
      session: object,
    ) => new (options: object) => Parameters<typeof isPostgresStore>[0] = require('connect-pg-simple');
    const PgStore = connectPgSimple({ Store });
    const store = new PgStore({ conString: 'postgres://127.0.0.1:1/none', pruneSessionInterval: false });
    expect(store).toBeInstanceOf(Store);
    expect(isPostgresStore(store)).toBe(true);
  });
});
