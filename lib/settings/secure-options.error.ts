// Up to the last '@' of a word that has a ':' before it: `user:password@`, with or without a scheme.
const USER_INFO = /[^\s'"]*:[^\s'"]*@/g;

/** A text without the user and password of any URL in it. To be asked before a text is cut: half a password is one too. */
export function withoutPassword(text: string): string {
  return text.replace(USER_INFO, '...@');
}

/** An option is wrong. The message says which one, what was given and what is accepted; the password of a URL is left out. */
export class SecureOptionsError extends Error {
  /** Tells this error from others without its class. */
  readonly code = 'SECURE_OPTIONS';

  static {
    // On the prototype: the stack is written before an instance has fields.
    this.prototype.name = 'SecureOptionsError';
  }

  constructor(message: string) {
    super(withoutPassword(message));
  }
}
