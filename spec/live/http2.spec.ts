import { Controller, Get, Post, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { SecureModule, SecureRequired } from 'nestjs-secure';
import { ran } from '../support/applications.js';

@Controller()
class PagesController {
  @SecureRequired()
  @Post('page')
  post(): string {
    ran.push('handler');
    return 'secret';
  }

  @SecureRequired()
  @Get('page')
  page(): string {
    ran.push('handler');
    return 'secret';
  }
}

let app: INestApplication;

afterEach(() => app.close());

async function ask(method: string, path: string, status: 403 | 426): Promise<IncomingHttpHeaders> {
  const testing = await Test.createTestingModule({
    imports: [SecureModule.forRoot({ refuse: { status }, paths: ['/admin'], ports: { https: 8443 } })],
    controllers: [PagesController],
  }).compile();
  app = testing.createNestApplication(new FastifyAdapter({ http2: true }), { logger: false });
  await app.listen(0, '127.0.0.1');
  const client = connect(await app.getUrl());
  try {
    const stream = client.request({ ':method': method, ':path': path });
    stream.resume().end(method === 'POST' ? 'secret=1' : undefined);
    const [headers]: IncomingHttpHeaders[] = await once(stream, 'response');
    if (!stream.closed) await once(stream, 'close');
    return headers ?? {};
  } finally {
    client.close();
  }
}

describe('over HTTP/2 over plain HTTP', () => {
  it.each([
    ['by the guard', '/page', 403],
    ['by the gate', '/admin', 403],
    ['by the guard, where HTTP/1.1 would be told to upgrade', '/page', 426],
    ['by the gate, where HTTP/1.1 would be told to upgrade', '/admin', 426],
  ] as const)('a POST is refused %s', async (_by, path, status) => {
    const headers = await ask('POST', path, status);
    expect([headers[':status'], headers.upgrade, headers.connection]).toEqual([status, undefined, undefined]);
    expect(ran).toEqual([]);
  });

  it('a GET is redirected', async () => {
    const headers = await ask('GET', '/page?x=1', 403);
    expect([headers[':status'], headers.location]).toEqual([307, 'https://127.0.0.1:8443/page?x=1']);
  });
});
