const LEAST_BYTES = 32;
const LEAST_CHARACTERS = 8;

/** Secrets that are printed in documentation and examples, as words; whatever stands between the words counts as well. */
const SAMPLES = [
  // express-session and the examples of express
  'keyboard cat',
  'shhhh very secret',
  'some secret here',
  // NestJS, @fastify/secure-session
  'my secret',
  'averylon?gphrasebiggerthanthirtytwochars',
  'mq9hDxBVDbspDR6n',
  '4fe91796c30bd989d95b62dc46c7c3ba0b6aa2df2187400586a4121c54c53b85',
  // @fastify/session
  'a secret with minimum length of 32 characters',
  // iron-session, hapi, h3
  'complex password at least 32 characters long',
  'password must be at least 32 characters long',
  'password should be 32 characters',
  '80d42cfb 1cd2 462c 8f17 e3237d9027e9',
  // what people put there to be replaced
  '(?:change|replace) (?:me|this)',
  '(?:cookie|session|super|your|jwt) secret',
  'secret key',
];

const SAMPLE = new RegExp(SAMPLES.map((words) => words.replaceAll(' ', '[\\W_]*')).join('|'), 'gi');

/**
 * What is wrong with a secret, in words that go on from "a string of 12 bytes, " and hold nothing of it; undefined where
 * nothing is. Beside a sample there must be enough for a secret by itself.
 */
export function faultOfSecret(secret: string): string | undefined {
  const own = secret.replace(SAMPLE, '');
  if (own !== secret && weaknessOf(own) !== undefined) return 'an example that is printed in documentation';
  return weaknessOf(secret);
}

function weaknessOf(secret: string): string | undefined {
  if (Buffer.byteLength(secret) < LEAST_BYTES) return 'which is too short';
  const characters = new Set(secret).size;
  return characters < LEAST_CHARACTERS ? `with too few different characters (${characters})` : undefined;
}
