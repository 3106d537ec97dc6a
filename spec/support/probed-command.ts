import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './certificates.js';
import { runHere } from './cli-in-process.js';
import { listenLocally } from './listen-locally.js';

/** The name of the site that the command asks. */
export const PROBED_HOST = 'www.example.com';

/** The application that it takes the routes from. */
export const PROBED_MODULE = 'esm/app.module.js';

/** A deployed site that `nestjs-secure probe` is run against. */
export class ProbedCommand {
  /** Starts the servers. Whoever starts them stops them. */
  static async start(): Promise<ProbedCommand> {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-secure-probe-'));
    const { key, cert } = await makeCertificate({ names: [PROBED_HOST] });
    await writeFile(join(folder, 'ca.pem'), cert);
    const command = new ProbedCommand(folder, { key, cert });
    const ports = [await listenLocally(command.http), await listenLocally(command.https)];
    const [http, https] = ports.map((port, at) => ['--connect-to', `:${at === 0 ? 80 : 443}:127.0.0.1:${port}`]);
    command.place.push(...(http ?? []), ...(https ?? []), '--rate', '10000');
    return command;
  }

  /** What it is asked for, whether it redirects, and whether the application behind it is down. */
  readonly asked: string[] = [];
  redirects = true;
  down = false;
  /** The options that lead to it. */
  readonly place: string[] = [];
  private readonly http: Server;
  private readonly https: Server;

  private constructor(
    private readonly folder: string,
    certificate: { key: string; cert: string },
  ) {
    this.http = createServer(({ method, url, headers }, response) => {
      this.asked.push(`${method} http ${url}`);
      if (this.down) response.writeHead(502);
      else if (this.redirects && headers.host === PROBED_HOST) {
        response.writeHead(307, { location: `https://${PROBED_HOST}${url}` });
      }
      response.end();
    });
    this.https = createTlsServer(certificate, ({ method, url, headers }, response) => {
      this.asked.push(`${method} https ${url} as ${headers['user-agent']}`);
      response
        .writeHead(this.down ? 502 : 200, { 'strict-transport-security': 'max-age=31536000', server: 'nginx' })
        .end();
    });
  }

  /** A file beside it; `ca.pem` is its authority. */
  file(name: string): string {
    return join(this.folder, name);
  }

  reset(): void {
    this.redirects = true;
    this.down = false;
    this.asked.length = 0;
  }

  /** Asks without knowing the authority, which is a finding. HSTS, which the application does not set, is none of this. */
  run(...more: string[]): ReturnType<typeof runHere> {
    const only = ['--only', 'SEC51', '--only', 'SEC52'];
    return runHere(['probe', `https://${PROBED_HOST}`, PROBED_MODULE, ...more, ...this.place, ...only]);
  }

  async stop(): Promise<void> {
    this.http.close();
    this.https.close();
    await rm(this.folder, { recursive: true });
  }
}
