import type { SessionConnections } from './session-connections.js';
import type { Loaded } from './session-loader.js';
import type { ResponseHead, SessionState } from './session-state.js';

/** Completes a stream of server-sent events when the session of its request ends. To be called when its head leaves. */
export function watchEventStream(state: SessionState, head: ResponseHead, connections: SessionConnections): void {
  if (!isEventStream(head.get('content-type'))) return;
  const { response } = state;
  let isClosed = false;
  const connection = { close: () => completeStream(state) };
  response.once('close', () => {
    isClosed = true;
    connections.delete(connection);
  });

  // A session that is new is being stored now, and is not there before.
  Promise.resolve(state.queue).then(
    () => {
      const found = sessionIn(state);
      if (found !== undefined && !isClosed) connections.add(found.key, connection, found.loaded);
    },
    () => undefined,
  );
}

/** What a handler still writes is dropped, and the end of the connection tells it that nobody listens any more. */
function completeStream({ response, request }: SessionState): void {
  // HTTP/1 leaves the connection open, and Nest waits for its end.
  response.once('finish', () => {
    if (request.httpVersionMajor < 2) request.socket.destroySoon();
  });
  response.end();
  // A write after the end would be an error that nobody listens to.
  response.write = () => true;
}

function sessionIn({ own, movedTo, record, kept, gone }: SessionState): { key: string; loaded: Loaded } | undefined {
  if (own === undefined || record === undefined || !kept || gone) return undefined;
  return { key: movedTo ?? own.key, loaded: { record, movedTo: undefined } };
}

function isEventStream(contentType: unknown): boolean {
  return typeof contentType === 'string' && contentType.trimStart().toLowerCase().startsWith('text/event-stream');
}
