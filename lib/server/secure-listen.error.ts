/** What went wrong: one of these, or the code of the system error (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL` ...). */
export type SecureListenErrorCode =
  | 'ADDRESS_INVALID'
  | 'ALREADY_LISTENING'
  | 'LISTEN_FAILED'
  | 'NO_SECURE_MODULE'
  | 'SERVER_NOT_PLAIN'
  | 'TLS_CERT_EXPIRED'
  | 'TLS_CERT_MISSING'
  | 'TLS_CERT_NOT_PEM'
  | 'TLS_CERT_NOT_YET_VALID'
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

/** The address a listener could not be opened on. */
export interface RefusedAddress {
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly host?: string | undefined;
}

/** Says in plain words why a listener could not be opened. */
export function listenFailure({ scheme, port, host }: RefusedAddress, cause: unknown): SecureListenError {
  const code = codeOf(cause);
  const text: Partial<Record<SecureListenErrorCode, string>> = {
    EADDRINUSE:
      `cannot have port ${port}: something listens there already. ` +
      `Stop it, or give "${scheme}" of listenSecurely another port (0 is any free one).`,
    EACCES:
      `may not open port ${port}: the user of this process has no permission. Give "${scheme}" of listenSecurely a port from 1024 on ` +
      'and forward to it, or give the process the right to open this one (on Linux: CAP_NET_BIND_SERVICE).',
    EADDRNOTAVAIL: `cannot be opened on host "${host}": this machine has no such address. Change "host" of "${scheme}", or leave it out.`,
    ENOTFOUND: `cannot be opened on host "${host}": no such name is known. Change "host" of "${scheme}", or leave it out.`,
  };
  const said = messageOf(cause);
  return new SecureListenError(
    code,
    `The ${scheme} listener ${text[code] ?? `cannot be opened on port ${port}: ${said}`} (${code})`,
    { cause },
  );
}

/** The message of what was thrown. Not by `instanceof`: Node's own errors are of another realm under Jest. */
export function messageOf(thrown: unknown): string {
  return has('message', thrown) && typeof thrown.message === 'string' ? thrown.message : String(thrown);
}

function codeOf(thrown: unknown): SecureListenErrorCode {
  return has('code', thrown) && isSystemCode(thrown.code) ? thrown.code : 'LISTEN_FAILED';
}

function has<K extends string>(key: K, thrown: unknown): thrown is Record<K, unknown> {
  return typeof thrown === 'object' && thrown !== null && key in thrown;
}

function isSystemCode(code: unknown): code is `E${string}` {
  return typeof code === 'string' && code.startsWith('E');
}
