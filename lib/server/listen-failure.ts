import {
  errorCode,
  errorMessage,
  SecureListenError,
  type SecureListenErrorCode,
} from '../certificates/secure-listen.error.js';

/** The address a listener could not be opened on. */
export interface RefusedAddress {
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly host?: string | undefined;
}

/** Says in plain words why a listener could not be opened. */
export function listenFailure({ scheme, port, host }: RefusedAddress, cause: unknown): SecureListenError {
  const code = errorCode(cause);
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
  const said = errorMessage(cause);
  return new SecureListenError(
    code,
    `The ${scheme} listener ${text[code] ?? `cannot be opened on port ${port}: ${said}`} (${code})`,
    { cause },
  );
}
