import type { PlatformRequest } from './platform.js';

/** Tells when users signed in. The session engine does; the guard asks. */
export interface SignInReader {
  /**
   * When the user of a request, or of the handshake of a socket, last proved who they are, in milliseconds since 1970.
   * Undefined where they never did, and where nobody is signed in.
   *
   * Throws or rejects with a 503 where the store fails.
   */
  read(request: PlatformRequest): number | undefined | Promise<number | undefined>;
}
