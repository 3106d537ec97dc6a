import { isObject } from './records.js';

/** Whose session this is: `signIn` writes `userId`, Passport `passport.user`, which is the id or an object with it. */
export function userIdOf(data: object): string | undefined {
  const passport: unknown = Reflect.get(data, 'passport');
  const user: unknown = Reflect.get(data, 'userId') ?? (isObject(passport) ? passport['user'] : undefined);
  const id: unknown = isObject(user) ? user['id'] : user;
  return (typeof id === 'string' && id !== '') || typeof id === 'number' ? String(id) : undefined;
}
