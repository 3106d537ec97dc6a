/** What a value is, as far as its declaration says. */
export type ValueKind = 'string' | 'number' | 'boolean' | 'other' | undefined;

const PASSWORDS = new Set(['password', 'passwords', 'passwd', 'passphrase', 'passcode', 'pwd']);

/** Beside the word for a password, in the name of a field that holds one. */
const OF_A_PASSWORD = new Set(
  'new old current previous confirm confirmation confirmed repeat repeated again retype retyped verify verification plain raw temporary temp initial hash hashed user account admin db database smtp mail email wifi login my the root master first second 1 2 1st 2nd'.split(
    ' ',
  ),
);

const TOKENS = new Set(['token', 'jwt', 'otp', 'totp', 'secret', 'credential', 'credentials', 'authorization']);

/** One-time codes, recovery codes, keys and cards: the last two words of a name. */
const PAIRS = new Set([
  'api key',
  'access key',
  'private key',
  'secret key',
  'encryption key',
  'signing key',
  'recovery code',
  'recovery phrase',
  'recovery key',
  'backup code',
  'backup codes',
  'recovery codes',
  'verification code',
  'security code',
  'one time',
  'time code',
  'time password',
  'login code',
  'mfa code',
  'otp code',
  'totp code',
  '2fa code',
  'factor code',
  'authentication code',
  'auth code',
  'sms code',
  'pin code',
  'seed phrase',
  'card number',
  'card cvc',
  'card cvv',
  'credit card',
  'card pan',
  'social security',
]);

const CODES = new Set(['pin', 'cvv', 'cvc', 'cvv2', 'cvc2', 'mnemonic', 'iban', 'ssn']);

/** Tokens that are no secret: a place in a list, a signal to stop, the answer to a riddle, the address of a device. */
const PLAIN_TOKENS = new Set(
  'page next previous prev start end continuation cursor pagination resume delta cancel cancellation abort sync captcha recaptcha hcaptcha turnstile csrf xsrf device push notification fcm apns expo design idempotency nft erc20 syntax unique'.split(
    ' ',
  ),
);

/** What a name begins with that says whether, and not what. */
const WHETHER = new Set(
  'is has had have can should must may will use uses using with without require requires required needs need allow allows allowed enable enables enabled disable disabled show shows hide hides send sends generate no skip ask expire expires force'.split(
    ' ',
  ),
);

/** What is done with a password, in the name of a handler. */
const DONE_WITH_PASSWORD = new Set('change reset forgot forgotten set update recover restore renew new'.split(' '));

/** Beside signing in, what is only told of it. */
const TOLD = new Set(
  'history attempt attempts count counts stats statistics logs event events audit list report reports method methods provider providers option options setting settings config configuration policy policies requirement requirements rule rules strength hint length activity activities device devices image images background template templates'.split(
    ' ',
  ),
);

/** Whether a field of this name holds a password, as far as its kind is known. */
export function isPasswordName(name: string, kind?: ValueKind): boolean {
  const words = splitWords(name);
  const at = words.findIndex((word) => PASSWORDS.has(word));
  if (at === -1 || kind === 'boolean' || kind === 'number') return false;
  if (WHETHER.has(words[0] ?? '')) return false;
  // What comes after the word must still be about the value itself: passwordAgain, and not passwordPolicy.
  return words.slice(at + 1).every((word) => OF_A_PASSWORD.has(word) || PASSWORDS.has(word));
}

/** Whether a field of this name holds a token, a key, a one-time code or a card. What only begins with it (`tokenId`) does not. */
export function isTokenName(name: string, kind?: ValueKind): boolean {
  const words = splitWords(name);
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  if (kind === 'boolean' || WHETHER.has(words[0] ?? '')) return false;
  if (TOKENS.has(last)) return kind !== 'number' && !PLAIN_TOKENS.has(before);
  return CODES.has(last) || PAIRS.has(`${before} ${last}`);
}

/** Whether a field called `code` is a one-time code there: in a path, a handler or a class of this name. */
export function isAboutOneTimeCodes(...names: readonly string[]): boolean {
  return names.some((name) => {
    const words = splitWords(name);
    const pairs = words.map((word, at) => `${word} ${words[at + 1] ?? ''}`);
    return words.some((word) => ONE_TIME.has(word)) || pairs.some((pair) => ONE_TIME.has(pair));
  });
}

const ONE_TIME = new Set([
  'otp',
  'totp',
  'mfa',
  '2fa',
  'twofactor',
  'two factor',
  'passcode',
  'one time',
  'login',
  'sign in',
  'signin',
]);

/** What a handler of this name, or of this segment of its path, may do, in words; undefined where the name says nothing. */
export function purposeByName(name: string): string | undefined {
  const words = splitWords(name);
  if (words.some((word) => TOLD.has(word))) return undefined;
  const pairs = words.map((word, at) => `${word} ${words[at + 1] ?? ''}`);
  if (words.some((word) => SIGN_IN_WORDS.has(word)) || pairs.some((pair) => SIGN_IN_PAIRS.has(pair))) {
    return 'sign somebody in or out';
  }
  const isAboutPassword = words.some((word) => PASSWORDS.has(word));
  return isAboutPassword && words.some((word) => DONE_WITH_PASSWORD.has(word))
    ? 'change or reset a password'
    : undefined;
}

const SIGN_IN_WORDS = new Set('login logon logout logoff signin signup signout mfa totp otp'.split(' '));
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
export function splitWords(name: string): string[] {
  const separated = name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return separated
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== '');
}
