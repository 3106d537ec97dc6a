import * as fc from 'fast-check';
import { createHash } from 'node:crypto';
import { CookieTags } from '../../lib/session/cookie-tag.js';
import { cookieValues } from '../../lib/session/cookie-header.js';

const OLD = 'the-old-secret-of-this-test-3fWq9Lr7Zt0a';
const NEW = 'the-new-secret-of-this-test-8kPd2Xc5Vb1m';

describe('the value of a session cookie', () => {
  const tags = new CookieTags([OLD]);

  it('has 65 characters that no cookie has to encode', () => {
    const ticket = tags.create();
    expect(tags.valueFor(ticket)).toMatch(/^[\w-]{65}$/);
    expect(Buffer.from(ticket.id, 'base64url')).toHaveLength(32);
  });

  it('names the session by the SHA-256 of its id, which no secret changes', () => {
    const ticket = tags.create();
    expect(ticket.key).toBe(createHash('sha256').update(ticket.id).digest('base64url'));
    expect(new CookieTags([NEW, OLD]).read(tags.valueFor(ticket))?.key).toBe(ticket.key);
  });

  it('is read under every secret, and is stale under all but the first', () => {
    const value = tags.valueFor(tags.create());
    expect(tags.read(value)?.stale).toBe(false);
    expect(new CookieTags([NEW, OLD]).read(value)?.stale).toBe(true);
    expect(new CookieTags([NEW]).read(value)).toBeUndefined();
  });

  it('is nothing once one character of it is another', () => {
    const value = tags.valueFor(tags.create());
    for (let place = 0; place < value.length; place += 1) {
      const other = value[place] === 'A' ? 'B' : 'A';
      expect(tags.read(value.slice(0, place) + other + value.slice(place + 1))).toBeUndefined();
    }
  });

  it('is nothing once its tag is the same bytes in another spelling', () => {
    // The last character has 16 spellings of the same two bits.
    const value = tags.valueFor(tags.create());
    for (const last of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
      if (!value.endsWith(last)) expect(tags.read(value.slice(0, -1) + last)).toBeUndefined();
    }
    const spelled = Array.from({ length: 50 }, () => tags.valueFor(tags.create())).find((one) =>
      /[-_]/.test(one.slice(43)),
    );
    const tag = spelled?.slice(43).replaceAll('-', '+').replaceAll('_', '/');
    expect(tags.read(`${spelled?.slice(0, 43)}${tag}`)).toBeUndefined();
  });

  it('is verified anew with another tag, also when its own was just read', () => {
    const values = Array.from({ length: 2_500 }, () => tags.valueFor(tags.create()));
    for (const value of values) expect(tags.read(value)?.stale).toBe(false);
    const [first = '', last = ''] = [values.at(0), values.at(-1)];
    for (const value of [last, first, last]) {
      expect(tags.read(value)?.id).toBe(value.slice(0, 43));
      const other = value.endsWith('A') ? 'Q' : 'A';
      expect(tags.read(value.slice(0, -1) + other)).toBeUndefined();
    }
  });

  it('is nothing that can be made of the id of a session that was moved in', () => {
    // That id is an HMAC under the same secret, of a text that is as long as an id where the old one has 37 characters.
    const oldId = 'x'.repeat(37);
    const { id } = tags.derive(oldId);
    expect(tags.read(tags.valueFor(tags.derive(oldId)))?.id).toBe(id);
    const tag = Buffer.from(id, 'base64url').subarray(0, 16).toString('base64url');
    expect(tags.read(`adopt ${oldId}${tag}`)).toBeUndefined();
  });

  it('has the newest secret, also where its id was moved in with the oldest', () => {
    const rotated = new CookieTags([NEW, OLD]);
    for (const ticket of [tags.create(), rotated.derive('moved')]) {
      expect(ticket.stale).toBe(false);
      expect(rotated.read(rotated.valueFor(ticket))).toEqual(ticket);
    }
    expect(rotated.derive('moved')).toEqual(tags.derive('moved'));
    expect(rotated.derive('moved').id).not.toBe(tags.derive('removed').id);
  });

  it('cannot be made without a secret', () => {
    const none = new CookieTags([]);
    for (const make of [() => none.valueFor(tags.create()), () => none.derive('moved')]) {
      expect(make).toThrow('There is no session secret.');
    }
  });

  it('is nothing that somebody made up', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\w-]{65}$/)), (made) => tags.read(made) === undefined),
    );
    const value = tags.valueFor(tags.create());
    for (const longer of [`${value}x`, `x${value}`]) expect(tags.read(longer)).toBeUndefined();
    expect(tags.read('')).toBeUndefined();
  });
});

describe('the cookies of a name', () => {
  it.each<[header: string | undefined, values: string[]]>([
    [undefined, []],
    ['', []],
    ['sid=1', ['1']],
    ['a=b; sid=1; c=d', ['1']],
    ['sid = 1 ;x=2', ['1']],
    ['\tsid\t=\t1', ['1']],
    ['sid="1"', ['1']],
    ['sid=1;sid=2', ['1', '2']],
    ['sid=', ['']],
    ['sid', []],
    ['xsid=1', []],
    ['sid2=1', []],
    ['a=sid=1', []],
    ['a=b sid=1', []],
    ['\u00a0sid=1', []],
    ['sid=a=b', ['a=b']],
    ['sid=1; sid=2; sid=3; sid=4; sid=5', ['1', '2', '3', '4']],
  ])('of %j are %j', (header, values) => {
    expect(cookieValues(header, 'sid')).toEqual(values);
  });

  it('are looked for in time that grows with the header alone', () => {
    for (const part of ['sid=s:.;', 'sid ', ' sid', 'xsid=1;', '; ', 'sid\t', 'sid=;']) {
      expect(cookieValues(part.repeat(15_000 / part.length), 'sid').length).toBeLessThanOrEqual(4);
    }
  });
});
