// How many hidden classes V8 makes for the requests and responses of an application:
// node --allow-natives-syntax bench/shapes.mjs [subject] [express|fastify]
import { Agent, get } from 'node:http';
import { once } from 'node:events';
import { SUBJECTS } from './subjects.mjs';

const [subject = 'bare', platform = 'express'] = process.argv.slice(2);
const REQUESTS = 500;
process.env.NODE_ENV = 'production';
/** What V8 offers behind --allow-natives-syntax; no linter can read it. */
const haveSameMap = new Function('one', 'other', 'return %HaveSameMap(one, other)');

const server = await SUBJECTS[subject](platform);
const shapes = { request: [], response: [] };
server.prependListener('request', (request, response) => {
  response.on('finish', () => {
    note('request', request);
    note('response', response);
  });
});

function note(kind, object) {
  if (!shapes[kind].some((other) => haveSameMap(other, object))) shapes[kind].push(object);
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
for (let asked = 0; asked < REQUESTS; asked += 1) {
  const request = get({ port: server.address().port, path: '/hello', agent });
  const [response] = await once(request, 'response');
  response.resume();
  await once(response, 'end');
}
const { request, response } = shapes;
console.log(
  `${process.version}, ${platform}, ${subject}: ${REQUESTS} requests had ${request.length} shapes, their responses ${response.length}`,
);
process.exit();
