import { Controller, Get, Inject, Req } from '@nestjs/common';
import { SecureAudit } from 'nestjs-secure';
import { html } from '../site/html.js';
import { Layout, Page } from '../site/layout.js';
import type { SiteRequest } from '../site/site-request.js';

/** Carries no mark: `paths: ['/admin']` in the module requires https of it, as the article's web server does. */
@Controller('admin')
export class AdminController {
  constructor(
    @Inject(SecureAudit) private readonly audit: SecureAudit,
    @Inject(Layout) private readonly layout: Layout,
  ) {}

  @Get()
  @Page()
  showOffice(@Req() request: SiteRequest): string {
    return this.layout.page(request, {
      title: 'The office',
      here: 'Office',
      body: html`<p>What each route of this site asks for, and who said so.</p>
        <div class="scroll" role="region" aria-label="Routes" tabindex="0">
          <table>
            <thead>
              <tr>
                <th scope="col">Method</th>
                <th scope="col">Path</th>
                <th scope="col">Requirement</th>
                <th scope="col">Said by</th>
              </tr>
            </thead>
            <tbody>
              ${this.audit.routes().map(
                ({ method, path, requirement }) =>
                  html`<tr>
                    <td>${method}</td>
                    <td><code>${path}</code></td>
                    <td>${requirement.level}</td>
                    <td>${requirement.by}</td>
                  </tr>`,
              )}
            </tbody>
          </table>
        </div>`,
    });
  }
}
