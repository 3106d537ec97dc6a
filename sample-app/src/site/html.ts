const ESCAPED: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Markup that is safe to send: written by this site, with everything put into it escaped. */
export class Html {
  constructor(private readonly markup: string) {}

  toString(): string {
    return this.markup;
  }
}

/** What may be put into a template. `undefined` and `false` put in nothing. */
export type Content = Html | string | number | false | undefined | readonly Content[];

/**
 * A template tag: what is put in comes out escaped, unless it is `Html` already.
 *
 * **Security:** only for text and for attribute values in quotes; not inside `<script>` or `<style>`.
 */
export function html(pieces: TemplateStringsArray, ...contents: Content[]): Html {
  return new Html(pieces.map((piece, index) => piece + markupOf(contents[index])).join(''));
}

function markupOf(content: Content): string {
  if (content === undefined || content === false) return '';
  if (content instanceof Html) return content.toString();
  if (typeof content === 'string' || typeof content === 'number') return escape(String(content));
  return content.map(markupOf).join('');
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPED[character] ?? '');
}
