import { isObject } from '../platform/unknown-values.js';

/**
 * Whose session this is: `signIn` writes `userId`, Passport `passport.user`, and `@fastify/passport` `passport`, each of
 * which is the id or an object with it.
 */
export function userIdOf(data: object): string | undefined {
  const passport: unknown = Reflect.get(data, 'passport');
  const user: unknown =
    Reflect.get(data, 'userId') ?? (isObject(passport) && 'user' in passport ? passport['user'] : passport);
  const id: unknown = isObject(user) ? user['id'] : user;
  return (typeof id === 'string' && id !== '') || typeof id === 'number' ? String(id) : undefined;
}
