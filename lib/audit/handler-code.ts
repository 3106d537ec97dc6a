import {
  childNodes,
  isNode,
  nodeAt,
  nodesAt,
  parseCode,
  propertyName,
  stringIn,
  templateTexts,
  type SyntaxNode,
} from './parse-code.js';

/** Where a value of a request comes from. */
export type Incoming = 'body' | 'query' | 'path' | 'headers' | 'cookie' | 'arguments';

/** What a name in the code of a handler stands for. */
export type Origin = Incoming | 'request' | 'response' | 'session' | 'context';

/** A name that code reads from what came in. */
export interface Read {
  readonly from: Incoming;
  readonly name: string;
  /** `body.name`; false for `pick(body, 'name')`, where the function decides what the name is for. */
  readonly direct: boolean;
}

/** What the code of a handler does with its request and its response, as far as its text shows. */
export interface CodeFacts {
  readonly reads: readonly Read[];
  /** The members of the request through which it uses the session: `session`, `logIn`. */
  readonly session: readonly string[];
  /** How it sets a cookie: `cookie`, `Set-Cookie`. */
  readonly cookies: readonly string[];
  readonly takesFile: boolean;
  /** It has the text of a page with a field for a password. */
  readonly asksForPassword: boolean;
  /** The calls of `this.<member>.<method>(…)`, by method. */
  readonly calls: readonly string[];
}

const NOTHING: CodeFacts = { reads: [], session: [], cookies: [], takesFile: false, asksForPassword: false, calls: [] };

/** What the members of a request are, in both frameworks. */
const OF_REQUEST: ReadonlyMap<string, Origin> = new Map([
  ['body', 'body'],
  ['rawBody', 'body'],
  ['query', 'query'],
  ['params', 'path'],
  ['headers', 'headers'],
  ['cookies', 'cookie'],
  ['signedCookies', 'cookie'],
  ['session', 'session'],
  ['raw', 'request'],
  ['req', 'request'],
  ['res', 'response'],
]);
const OF_RESPONSE: ReadonlyMap<string, Origin> = new Map([
  ['raw', 'response'],
  ['res', 'response'],
  ['req', 'request'],
  ['request', 'request'],
]);

/** What the context of a GraphQL operation has, as drivers and their recipes name it. */
const OF_CONTEXT: ReadonlyMap<string, Origin> = new Map([
  ['req', 'request'],
  ['request', 'request'],
  ['res', 'response'],
  ['response', 'response'],
  ['reply', 'response'],
]);

const OF_PASSPORT = new Set(['logIn', 'login', 'logOut', 'logout', 'isAuthenticated']);
const FILES = new Set(['file', 'files', 'parts', 'saveRequestFiles']);
const SETS_HEADER = new Set(['header', 'set', 'setHeader', 'append', 'appendHeader', 'writeHead']);
const READS = new Set(['get', 'getAll', 'header']);

/** Calls that give back what they are given: a schema that checks it, a class that it becomes. */
const GIVES_BACK =
  /^(?:parse|safeParse|parseAsync|safeParseAsync|validate|validateSync|cast|assert|plainToInstance|plainToClass|freeze|structuredClone)$/;

/** Calls that only look at a text. */
const LOOKS_AT = /^(?:replace|replaceAll|includes|indexOf|match|matchAll|test|exec|search|split|startsWith|endsWith)$/;

const PASSWORD_FIELD = /<input\b[^>]*\btype\s*=\s*\\?["']?password\b/i;

const NOT_INCOMING: ReadonlySet<Origin> = new Set(['request', 'response', 'session', 'context']);

/** Of its own class, so many methods deep. */
const DEEPEST = 2;

/**
 * Reads the code of a handler. `parameters` says what its parameters stand for, by index; `methodOf` finds another method
 * of its class, which it may call. Nothing of the application is run.
 */
export function readCode(
  method: unknown,
  parameters: readonly (Origin | undefined)[],
  methodOf: (name: string) => unknown = () => undefined,
): CodeFacts {
  const found = new Reader(methodOf);
  found.method(method, parameters, 0);
  return found.facts();
}

/** What the variables in sight stand for. */
type Scope = Map<string, Origin>;

class Reader {
  private readonly reads: Read[] = [];
  private readonly session = new Set<string>();
  private readonly cookies = new Set<string>();
  private readonly calls = new Set<string>();
  private readonly visited = new Set<unknown>();
  private takesFile = false;
  private asksForPassword = false;
  private depth = 0;

  constructor(private readonly methodOf: (name: string) => unknown) {}

  facts(): CodeFacts {
    const { reads, session, cookies, calls, takesFile, asksForPassword } = this;
    return {
      ...NOTHING,
      reads,
      takesFile,
      asksForPassword,
      session: [...session],
      cookies: [...cookies],
      calls: [...calls],
    };
  }

  method(method: unknown, parameters: readonly (Origin | undefined)[], depth: number): void {
    if (this.visited.has(method) || depth > DEEPEST) return;
    this.visited.add(method);
    const code = parseCode(method);
    if (code === undefined) return;
    const scope: Scope = new Map();
    nodesAt(code, 'params').forEach((parameter, index) => this.bind(parameter, parameters[index], scope));
    const body = nodeAt(code, 'body');
    const outer = this.depth;
    this.depth = depth;
    if (body !== undefined) this.walk(body, scope);
    this.depth = outer;
  }

  /** Gives the names of a pattern what they stand for, and notes what it takes out of what came in. */
  private bind(pattern: SyntaxNode | undefined, origin: Origin | undefined, scope: Scope): void {
    if (pattern === undefined) return;
    if (pattern.type === 'Identifier') {
      const name = String(pattern['name']);
      if (origin === undefined) scope.delete(name);
      else scope.set(name, origin);
    } else if (pattern.type === 'AssignmentPattern') {
      this.bind(nodeAt(pattern, 'left'), origin, scope);
    } else if (pattern.type === 'RestElement') {
      this.bind(nodeAt(pattern, 'argument'), origin, scope);
    } else if (pattern.type === 'ObjectPattern') {
      for (const property of nodesAt(pattern, 'properties')) {
        if (property.type === 'RestElement') this.bind(property, origin, scope);
        else this.bind(nodeAt(property, 'value'), this.take(origin, propertyName(property, 'key')), scope);
      }
    } else {
      for (const element of nodesAt(pattern, 'elements')) this.bind(element, undefined, scope);
    }
  }

  /** What a member stands for, noted as a read or a use of the session. */
  private take(origin: Origin | undefined, name: string | undefined): Origin | undefined {
    if (origin === undefined || name === undefined) return isIncoming(origin) ? origin : undefined;
    if (origin === 'request' && (name === 'session' || OF_PASSPORT.has(name))) this.session.add(name);
    if (isIncoming(origin)) this.reads.push({ from: origin, name, direct: true });
    return memberOf(origin, name);
  }

  private walk(node: SyntaxNode, scope: Scope): void {
    switch (node.type) {
      case 'VariableDeclarator': {
        const init = nodeAt(node, 'init');
        if (init !== undefined) this.walk(init, scope);
        this.bind(nodeAt(node, 'id'), init === undefined ? undefined : originOf(init, scope), scope);
        return;
      }
      case 'AssignmentExpression':
        return this.assignment(node, scope);
      case 'UnaryExpression':
        // What is deleted is not read.
        if (node['operator'] === 'delete') return this.written(nodeAt(node, 'argument'), scope);
        break;
      case 'MemberExpression':
        this.member(node, scope);
        break;
      case 'CallExpression':
        return this.call(node, scope);
      case 'FunctionExpression':
      case 'FunctionDeclaration':
      case 'ArrowFunctionExpression': {
        const inner: Scope = new Map(scope);
        for (const parameter of nodesAt(node, 'params')) this.bind(parameter, undefined, inner);
        const body = nodeAt(node, 'body');
        if (body !== undefined) this.walk(body, inner);
        return;
      }
      case 'BinaryExpression':
        // A text that is compared is no page.
        for (const side of childNodes(node)) if (textIn(side) === undefined) this.walk(side, scope);
        return;
      case 'Literal':
      case 'TemplateLiteral':
        if (PASSWORD_FIELD.test(textIn(node) ?? '')) this.asksForPassword = true;
        break;
      default:
    }
    for (const child of childNodes(node)) this.walk(child, scope);
  }

  private assignment(node: SyntaxNode, scope: Scope): void {
    const [left, right] = [nodeAt(node, 'left'), nodeAt(node, 'right')];
    if (right !== undefined) this.walk(right, scope);
    if (left?.type === 'MemberExpression') return this.written(left, scope);
    this.bind(left, right === undefined ? undefined : originOf(right, scope), scope);
  }

  /** The target of a write: its object is read, its last name is not; the session of a request is used all the same. */
  private written(target: SyntaxNode | undefined, scope: Scope): void {
    if (target === undefined) return;
    const object = nodeAt(target, 'object');
    if (object === undefined) return;
    const name = propertyName(target, 'property');
    if (originOf(object, scope) === 'request' && name === 'session') this.session.add(name);
    this.walk(object, scope);
  }

  private member(node: SyntaxNode, scope: Scope): void {
    const object = nodeAt(node, 'object');
    if (object !== undefined) this.take(originOf(object, scope), propertyName(node, 'property'));
  }

  private call(node: SyntaxNode, scope: Scope): void {
    const callee = unwrapped(nodeAt(node, 'callee'));
    const given = nodesAt(node, 'arguments');
    const object = callee === undefined ? undefined : nodeAt(callee, 'object');
    const name = calleeName(callee);
    const origin = object === undefined ? undefined : originOf(object, scope);
    if (object !== undefined) this.walk(object, scope);
    else if (callee !== undefined) this.walk(callee, scope);
    if (name !== undefined) this.called(name, origin, object, given, scope);
    const looksAt = name !== undefined && LOOKS_AT.test(name);
    for (const argument of given) if (!looksAt || textIn(argument) === undefined) this.walk(argument, scope);
  }

  private called(
    name: string,
    origin: Origin | undefined,
    object: SyntaxNode | undefined,
    given: readonly SyntaxNode[],
    scope: Scope,
  ): void {
    const [first] = given;
    const text = stringIn(first);
    if (origin === 'request') {
      if (OF_PASSPORT.has(name)) this.session.add(name);
      if (FILES.has(name)) this.takesFile = true;
      if (READS.has(name) && text !== undefined) this.reads.push({ from: 'headers', name: text, direct: true });
      return;
    }
    if (origin === 'response') {
      if (name === 'cookie' || name === 'setCookie') this.cookies.add(name);
      if (SETS_HEADER.has(name)) this.header(given);
      return;
    }
    if (isIncoming(origin)) {
      if (READS.has(name) && text !== undefined) this.reads.push({ from: origin, name: text, direct: true });
      return;
    }
    if (object?.type === 'ThisExpression') {
      this.method(
        this.methodOf(name),
        given.map((argument) => originOf(argument, scope)),
        this.depth + 1,
      );
    }
    if (object?.type === 'MemberExpression' || object?.type === 'Identifier') this.calls.add(name);
    const from = given.map((argument) => originOf(argument, scope)).find(isIncoming);
    if (from === undefined) return;
    for (const named of given.flatMap(namesIn)) this.reads.push({ from, name: named, direct: false });
  }

  private header(given: readonly SyntaxNode[]): void {
    const names = given.flatMap((argument) =>
      argument.type === 'ObjectExpression'
        ? nodesAt(argument, 'properties').map((property) => propertyName(property, 'key'))
        : [stringIn(argument)],
    );
    const name = names.find((one) => one?.toLowerCase() === 'set-cookie');
    if (name !== undefined) this.cookies.add(name);
  }
}

/** What a member of something is; undefined where it is of no interest. */
export function memberOf(origin: Origin, name: string): Origin | undefined {
  if (origin === 'request') return OF_REQUEST.get(name);
  if (origin === 'response') return OF_RESPONSE.get(name);
  if (origin === 'context') return OF_CONTEXT.get(name);
  return origin;
}

/** What an expression stands for. */
function originOf(node: SyntaxNode, scope: Scope): Origin | undefined {
  const of = (key: string): Origin | undefined => {
    const inner = nodeAt(node, key);
    return inner === undefined ? undefined : originOf(inner, scope);
  };
  switch (node.type) {
    case 'Identifier':
      return scope.get(String(node['name']));
    case 'MemberExpression': {
      const origin = of('object');
      const name = propertyName(node, 'property');
      if (origin === undefined) return undefined;
      return name === undefined ? (isIncoming(origin) ? origin : undefined) : memberOf(origin, name);
    }
    case 'ChainExpression':
    case 'ParenthesizedExpression':
      return of('expression');
    case 'AwaitExpression':
      return of('argument');
    case 'AssignmentExpression':
      return of('right');
    case 'LogicalExpression':
      return of('left') ?? of('right');
    case 'ConditionalExpression':
      return of('consequent') ?? of('alternate');
    case 'ObjectExpression': {
      const spread = nodesAt(node, 'properties').find(({ type }) => type === 'SpreadElement');
      const argument = spread === undefined ? undefined : nodeAt(spread, 'argument');
      return argument === undefined ? undefined : originOf(argument, scope);
    }
    case 'CallExpression': {
      const callee = unwrapped(nodeAt(node, 'callee'));
      const name = calleeName(callee);
      if (name === undefined || !GIVES_BACK.test(name)) return undefined;
      return nodesAt(node, 'arguments')
        .map((argument) => originOf(argument, scope))
        .find(isIncoming);
    }
    default:
      return undefined;
  }
}

function isIncoming(origin: Origin | undefined): origin is Incoming {
  return origin !== undefined && !NOT_INCOMING.has(origin);
}

/** The names that a call is given as text, alone or in a list. */
function namesIn(argument: SyntaxNode): readonly string[] {
  const all = argument.type === 'ArrayExpression' ? nodesAt(argument, 'elements') : [argument];
  return all.map(stringIn).filter((name): name is string => name !== undefined && /^[\w-]+$/.test(name));
}

function textIn(node: SyntaxNode): string | undefined {
  return node.type === 'TemplateLiteral' ? templateTexts(node).join(' ') : stringIn(node);
}

/** What stands inside of parentheses and optional chains. */
function unwrapped(node: SyntaxNode | undefined): SyntaxNode | undefined {
  const inner = node === undefined ? undefined : nodeAt(node, 'expression');
  return isNode(inner) && (node?.type === 'ChainExpression' || node?.type === 'ParenthesizedExpression')
    ? unwrapped(inner)
    : node;
}

/** The name that a call is made by: of a function, or of the method. */
function calleeName(callee: SyntaxNode | undefined): string | undefined {
  if (callee === undefined) return undefined;
  return callee.type === 'Identifier' ? String(callee['name']) : propertyName(callee, 'property');
}
