import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createSecureContext, type SecureContext, type Server as TlsServer, type TlsOptions } from 'node:tls';
import { checkTls, type CertificateChain } from './check-tls.js';
import { errorMessage, SecureListenError } from './secure-listen.error.js';

/** One certificate of `listenSecurely`, by the paths of its files. A renewal of the files is served without a restart. */
export interface CertificateFiles {
  /** The path of the private key, as PEM. */
  keyFile: string;
  /** The path of the certificate and its intermediates, as PEM (certbot's `fullchain.pem`). */
  certFile: string;
  /** Opens an encrypted key. */
  passphrase?: string;
}

/** A renewal that cannot be served. The certificate before it stays. */
export interface RejectedRenewal {
  readonly certFile: string;
  /** What is wrong with it, in one sentence. */
  readonly reason: string;
}

/** A certificate as its files had it when they were read last. */
interface Loaded {
  readonly files: CertificateFiles;
  readonly key: string;
  readonly cert: string;
  readonly chain: CertificateChain;
}

/** How often the files are looked at. Their state is asked for, not watched: this sees links, mounts and network disks too. */
const POLL_INTERVAL = 5000;

/** Certificates that are read from files, one per name, chosen by the name the client asks for (SNI, RFC 6066 3). */
export class FileCertificates {
  private loaded: readonly Loaded[];
  private contexts: readonly SecureContext[];

  /** @throws SecureListenError naming the file that cannot be read or served. */
  constructor(
    files: readonly CertificateFiles[],
    /** What all of them share: `minVersion`, `ciphers` and the like. */
    private readonly shared: TlsOptions,
    private readonly now: () => Date,
  ) {
    this.loaded = files.map((each) => this.load(each));
    this.contexts = this.loaded.map((each) => this.createContext(each));
  }

  /** The chains that are served now. */
  get chains(): readonly CertificateChain[] {
    return this.loaded.map(({ chain }) => chain);
  }

  /** What `tls.createServer` is given. A client that names no host, or an unknown one, gets the first certificate. */
  get options(): TlsOptions {
    const options = this.optionsOf(this.loaded[0]);
    if (this.loaded.length < 2) return options;
    return {
      ...options,
      SNICallback: (name, done) => {
        done(null, this.contexts[this.loaded.findIndex(({ chain: [own] }) => own.checkHost(name) !== undefined)]);
      },
    };
  }

  /** Reads the files again and serves what has changed from the next connection on; open connections stay as they are. */
  reload(server: TlsServer): readonly RejectedRenewal[] {
    const rejected: RejectedRenewal[] = [];
    const renewed = this.loaded.map((old) => {
      try {
        const read = this.load(old.files);
        return read.key === old.key && read.cert === old.cert ? old : read;
      } catch (error) {
        rejected.push({ certFile: old.files.certFile, reason: errorMessage(error) });
        return old;
      }
    });
    if (renewed.some((each, index) => each !== this.loaded[index])) {
      this.contexts = renewed.map((each) => this.createContext(each));
      this.loaded = renewed;
      server.setSecureContext(this.optionsOf(renewed[0]));
    }
    return rejected;
  }

  /**
   * Calls `changed` once the files have changed and then stayed the same for one interval: a key and its certificate are
   * two files, and a renewal writes one after the other.
   *
   * @returns what ends it
   */
  watch(changed: () => void, interval = POLL_INTERVAL): () => void {
    let quiet: NodeJS.Timeout | undefined;
    const restart = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(changed, interval).unref();
    };
    const paths = this.loaded.flatMap(({ files }) => [files.keyFile, files.certFile]);
    for (const path of paths) watchFile(path, { interval, persistent: false }, restart);
    return () => {
      clearTimeout(quiet);
      for (const path of paths) unwatchFile(path, restart);
    };
  }

  private load(files: CertificateFiles): Loaded {
    const key = readPem('keyFile', files.keyFile);
    const cert = readPem('certFile', files.certFile);
    const tls = { ...this.shared, key, cert, passphrase: files.passphrase };
    const names = { key: `tls.keyFile ${files.keyFile}`, cert: `tls.certFile ${files.certFile}` };
    const [chain] = checkTls(tls, this.now(), names);
    if (chain === undefined) throw new SecureListenError('TLS_FILE', `${names.cert} is empty.`);
    return { files, key, cert, chain };
  }

  private createContext(loaded: Loaded): SecureContext {
    return createSecureContext(this.optionsOf(loaded));
  }

  private optionsOf(loaded: Loaded | undefined): TlsOptions {
    return { ...this.shared, key: loaded?.key, cert: loaded?.cert, passphrase: loaded?.files.passphrase };
  }
}

function readPem(option: 'keyFile' | 'certFile', path: unknown): string {
  if (typeof path !== 'string' || path === '') {
    throw new SecureListenError('TLS_FILE', `tls.${option} is ${String(path)}. Accepted: the path of a PEM file.`);
  }
  if (path.includes('-----BEGIN')) {
    throw new SecureListenError(
      'TLS_FILE',
      `tls.${option} holds the contents of a file and not its path. Pass them as tls.${option.replace('File', '')}.`,
    );
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SecureListenError('TLS_FILE', `tls.${option} ${path} cannot be read: ${errorMessage(cause)}.`, { cause });
  }
}
