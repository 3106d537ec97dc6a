import { jest } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer } from 'node:http2';
import { holdAnswer } from '../../lib/session/hold-answer.js';

describe('an answer that is held', () => {
  it('is written over HTTP/2 as it was given, without a warning of Node', async () => {
    const warnings = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const server = createServer((_request, response) => {
      response.statusCode = 201;
      const letGo = Reflect.apply(holdAnswer, undefined, [response]);
      response.statusCode = 500;
      letGo();
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const client = connect(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`);
    const [headers] = await once(client.request({ ':path': '/' }).end(), 'response');
    expect(headers[':status']).toBe(201);
    expect(warnings).not.toHaveBeenCalled();
    client.close();
    server.close();
    warnings.mockRestore();
  });
});
