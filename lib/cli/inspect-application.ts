import type { INestApplication } from '@nestjs/common';
import { relative } from 'node:path';
import type { AuditedRoute } from '../audit/secure-audit.js';
import { describeSite } from '../probe/site.js';
import { writeProxyConfig } from '../proxy-config/write-proxy-config.js';
import { WITHOUT_MODULE, type AuditReport } from './audit-report.js';
import { describeHost } from './host-package.js';
import type { Inspected, InspectionRequest, ProxyRequest } from './inspection-messages.js';
import { explainStart, LoadFailure, errorPlace } from './load-failure.js';
import { chooseModule, chooseSetup, importFile, type RootModule } from './load-module.js';
import { lookAtPreview, lookAtRunning, type Seen } from './look-at-application.js';
import { createApplication, findNest, type Nest } from './nest-application.js';
import { ConstructedInPreview } from './constructed-in-preview.js';
import { locateRoutes } from './source-locations.js';

/** Whom an inspection tells what it does. */
export interface InspectionObserver {
  /** What is being done now, such as "creating a preview". */
  stage(text: string): Promise<void>;
  /** An application was created; the caller closes it. */
  created(application: INestApplication): void;
}

/** What an inspection has loaded when it creates the application. */
export interface Loaded {
  readonly nest: Nest;
  readonly root: RootModule;
  readonly setup: ((app: unknown) => unknown) | undefined;
  readonly request: InspectionRequest;
  readonly observer: InspectionObserver;
}

/**
 * Loads a module file into this process, creates the application and looks at it.
 *
 * @throws LoadFailure where the application cannot be looked at.
 */
export async function inspectApplication(request: InspectionRequest, observer: InspectionObserver): Promise<Inspected> {
  const { file, shown, look, platform, exportName, setupName, loader } = request;
  await observer.stage(`loading ${shown}`);
  const nest = await findNest(file, platform);
  const exports = await importFile(file, shown, loader);
  const root = await chooseModule(exports, exportName, shown);
  const setup = setupName === undefined ? undefined : chooseSetup(exports, setupName, shown);
  await observer.stage(
    look === 'full' ? 'creating the application: its providers are constructed' : 'creating a preview',
  );
  return inspectModule({ nest, root, setup, request, observer });
}

/** The same for a module that is loaded. */
export async function inspectModule(loaded: Loaded): Promise<Inspected> {
  const { nest, request } = loaded;
  const seen = request.look === 'full' ? await lookInFull(loaded) : await lookInPreview(loaded);
  if (request.proxy !== undefined) return { configuration: configurationOf(seen, request.proxy) };
  if (request.probe !== undefined) {
    requireOptions(seen, 'to ask the site for');
    return { site: describeSite(seen.table, seen.settings, request.probe) };
  }
  return { report: reportOf(seen, nest, request) };
}

async function lookInFull({ nest, root, setup, request: { shown }, observer }: Loaded): Promise<Seen> {
  const app = await attempt(shown, 'full', 'could not be created', () => createApplication(nest, root, 'full'));
  observer.created(app);
  return attempt(shown, 'full', 'was created, and could not be initialised', async () => {
    await setup?.(app);
    await observer.stage('registering the routes');
    await app.init();
    return lookAtRunning(app, nest.core);
  });
}

/** Where a module that Nest constructs even in a preview fails, such as GraphQLModule, the preview is made again without it. */
async function lookInPreview(loaded: Loaded): Promise<Seen> {
  const constructed = new ConstructedInPreview(loaded.nest.core);
  try {
    return await previewed(loaded, constructed);
  } catch (error) {
    if (!constructed.leaveOut(error)) throw error;
    return await previewed(loaded, constructed).catch(() => {
      throw error;
    });
  }
}

async function previewed(loaded: Loaded, constructed: ConstructedInPreview): Promise<Seen> {
  const { nest, root, setup, observer } = loaded;
  const { shown } = loaded.request;
  const app = await attempt(shown, 'preview', 'could not be created', () =>
    constructed.during(() => createApplication(nest, root, 'preview')),
  );
  observer.created(app);
  return attempt(shown, 'preview', 'was created, and could not be initialised', async () => {
    const seen = await lookAtPreview(app, nest.core, constructed);
    await setup?.(app);
    await observer.stage('registering the routes');
    await app.init();
    return seen();
  });
}

async function attempt<T>(
  shown: string,
  look: InspectionRequest['look'],
  what: string,
  act: () => Promise<T>,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof LoadFailure) throw error;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const text = `The application of ${shown} ${what}.\n${reason}${errorPlace(error)}${explainStart(error, look)}`;
    throw new LoadFailure(text, { cause: error });
  }
}

function reportOf({ options, audit, table, unknown }: Seen, nest: Nest, request: InspectionRequest): AuditReport {
  const { file, shown, project, folder, look } = request;
  return {
    format: 1,
    name: project === undefined || project.includes(' ') ? describeHost(file) : project,
    module: shown,
    look,
    platform: nest.platform,
    nest: nest.version,
    options,
    routes: locateRoutes(audit.routes(), table).map((route) => namedFrom(folder, route)),
    unlisted: audit.unlisted(),
    unknown,
    findings: audit.findings(),
  };
}

/** A preview and a full look write the same, so neither is named unless it is needed. */
function configurationOf(seen: Seen, { server, side, command }: ProxyRequest): string {
  requireOptions(seen, 'to write');
  const { needsFull, table, settings } = seen;
  return writeProxyConfig(server, table, settings, { side, command: needsFull ? `${command} --full` : command });
}

/** @throws LoadFailure where the options of SecureModule are not known. */
function requireOptions({ options }: Seen, what: string): void {
  if (options === 'known') return;
  throw new LoadFailure(
    options === 'absent'
      ? `There is nothing ${what}. ${WITHOUT_MODULE}`
      : 'The options of SecureModule are made by forRootAsync(), which a preview does not construct, and path rules and hosts are among them. Give --full: it creates and initialises the application, without listening.',
  );
}

/** Files as they are found from a folder, so that a report says nothing of the machine it was made on. */
function namedFrom(folder: string, route: AuditedRoute): AuditedRoute {
  const { source } = route;
  return source === undefined ? route : { ...route, source: { ...source, file: relative(folder, source.file) } };
}
