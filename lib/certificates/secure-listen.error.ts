/** What went wrong: one of these, or the code of the system error (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` ...). */
export type SecureListenErrorCode =
  | 'ADDRESS_INVALID'
  | 'ALREADY_LISTENING'
  | 'DEVELOPMENT_CERTIFICATE'
  | 'LISTEN_FAILED'
  | 'NO_SECURE_MODULE'
  | 'SERVER_NOT_PLAIN'
  | 'TLS_ALPN'
  | 'TLS_CERT_EXPIRED'
  | 'TLS_CERT_MISSING'
  | 'TLS_CERT_NOT_PEM'
  | 'TLS_CERT_NOT_YET_VALID'
  | 'TLS_FILE'
  | 'TLS_INVALID'
  | 'TLS_KEY_MISMATCH'
  | 'TLS_KEY_MISSING'
  | 'TLS_KEY_NOT_PEM'
  | 'TLS_PASSPHRASE'
  | `E${string}`;

/** `listenSecurely` cannot do what it was asked to. The message says what was given, what is wrong and what to change. */
export class SecureListenError extends Error {
  static {
    // On the prototype: the stack is written before an instance has fields.
    this.prototype.name = 'SecureListenError';
  }

  constructor(
    /** Tells one error from another without its text. */
    readonly code: SecureListenErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The message of what was thrown. Not by `instanceof`: Node's own errors are of another realm under Jest. */
export function errorMessage(thrown: unknown): string {
  return has('message', thrown) && typeof thrown.message === 'string' ? thrown.message : String(thrown);
}

function has<K extends string>(key: K, thrown: unknown): thrown is Record<K, unknown> {
  return typeof thrown === 'object' && thrown !== null && key in thrown;
}

/** The code of a system error, such as `EADDRINUSE`. */
export function errorCode(thrown: unknown): SecureListenErrorCode {
  return has('code', thrown) && isSystemCode(thrown.code) ? thrown.code : 'LISTEN_FAILED';
}

function isSystemCode(code: unknown): code is `E${string}` {
  return typeof code === 'string' && code.startsWith('E');
}
