import { parse } from 'acorn';

/** A node of a syntax tree (ESTree), as far as it is looked at here. */
export interface SyntaxNode {
  readonly type: string;
  readonly [key: string]: unknown;
}

/**
 * Parses the text of a method, a function or a class. Undefined for what has no text, such as a bound function, and for
 * what does not parse. Nothing of the application is run.
 */
export function parseCode(value: unknown): SyntaxNode | undefined {
  if (typeof value !== 'function') return undefined;
  const text = Function.prototype.toString.call(value);
  // A method has its text without `function`: it parses inside of a class only.
  return parsed(`(${text})`, ['expression']) ?? parsed(`(class extends Object { ${text} })`, METHOD);
}

const METHOD = ['expression', 'body', 'body', '0', 'value'];

function parsed(text: string, way: readonly string[]): SyntaxNode | undefined {
  try {
    const program = parse(text, { ecmaVersion: 'latest', checkPrivateFields: false });
    let at: unknown = program.body[0];
    for (const key of way) at = Reflect.get(Object(at), key);
    return isNode(at) ? at : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value is a node of a syntax tree. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

/** The nodes directly below a node. */
export function childNodes(node: SyntaxNode): readonly SyntaxNode[] {
  return Object.values(node).flat().filter(isNode);
}

/** The node under a key; undefined where there is none. */
export function nodeAt(node: SyntaxNode, key: string): SyntaxNode | undefined {
  const value = node[key];
  return isNode(value) ? value : undefined;
}

/** The nodes under a key that holds a list. */
export function nodesAt(node: SyntaxNode, key: string): readonly SyntaxNode[] {
  const value = node[key];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The text of a string, or of a template without values; undefined for anything else. */
export function stringIn(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === 'Literal') return typeof node['value'] === 'string' ? node['value'] : undefined;
  if (node?.type !== 'TemplateLiteral' || nodesAt(node, 'expressions').length > 0) return undefined;
  return templateTexts(node).join('');
}

/** The texts of a template, between its values. */
export function templateTexts(node: SyntaxNode): readonly string[] {
  return nodesAt(node, 'quasis').map((part) => String(Reflect.get(Object(part['value']), 'cooked') ?? ''));
}

/** The name of a property: of `a.name`, `a['name']`, `{ name: … }`; undefined where it is computed. */
export function propertyName(node: SyntaxNode, key: 'property' | 'key'): string | undefined {
  const name = nodeAt(node, key);
  if (name === undefined) return undefined;
  if (node['computed'] !== true && name.type === 'Identifier') return String(name['name']);
  return stringIn(name);
}
