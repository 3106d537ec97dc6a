// The process that loads the application, so that whatever it prints, leaves open or ends stays apart from the answer.
import type { INestApplication } from '@nestjs/common';
import { setTimeout as after } from 'node:timers/promises';
import { inspectApplication } from './inspect-application.js';
import { MESSAGE_KEY, type InspectionMessage, type InspectionRequest } from './inspection-messages.js';
import { isSyntaxError, LoadFailure, errorPlace } from './load-failure.js';

/** What `app.close()` may take before the process ends without it, in milliseconds. */
const CLOSE_WITHIN = 5_000;

function send(message: InspectionMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send({ [MESSAGE_KEY]: message }, undefined, undefined, () => resolve());
  });
}

async function run(): Promise<void> {
  const [node = '', own = '', given = ''] = process.argv;
  const request: InspectionRequest = JSON.parse(given);
  const applications: INestApplication[] = [];
  // What the application may read of its own.
  process.argv = [node, request.file];
  process.once('disconnect', () => process.exit(2));
  try {
    const inspected = await inspectApplication(request, {
      stage: (stage) => send({ stage }),
      created: (application) => void applications.push(application),
    });
    await send({ inspected });
  } catch (error) {
    const failure =
      error instanceof LoadFailure ? error.message : `${own} failed: ${String(error)}${errorPlace(error)}`;
    await send({ failure });
    // Node prints the place of a syntax error where nobody has caught it, and only there.
    if (error instanceof LoadFailure && isSyntaxError(error.cause)) throw error.cause;
  }
  const closed = applications.map((application) => Promise.resolve(application.close()).catch(() => undefined));
  await Promise.race([Promise.all(closed), after(CLOSE_WITHIN)]);
  process.exit(0);
}

void run();
