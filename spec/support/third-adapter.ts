import { createServer, IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { AbstractHttpAdapter } from '@nestjs/core';

type Next = (error?: unknown) => void;
type Handler = (request: IncomingMessage, response: ServerResponse, next: Next) => unknown;
type ErrorHandler = (error: unknown, request: IncomingMessage, response: ServerResponse, next: Next) => unknown;

/** One layer: what runs for a method and a path; an empty path is every path. */
interface Layer {
  readonly method: string | undefined;
  readonly path: string;
  readonly handler: Handler;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'all'];

/** A web framework of a third shape: neither a function, as Express is, nor with constructors of its own, as Fastify. */
function createFramework(): Record<string, unknown> & { layers: Layer[]; request?: object } {
  const layers: Layer[] = [];
  const add =
    (method: string | undefined) =>
    (...given: unknown[]): void => {
      const [path, handler] = given.length === 1 ? ['', given[0]] : given;
      layers.push({ method, path: String(path), handler: handler as Handler });
    };
  return {
    layers,
    request: Object.create(IncomingMessage.prototype),
    use: add(undefined),
    ...Object.fromEntries(METHODS.map((method) => [method, add(method === 'all' ? undefined : method.toUpperCase())])),
  };
}

/** An adapter that is neither Express's nor Fastify's, over Node's own server. Specs take its capabilities away in turn. */
export class ThirdAdapter extends AbstractHttpAdapter<Server, IncomingMessage, ServerResponse> {
  onRequestHook?: Handler;
  private onError: ErrorHandler = (_error, _request, response) => void response.writeHead(500).end();
  private onNothing: Handler = (_request, response) => void response.writeHead(404).end();

  constructor() {
    super(createFramework());
  }

  override initHttpServer(): void {
    this.httpServer = createServer((request, response) => this.dispatch(request, response));
  }

  override setOnRequestHook(hook: Function): void {
    Object.assign(this, { onRequestHook: hook });
  }

  /** What hooks and handlers have of a request: Node's own, with the prototype of this application's requests. */
  protected toHandlers(request: IncomingMessage): object {
    if (this.instance.request !== undefined) Object.setPrototypeOf(request, this.instance.request);
    return request;
  }

  private dispatch(request: IncomingMessage, response: ServerResponse): void {
    const given = this.toHandlers(request);
    const { pathname } = new URL(request.url ?? '/', 'http://host');
    const fits = ({ method, path }: Layer): boolean =>
      (method === undefined || method === request.method) && (path === '' || path === pathname);
    const layers = this.instance.layers.filter(fits).map(({ handler }: Layer) => handler);
    const queue = [...(this.onRequestHook === undefined ? [] : [this.onRequestHook]), ...layers, this.onNothing];
    const next: Next = (error) => {
      if (error !== undefined && error !== null) return void this.onError(error, request, response, next);
      try {
        void Promise.resolve(Reflect.apply(queue.shift(), this, [given, response, next])).catch(next);
      } catch (thrown) {
        next(thrown);
      }
    };
    next();
  }

  override close(): Promise<void> {
    this.httpServer.closeAllConnections();
    return new Promise((resolve) => this.httpServer.close(() => resolve()));
  }

  override listen(...given: unknown[]): unknown {
    return Reflect.apply(this.httpServer.listen, this.httpServer, given);
  }

  override getType(): string {
    return 'third';
  }

  override getRequestHostname(request: IncomingMessage): string | undefined {
    return request.headers.host;
  }

  override getRequestMethod(request: IncomingMessage): string | undefined {
    return request.method;
  }

  override getRequestUrl(request: IncomingMessage): string | undefined {
    return request.url;
  }

  override status(response: ServerResponse, code: number): void {
    response.statusCode = code;
  }

  override reply(response: ServerResponse, body: unknown, code?: number): void {
    if (code !== undefined) response.statusCode = code;
    response.end(typeof body === 'object' ? JSON.stringify(body) : String(body));
  }

  override end(response: ServerResponse, message?: string): void {
    response.end(message);
  }

  override redirect(response: ServerResponse, code: number, url: string): void {
    response.writeHead(code, { location: url }).end();
  }

  override setErrorHandler(handler: Function): void {
    this.onError = (...given) => Reflect.apply(handler, undefined, given);
  }

  override setNotFoundHandler(handler: Function): void {
    this.onNothing = (...given) => Reflect.apply(handler, undefined, given);
  }

  override isHeadersSent(response: ServerResponse): boolean {
    return response.headersSent;
  }

  override getHeader(response: ServerResponse, name: string): unknown {
    return response.getHeader(name);
  }

  override setHeader(response: ServerResponse, name: string, value: string): void {
    response.setHeader(name, value);
  }

  override appendHeader(response: ServerResponse, name: string, value: string): void {
    response.appendHeader(name, value);
  }

  override createMiddlewareFactory(): (path: string, callback: Function) => void {
    return (path, callback) => this.instance.use(path, callback);
  }

  override applyVersionFilter(handler: Function): (request: unknown, response: unknown, next: unknown) => Function {
    return (...given) => Reflect.apply(handler, undefined, given);
  }

  override useStaticAssets(): void {}
  override setViewEngine(): void {}
  override render(): void {}
  override registerParserMiddleware(): void {}
  override enableCors(): void {}
}

/** The same with an object of its own around each request, as Fastify has it. */
export class WrappingAdapter extends ThirdAdapter {
  constructor() {
    super();
    Object.assign(this.instance, { request: {} });
  }

  protected override toHandlers(raw: IncomingMessage): object {
    return Object.create(this.instance.request, { raw: { value: raw } });
  }
}
