import type { ServerResponse } from 'node:http';

/** What a response is meanwhile. Node's own methods would write the head now, before the session is stored. */
const HELD: PropertyDescriptorMap = {
  headersSent: { configurable: true, value: true },
  writeHead: { configurable: true, writable: true, value: ignoreHead },
  flushHeaders: { configurable: true, writable: true, value: ignore },
  write: { configurable: true, writable: true, value: refuseWrite },
};

/**
 * Holds an answer that has been given and is not written yet. To the application its head is sent; whatever it still
 * does to it is undone by the function that is returned, which lets the answer go.
 */
export function holdAnswer(response: ServerResponse): () => void {
  if (response.headersSent) return () => undefined;
  const { statusCode } = response;
  // HTTP/2 has no message, and Node warns where it is looked at.
  const isHttp2 = response.req.httpVersionMajor >= 2;
  const status = isHttp2 ? { statusCode } : { statusCode, statusMessage: response.statusMessage };
  const headers = response.getHeaders();
  const own = Object.keys(HELD).map((name) => [name, Object.getOwnPropertyDescriptor(response, name)] as const);
  Object.defineProperties(response, HELD);
  return function letGo() {
    for (const [name, property] of own) {
      Reflect.deleteProperty(response, name);
      if (property !== undefined) Object.defineProperty(response, name, property);
    }
    for (const name of response.getHeaderNames()) if (headers[name] === undefined) response.removeHeader(name);
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && response.getHeader(name) !== value) response.setHeader(name, value);
    }
    Object.assign(response, status);
  };
}

function ignoreHead(this: ServerResponse): ServerResponse {
  return this;
}

function ignore(): void {}

/** Refuses as Node does, without the error that it emits: without a listener, that would end the process. */
function refuseWrite(...given: unknown[]): false {
  const done = given.at(-1);
  if (typeof done === 'function') {
    queueMicrotask(() => void Reflect.apply(done, undefined, [new Error('The response has ended already.')]));
  }
  return false;
}
