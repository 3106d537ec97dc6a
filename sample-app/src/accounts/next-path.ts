const HERE = 'https://here.invalid';

/**
 * Where to go on to after the login: a path of this site, with its query; undefined for everything else.
 *
 * **Security:** what a browser would read as another site (`//other.example`, `/\other.example`) is not a path.
 */
export function nextPath(given: unknown): string | undefined {
  if (typeof given !== 'string' || !given.startsWith('/') || !URL.canParse(given, HERE)) return undefined;
  const { origin, pathname, search } = new URL(given, HERE);
  return origin === HERE ? pathname + search : undefined;
}
