import {
  Catch,
  Inject,
  Injectable,
  Optional,
  type ArgumentsHost,
  type ExceptionFilter,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SECURE_ENFORCER } from '../tokens.js';
import { buildAnswer } from '../answer/answer.js';
import { rawRequestOf, type PlatformRequest, type PlatformResponse } from '../platform/platform.js';
import { RecentSignInException } from './recent-sign-in.js';
import { SecureException } from './secure.exception.js';

/**
 * Writes the body of a redirect or a refusal, and checks that a marked handler has a module behind it. Bound by
 * `@SecureRequired()`; it has no part in a request that passes.
 */
@Injectable()
@Catch(SecureException, RecentSignInException)
export class SecureExceptionFilter implements ExceptionFilter<SecureException | RecentSignInException>, OnModuleInit {
  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Optional() @Inject(SECURE_ENFORCER) private readonly enforcer?: unknown,
  ) {}

  /** @throws Error when `SecureModule` is not imported. */
  onModuleInit(): void {
    assertModuleImported(this.enforcer);
  }

  /** Writes the body in the form the client prefers; status and headers are set already. */
  catch(exception: SecureException | RecentSignInException, host: ArgumentsHost): void {
    // Elsewhere the exception itself is what the client reads.
    if (host.getType<string>() !== 'http') throw exception;
    const http = host.switchToHttp();
    const { status, headers, body } =
      exception instanceof RecentSignInException
        ? exception.answer
        : buildAnswer(exception.verdict, rawRequestOf(http.getRequest<PlatformRequest>()).headers.accept);
    const response = http.getResponse<PlatformResponse>();
    if ('writeHead' in response) {
      // Express's own way to send would compute an ETag, and the lock keep it off.
      response.writeHead(status, headers);
      response.end(body);
      return;
    }
    const adapter = this.host.httpAdapter;
    adapter.setHeader(response, 'Content-Type', headers['content-type'] ?? 'text/plain');
    adapter.reply(response, body, status);
  }
}

/** The key under which Nest keeps what `@UseFilters()` binds. */
const FILTERS = '__exceptionFilters__';

/** Returns the filters that are bound to a handler or a class. */
export function boundFilters(target: object): readonly unknown[] {
  const bound: unknown = Reflect.getMetadata(FILTERS, target);
  return Array.isArray(bound) ? bound : [];
}

/**
 * Fails the boot of an application that marks handlers and enforces nothing. Asked in `onModuleInit`, so that a unit
 * test which only compiles a marked controller still works.
 *
 * @throws Error that names the fix, where `SecureModule` provides no enforcer.
 */
export function assertModuleImported(enforcer: unknown): void {
  if (enforcer !== undefined) return;
  throw new Error(
    'A handler is marked with @SecureRequired(), but SecureModule is not imported, so it would run over plain HTTP. ' +
      'Add SecureModule.forRoot() to the imports of your root module. ' +
      'In a test of one controller, write switchOffSecure(Test.createTestingModule({ imports: [SecureModule.forRoot()], controllers: [...] })), ' +
      'with switchOffSecure of nestjs-secure/testing.',
  );
}
