import type { INestApplication } from '@nestjs/common';
import { makeCertificate } from '../certificates/make-certificate.js';
import { listenSecurely } from '../server/listen-securely.js';

/** Where an application listens for a test. */
export interface ThrowAwayListening {
  /** The URL that speaks plain http, such as `http://127.0.0.1:49152`. */
  readonly http: string;
  /** The URL that speaks TLS. */
  readonly https: string;
  /** The certificate, in PEM: what a client is to trust. Made for this call, and kept nowhere. */
  readonly ca: string;
}

const ADDRESS = { port: 0, host: '127.0.0.1' };

/**
 * Lets an application listen on two free ports of this machine, for http and for https, with a certificate made on the
 * spot for `127.0.0.1`, `::1` and `localhost`: for tests over real TLS. `app.close()` closes both.
 *
 * @throws SecureListenError when the package `selfsigned` is not installed, and as `listenSecurely` does
 * @example
 * const { https: url, ca } = await listenWithThrowAwayCertificate(app);
 * https.get(`${url}/account`, { ca }, (response) => expect(response.statusCode).toBe(200));
 */
export async function listenWithThrowAwayCertificate(app: INestApplication): Promise<ThrowAwayListening> {
  const tls = await makeCertificate(['localhost', '127.0.0.1', '::1'], 'listenWithThrowAwayCertificate');
  const { http, https } = await listenSecurely(app, { http: ADDRESS, https: ADDRESS, tls });
  return { http: http.url, https: https.url, ca: tls.cert };
}
