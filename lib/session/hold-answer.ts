import type { ServerResponse } from 'node:http';

/**
 * Holds an answer that has been given and is not written yet. To the application its head is sent; whatever it still
 * does to it is undone by the function that is returned, which lets the answer go.
 */
export function holdAnswer(response: ServerResponse): () => void {
  if (response.headersSent) return () => undefined;
  const { statusCode, statusMessage } = response;
  const headers = response.getHeaders();
  Object.defineProperty(response, 'headersSent', { value: true, configurable: true });
  return function letGo() {
    Reflect.deleteProperty(response, 'headersSent');
    for (const name of response.getHeaderNames()) if (headers[name] === undefined) response.removeHeader(name);
    for (const [name, value] of Object.entries(headers)) {
      if (value !== undefined && response.getHeader(name) !== value) response.setHeader(name, value);
    }
    Object.assign(response, { statusCode, statusMessage });
  };
}
