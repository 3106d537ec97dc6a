// The process that loads the application, so that whatever it prints, leaves open or ends stays apart from the answer.
import type { INestApplication } from '@nestjs/common';
import { relative } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import type { AuditedRoute } from '../audit/secure-audit.js';
import { writeProxyConfig } from '../proxy-config/write-proxy-config.js';
import type { AuditReport } from './audit-report.js';
import {
  MESSAGE_KEY,
  type Inspected,
  type InspectionMessage,
  type InspectionRequest,
  type ProxyRequest,
} from './inspection.js';
import { isSyntaxError, LoadFailure, placeOf } from './load-failure.js';
import { chooseModule, chooseSetup, importFile } from './load-module.js';
import { lookAtPreview, lookAtRunning, type Seen } from './look.js';
import { createApplication, findNest, type Nest } from './nest-application.js';

/** What `app.close()` may take before the process ends without it, in milliseconds. */
const CLOSE_WITHIN = 5_000;

let application: INestApplication | undefined;

async function inspect(request: InspectionRequest): Promise<Inspected> {
  const { file, shown, look, platform, exportName, setupName, loader, proxy } = request;
  await stage(`loading ${shown}`);
  const nest = await findNest(file, platform);
  const exports = await importFile(file, shown, loader);
  const root = await chooseModule(exports, exportName, shown);
  const setup = setupName === undefined ? undefined : chooseSetup(exports, setupName, shown);
  await stage(look === 'full' ? 'creating the application: its providers are constructed' : 'creating a preview');
  application = await created(nest, root, request);
  const seen = await initialised(application, nest, request, setup);
  if (proxy !== undefined) return { configuration: configurationOf(seen, proxy) };
  return { report: reportOf(seen, nest, request) };
}

async function created(nest: Nest, root: Parameters<typeof createApplication>[1], { look, shown }: InspectionRequest) {
  try {
    return await createApplication(nest, root, look);
  } catch (error) {
    throw startFailure(shown, 'could not be created', error);
  }
}

async function initialised(
  app: INestApplication,
  nest: Nest,
  { look, shown }: InspectionRequest,
  setup: ((app: unknown) => unknown) | undefined,
): Promise<Seen> {
  try {
    const seen = look === 'preview' ? await lookAtPreview(app, nest.core) : undefined;
    await setup?.(app);
    await stage('registering the routes');
    await app.init();
    return seen === undefined ? lookAtRunning(app, nest.core) : seen();
  } catch (error) {
    throw startFailure(shown, 'was created, and could not be initialised', error);
  }
}

function startFailure(shown: string, what: string, error: unknown): LoadFailure {
  if (error instanceof LoadFailure) return error;
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new LoadFailure(`The application of ${shown} ${what}.\n${reason}${placeOf(error)}`, { cause: error });
}

function reportOf({ options, audit }: Seen, nest: Nest, { shown, look }: InspectionRequest): AuditReport {
  return {
    format: 1,
    module: shown,
    look,
    platform: nest.platform,
    nest: nest.version,
    options,
    routes: audit.routes().map(fromHere),
    unlisted: audit.unlisted(),
    findings: audit.findings(),
  };
}

/** A preview and a full look write the same, so neither is named unless it is needed. */
function configurationOf(
  { options, needsFull, table, settings }: Seen,
  { server, side, command }: ProxyRequest,
): string {
  if (options === 'known') {
    return writeProxyConfig(server, table, settings, { side, command: needsFull ? `${command} --full` : command });
  }
  throw new LoadFailure(
    options === 'absent'
      ? 'Nothing imports SecureModule, so there is nothing to write. Write SecureModule.forRoot() in the imports of the root module.'
      : 'The options of SecureModule are made by forRootAsync(), which a preview does not construct, and path rules and hosts are among them. Give --full: it creates and initialises the application, without listening.',
  );
}

/** Files as they are found from here, so that a report says nothing of the machine it was made on. */
function fromHere(route: AuditedRoute): AuditedRoute {
  const { source } = route;
  return source === undefined ? route : { ...route, source: { ...source, file: relative('', source.file) } };
}

function stage(text: string): Promise<void> {
  return send({ stage: text });
}

function send(message: InspectionMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send({ [MESSAGE_KEY]: message }, undefined, undefined, () => resolve());
  });
}

async function run(): Promise<void> {
  const [node = '', own = '', given = ''] = process.argv;
  const request: InspectionRequest = JSON.parse(given);
  // What the application may read of its own.
  process.argv = [node, request.file];
  process.once('disconnect', () => process.exit(2));
  try {
    await send({ inspected: await inspect(request) });
  } catch (error) {
    const failure = error instanceof LoadFailure ? error.message : `${own} failed: ${String(error)}${placeOf(error)}`;
    await send({ failure });
    // Node prints the place of a syntax error where nobody has caught it, and only there.
    if (error instanceof LoadFailure && isSyntaxError(error.cause)) throw error.cause;
  }
  await Promise.race([Promise.resolve(application?.close()).catch(() => undefined), after(CLOSE_WITHIN)]);
  process.exit(0);
}

void run();
