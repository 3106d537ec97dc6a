import { Catch, Inject, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { html } from './html.js';
import { Layout } from './layout.js';
import type { SiteRequest } from './site-request.js';

/** A page for what is not there, where a page is asked for; else the usual JSON. */
@Catch(NotFoundException)
export class NotFoundFilter implements ExceptionFilter<NotFoundException> {
  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(Layout) private readonly layout: Layout,
  ) {}

  catch(exception: NotFoundException, host: ArgumentsHost): void {
    const { httpAdapter } = this.adapterHost;
    const http = host.switchToHttp();
    const request = http.getRequest<SiteRequest & { headers: { accept?: string } }>();
    const wantsPage = request.headers.accept?.includes('text/html') ?? false;
    httpAdapter.setHeader(
      http.getResponse(),
      'Content-Type',
      wantsPage ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8',
    );
    const body = wantsPage ? this.page(request) : exception.getResponse();
    httpAdapter.reply(http.getResponse(), body, exception.getStatus());
  }

  private page(request: SiteRequest): string {
    return this.layout.page(request, {
      title: 'No light here',
      body: html`<p>There is no page at this address. The navigation above leads to those there are.</p>`,
    });
  }
}
