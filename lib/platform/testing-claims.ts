import type { IncomingHttpHeaders } from 'node:http';

/** What a test says of its own request in place of the socket. */
export interface TestingClaims {
  readonly encrypted?: boolean;
  readonly peer?: string;
  /** For how long the user is taken to have been signed in at least, in milliseconds. */
  readonly signedInAgo?: number;
}

/** Takes the claims off a request. The test kit's claims carry a random secret of the process. */
export type ClaimsReader = (headers: IncomingHttpHeaders, rawHeaders: string[]) => TestingClaims | undefined;

/** Where the test kit leaves its reader, shared by every copy of this package in the process. */
export const CLAIMS_READER = Symbol.for('nestjs-secure:testing');

/** The test kit's reader, once it is imported; read at boot. Undefined in every other process. */
export function testingClaims(): ClaimsReader | undefined {
  const reader: unknown = Reflect.get(globalThis, CLAIMS_READER);
  return isReader(reader) ? reader : undefined;
}

function isReader(value: unknown): value is ClaimsReader {
  return typeof value === 'function';
}
