import type { ProxyServerName } from '../proxy-config/write-proxy-config.js';
import type { SiteAddress } from '../probe/address.js';
import type { ProbeSite } from '../probe/site.js';
import type { AuditReport, Look, Platform } from './audit-report.js';

/** The configuration to write. */
export interface ProxyRequest {
  readonly server: ProxyServerName;
  readonly side: 'http' | 'https';
  /** What writes it again. */
  readonly command: string;
}

/** What is asked of the process that loads the application. */
export interface InspectionRequest {
  /** The module file, as an absolute path. */
  readonly file: string;
  /** The module file, as it was given. */
  readonly shown: string;
  /** The project of nest-cli.json that the file was found for. */
  readonly project: string | undefined;
  /** The folder that the report names files from. */
  readonly folder: string;
  readonly look: Look;
  /** Undefined: whichever is installed. */
  readonly platform: Platform | undefined;
  /** The export that is the root module; undefined: the default, or the only one. */
  readonly exportName: string | undefined;
  /** The export that does to the application what main.ts does. */
  readonly setupName: string | undefined;
  /** A loader was given. */
  readonly loader: boolean;
  /** The configuration to write; undefined: none. */
  readonly proxy: ProxyRequest | undefined;
  /** The site to describe; undefined: none. Neither this nor a configuration: an audit. */
  readonly probe: SiteAddress | undefined;
}

/** What came of it. */
export type Inspected =
  { readonly report: AuditReport } | { readonly configuration: string } | { readonly site: ProbeSite };

/** What the process says while it works, and at the end. */
export type InspectionMessage =
  { readonly stage: string } | { readonly failure: string } | { readonly inspected: Inspected };

/** The application may send messages of its own; ours are under this key. */
export const MESSAGE_KEY = 'nestjs-secure:inspection';
