import { Controller, Get, Redirect, Res, Sse, StreamableFile, type MessageEvent } from '@nestjs/common';
import { SecureRequired } from 'nestjs-secure';
import { of, type Observable } from 'rxjs';
import { adapters, createApp, ran } from '../support/applications.js';

interface Response {
  header(name: string, value: string): unknown;
  send(body: string): unknown;
}

@SecureRequired()
@Controller()
class AnswersController {
  @Redirect('/elsewhere', 301)
  @Get('redirect')
  redirect(): void {
    ran.push('redirect');
  }

  @Get('res')
  res(@Res() response: Response): void {
    ran.push('res');
    response.send('sent');
  }

  @Get('passthrough')
  passthrough(@Res({ passthrough: true }) response: Response): string {
    ran.push('passthrough');
    response.header('X-Own', 'yes');
    return 'sent';
  }

  @Get('stream')
  stream(): StreamableFile {
    ran.push('stream');
    return new StreamableFile(Buffer.from('sent'));
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    ran.push('events');
    return of({ data: 'sent' });
  }
}

describe.each(adapters)('a marked handler on %s', (_platform, newAdapter) => {
  it.each([
    ['@Redirect', '/redirect', 301, ''],
    ['@Res', '/res', 200, 'sent'],
    ['@Res with passthrough', '/passthrough', 200, 'sent'],
    ['a StreamableFile', '/stream', 200, 'sent'],
    ['@Sse', '/events', 200, 'data: sent'],
  ])('that answers by %s does not run over plain HTTP', async (_how, path, status, body) => {
    const app = await createApp(newAdapter, { controllers: [AnswersController] });

    const overHttp = await app.ask(path);
    expect(overHttp).toMatchObject({ status: 307, headers: { location: `https://localhost${path}` } });
    expect(overHttp.body).not.toContain('sent');
    expect(ran).toEqual([]);

    const secure = await app.ask(path, { https: true });
    expect(secure.status).toBe(status);
    expect(secure.body).toContain(body);
    expect(ran).toHaveLength(1);
    expect(app.logged).toEqual([]);
  });
});
