import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { MESSAGE_KEY, type Inspected, type InspectionMessage, type InspectionRequest } from './inspection-messages.js';
import { LoadFailure } from './load-failure.js';
import type { Progress } from './progress.js';

const INSPECTOR = fileURLToPath(new URL('./inspector-process.js', import.meta.url));

/** How long the process that loaded the application may go on once it has answered, in milliseconds. */
const LINGER = 10_000;

/**
 * Loads an application in a process of its own, which ends with the answer, whatever the application leaves open. What
 * it prints goes to stderr.
 *
 * @throws LoadFailure where there is no answer.
 */
export async function inspect(
  request: InspectionRequest,
  loaders: readonly string[],
  progress: Progress,
): Promise<Inspected> {
  const imports = loaders.flatMap((loader) => ['--import', loader]);
  const child = spawn(process.execPath, [...process.execArgv, ...imports, INSPECTOR, JSON.stringify(request)], {
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  let answer: InspectionMessage | undefined;
  child.on('message', (sent) => {
    const message = messageIn(sent);
    if (message === undefined) return;
    if ('stage' in message) progress.say(message.stage);
    else {
      answer = message;
      killLater(child);
    }
  });
  const ended = await endOf(child);
  progress.done();
  if (answer !== undefined && 'inspected' in answer) return answer.inspected;
  if (answer !== undefined && 'failure' in answer) throw new LoadFailure(answer.failure);
  const advice = loaders.length === 0 ? '' : ` Can ${loaders.join(', ')} be imported from here?`;
  throw new LoadFailure(
    `${request.shown} ended the process that loaded it (${ended}) before anything could be said.${advice}`,
  );
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
}

function killLater(child: ChildProcess): void {
  setTimeout(() => child.kill('SIGKILL'), LINGER).unref();
}

function messageIn(sent: unknown): InspectionMessage | undefined {
  if (typeof sent !== 'object' || sent === null || !(MESSAGE_KEY in sent)) return undefined;
  const message: unknown = sent[MESSAGE_KEY];
  return isMessage(message) ? message : undefined;
}

function isMessage(value: unknown): value is InspectionMessage {
  return typeof value === 'object' && value !== null;
}
