import type { AddressInfo } from 'node:net';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { All, Controller, Get } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import express from 'express';
import { adapters, createApp, type App, type NewAdapter } from '../support/applications.js';
import { howMany } from '../support/everything.js';
import { mutatedTargets } from '../support/mutated-targets.js';
import { pipeline } from '../support/pipelined-requests.js';
import { makeSite } from '../support/site.js';

// More of them, with their count printed: REQUEST_LINES=200000 npm run test:all -- spec/attacks/target-fuzzing.spec.ts
const REQUEST_LINES = Number(process.env['REQUEST_LINES'] ?? howMany(20_000, 300));
const BATCH = 40;
const SEED = 20_261_130;

const SECRET = 'the secret';
const folder = makeSite({ 'admin/secret.txt': SECRET, 'open.txt': 'open' });

@Controller()
class SiteController {
  @Get('admin/panel')
  panel(): string {
    return SECRET;
  }

  @All('*')
  anything(): string {
    return 'anything';
  }
}

function start(newAdapter: NewAdapter): Promise<App> {
  return createApp(newAdapter, {
    controllers: [SiteController],
    options: {
      hosts: ['app.example'],
      paths: ['/admin'],
      exempt: ['/health', '/open.txt'],
    },
    main(nest) {
      nest.use(express.static(folder));
      nest.use('/admin/mount', (_request: IncomingMessage, response: ServerResponse) => void response.end(SECRET));
    },
  });
}

/** Request lines with what surrounds them. */
function written(targets: readonly string[], https: boolean): string[] {
  return targets.map((target, at) => {
    const method = at % 7 === 3 ? 'POST' : at % 11 === 5 ? 'DELETE' : 'GET';
    const last = at === targets.length - 1 ? 'Connection: close\r\n' : '';
    const scheme = https ? 'X-Forwarded-Proto: https\r\n' : '';
    return `${method} ${target} HTTP/1.1\r\nHost: app.example\r\nContent-Length: 0\r\n${scheme}${last}\r\n`;
  });
}

interface Counts {
  sent: number;
  reachedOverHttps: number;
  readonly bypasses: string[];
}

async function fuzz(port: number, lines: number): Promise<Counts> {
  const counts: Counts = { sent: 0, reachedOverHttps: 0, bypasses: [] };
  const targets = mutatedTargets(SEED);
  let waiting: string[] = [];
  for (let batch = 0; counts.sent < lines; batch += 1) {
    while (waiting.length < BATCH) waiting.push(targets.next().value ?? '/');
    const { answered, text } = await pipeline(port, written(waiting, false));
    // The server hangs up on a line that it cannot read: those behind it are sent again.
    const done = waiting.slice(0, Math.max(answered, 1));
    waiting = waiting.slice(done.length);
    counts.sent += done.length;
    if (text.includes(SECRET)) counts.bypasses.push(...(await bypassesAmong(port, done)));
    if (batch % 10 === 0) {
      for (const target of done.slice(0, 5)) counts.reachedOverHttps += (await reaches(port, target, true)) ? 1 : 0;
    }
  }
  return counts;
}

async function bypassesAmong(port: number, targets: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const target of targets) if (await reaches(port, target, false)) found.push(target);
  return found.length > 0 ? found : ['one of a batch'];
}

async function reaches(port: number, target: string, https: boolean): Promise<boolean> {
  return (await pipeline(port, written([target], https))).text.includes(SECRET);
}

/** What Fastify's router can be told to take for one path. */
const lenient = {
  ignoreDuplicateSlashes: true,
  ignoreTrailingSlash: true,
  caseSensitive: false,
  useSemicolonDelimiter: true,
};

const routers: [string, NewAdapter][] = [
  ...adapters,
  ['Fastify with a lenient router', () => new FastifyAdapter({ routerOptions: lenient })],
];

it.each(routers)(
  'no target that is mutated reaches on %s over plain HTTP what a paths rule covers',
  async (platform, newAdapter) => {
    const { nest } = await start(newAdapter);
    const { port }: AddressInfo = nest.getHttpServer().address();
    const { sent, reachedOverHttps, bypasses } = await fuzz(port, REQUEST_LINES);
    process.stdout.write(
      `${platform}: ${sent} mutated request lines, ${bypasses.length} bypasses; of a sample over https ${reachedOverHttps} reached what the rule covers\n`,
    );
    expect(bypasses).toEqual([]);
    expect(sent).toBeGreaterThanOrEqual(REQUEST_LINES);
    // It would be seen: some of these targets do lead there.
    expect(reachedOverHttps).toBeGreaterThan(0);
  },
  3_600_000,
);
