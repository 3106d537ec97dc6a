import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const TAGS = new Set(['throws', 'param', 'returns', 'example', 'deprecated', 'internal', 'typeParam', 'experimental']);

interface Tag {
  readonly where: string;
  readonly name: string;
  readonly text: string;
}

const comments: string[] = [];
const tags = sourcesIn('lib').flatMap(tagsIn);
const examples = tags.filter(({ name }) => name === 'example');

// An editor takes a decorator at the start of a line for a tag of its own: the example would end there.
describe('what an editor shows', () => {
  it('has no tag but those of comments: the decorators of an example are a part of it', () => {
    expect(tags.filter(({ name }) => !TAGS.has(name))).toEqual([]);
    expect(tags.length).toBeGreaterThan(100);
  });

  it.each(examples.map(({ where, text }) => [where, text]))('has the whole example of %s', (_where, text) => {
    expect(text).toMatch(/^```ts\n[\s\S]+\n```$|^(?!```)[\s\S]+[^`]$/);
  });

  it.each(['forRoot', 'forRootAsync', 'listenSecurely'])('has an example of %s', (name) => {
    expect(examples.map(({ where }) => where)).toContainEqual(expect.stringMatching(`${name}$`));
  });

  it.each(['SecureRequired', 'SecureExempt'])('says where @%s() is written', (name) => {
    const whole = new RegExp(
      `Write .@${name}\\(\\). beside .@Get\\('\\w+'\\)., or above .@Controller\\('\\w+'\\). for all`,
    );
    expect(comments.filter((text) => whole.test(text))).toHaveLength(1);
  });
});

function sourcesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function tagsIn(file: string): Tag[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  const found: Tag[] = [];
  function visit(node: ts.Node): void {
    const where = `${file} ${nameOf(node) ?? ''}`.trim();
    for (const comment of ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc)) {
      comments.push(ts.getTextOfJSDocComment(comment.comment) ?? '');
      for (const { tagName, comment: text } of comment.tags ?? []) {
        found.push({ where, name: tagName.text, text: ts.getTextOfJSDocComment(text) ?? '' });
      }
    }
    ts.forEachChild(node, visit);
  }
  visit(source);
  return found;
}

function nameOf(node: ts.Node): string | undefined {
  const isNamed = ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node) || ts.isMethodDeclaration(node);
  return isNamed ? node.name?.getText() : undefined;
}
