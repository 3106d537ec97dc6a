import { Controller, Get } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createServer, IncomingMessage, type RequestListener } from 'node:http';
import { ran } from '../support/applications.js';
import { Browser, createSessionApp, openMemory } from '../support/sessions.js';

@Controller()
class Pages {
  @Get()
  page(): string {
    return 'page';
  }
}

const seen: IncomingMessage[] = [];

/** A middleware, which under Fastify is given Node's own request, and uses its session. */
function count(
  request: IncomingMessage & { session?: { visits?: number } },
  _response: unknown,
  next: () => void,
): void {
  seen.push(request);
  const { session } = request;
  if (session !== undefined) session.visits = (session.visits ?? 0) + 1;
  ran.push(String(session?.visits));
  next();
}

afterEach(() => {
  seen.length = 0;
});

/** Visits the application three times, and gives the requests that its middleware saw. */
async function visitThreeTimes(adapter: FastifyAdapter): Promise<readonly IncomingMessage[]> {
  const app = await createSessionApp(() => adapter, {
    controllers: [Pages],
    session: openMemory().options,
    main: (nest) => void nest.use(count),
  });
  const browser = new Browser(app);
  for (const path of ['/?1', '/?2', '/?3']) expect((await browser.visit(path)).status).toBe(200);
  expect(ran).toEqual(['1', '2', '3']);
  return seen;
}

const classOf = (request: IncomingMessage | undefined): unknown => request?.constructor;

describe('req.session of the requests that middleware sees under Fastify', () => {
  it('is there from the first request on, and from the second on the server makes its requests with it', async () => {
    const [first, second, third] = await visitThreeTimes(new FastifyAdapter());

    expect(classOf(first)).toBe(IncomingMessage);
    expect(classOf(second)).not.toBe(IncomingMessage);
    expect(second).toBeInstanceOf(IncomingMessage);
    expect(classOf(third)).toBe(classOf(second));
  });

  it('has the same accessors in every request, so that all requests keep one shape', async () => {
    const [, second, third] = await visitThreeTimes(new FastifyAdapter());

    const accessors = [second, third].map((request) => Object.getOwnPropertyDescriptor(request ?? {}, 'session'));
    expect(accessors[0]?.get).toBeInstanceOf(Function);
    expect(accessors[1]).toEqual(accessors[0]);
    expect(Reflect.get(third ?? {}, 'session')).not.toBe(Reflect.get(second ?? {}, 'session'));
  });

  it('is there where the application has a class of requests of its own, which is kept', async () => {
    class OwnMessage extends IncomingMessage {}
    const [first, second, third] = await visitThreeTimes(
      new FastifyAdapter({
        serverFactory: (handler: RequestListener) => createServer({ IncomingMessage: OwnMessage }, handler),
      }),
    );

    expect([first, second, third].map(classOf)).toEqual([OwnMessage, OwnMessage, OwnMessage]);
  });

  it('stays away from the servers of others', async () => {
    await visitThreeTimes(new FastifyAdapter());
    const symbols = Object.getOwnPropertySymbols(createServer());
    const slot = symbols.find(({ description }) => description === 'IncomingMessage');

    // Where Node calls it otherwise one day, every request is given the session by itself, and this says so.
    expect(slot).toBeDefined();
    expect(Reflect.get(createServer(), slot ?? '')).toBe(IncomingMessage);
  });
});
