const PASSWORDS = new Set(['password', 'passwords', 'passwd', 'passphrase', 'passcode', 'pwd']);
const TOKENS = new Set(['token', 'jwt', 'otp', 'totp', 'secret', 'credential', 'credentials', 'authorization']);
const PAIRED_TOKENS = new Set(['api key', 'access key', 'private key', 'recovery code', 'verification code']);

/** Tokens that are no secret: a place in a list, or a signal to stop. */
const PLAIN_TOKENS = new Set(['page', 'next', 'previous', 'continuation', 'cursor', 'cancel', 'cancellation', 'sync']);

/** Whether a field of this name holds a password. */
export function isPasswordName(name: string): boolean {
  return wordsOf(name).some((word) => PASSWORDS.has(word));
}

/** Whether a field of this name holds a token, a key or a one-time code. What only begins with it (`tokenId`) does not. */
export function isTokenName(name: string): boolean {
  const words = wordsOf(name);
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  return (TOKENS.has(last) && !PLAIN_TOKENS.has(before)) || PAIRED_TOKENS.has(`${before} ${last}`);
}

/** Whether a handler of this name, or a segment of a path, is about signing in or out, or about a password. */
export function isSignInName(name: string): boolean {
  const words = wordsOf(name);
  if (words.some((word) => SIGN_IN_WORDS.has(word) || PASSWORDS.has(word))) return true;
  return words.some((word, at) => SIGN_IN_PAIRS.has(`${word} ${words[at + 1] ?? ''}`));
}

const SIGN_IN_WORDS = new Set([
  'login',
  'logon',
  'logout',
  'logoff',
  'signin',
  'signup',
  'signout',
  'mfa',
  'totp',
  'otp',
]);
const SIGN_IN_PAIRS = new Set([
  'log in',
  'log on',
  'log out',
  'log off',
  'sign in',
  'sign up',
  'sign out',
  'two factor',
]);

/** `newPassword`, `new_password`, `X-API-Key`: the words, in lower case. */
export function wordsOf(name: string): string[] {
  const separated = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return separated
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
}
