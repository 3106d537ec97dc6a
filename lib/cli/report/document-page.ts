import { createHash } from 'node:crypto';
import { Html, html } from './html.js';
import { STYLE } from './style.js';

/** A page of a report. */
interface DocumentPage {
  readonly name: string;
  readonly command: 'audit' | 'probe';
  /** Undefined: none. */
  readonly script?: string;
  readonly content: Html;
}

/** A whole page that needs nothing else; its policy lets in one style and one script, by their hashes. */
export function documentPage({ name, command, script, content }: DocumentPage): string {
  const policy = [
    "default-src 'none'",
    `style-src ${hashOf(STYLE)}`,
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${new Html(policy)}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${name}: nestjs-secure ${command}</title>
        ${new Html(`<style>${STYLE}</style>`)}
      </head>
      <body>
        ${content} ${script === undefined ? undefined : new Html(`<script>${script}</script>`)}
      </body>
    </html> `.text;
}

/** What a Content-Security-Policy calls an inline element by (CSP 3, 2.3.1). */
function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
