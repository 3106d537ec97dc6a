import { Catch, Inject, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SecureUrls } from 'nestjs-secure';
import { AccountsController } from './accounts.controller.js';
import { NotSignedInException } from './signed-in.guard.js';

/** Leads to the login, and from there back to the page that was asked for. What was posted is not kept. */
@Catch(NotSignedInException)
export class NotSignedInFilter implements ExceptionFilter<NotSignedInException> {
  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(SecureUrls) private readonly urls: SecureUrls,
  ) {}

  catch(_exception: NotSignedInException, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<{ method: string; originalUrl: string }>();
    const login = new URL(this.urls.urlFor(AccountsController, 'showLogin', {}, request));
    if (request.method === 'GET') login.searchParams.set('next', request.originalUrl);
    this.adapterHost.httpAdapter.redirect(http.getResponse(), 303, login.href);
  }
}
