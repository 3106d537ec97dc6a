// Writes the tables of docs/options.md from the types of the options: npm run options. A spec demands that they agree.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const PAGE = `${root}docs/options.md`;
const SOURCES = [
  'options/secure-options.ts',
  'options/session-options.ts',
  'session/secure-sessions.ts',
  'server/listen-securely.ts',
  'server/redirect-server.ts',
];
/** The interface of each table. */
const TABLES = [
  'SecureOptions',
  'SecureRequiredOptions',
  'SignInOptions',
  'ListenSecurelyOptions',
  'RedirectServerOptions',
];

interface Row {
  readonly option: string;
  readonly type: string;
  readonly unit: string;
  readonly default: string;
  readonly about: string;
}

const interfaces = new Map<string, ts.InterfaceDeclaration>();
const aliases = new Map<string, string>();
for (const name of SOURCES) {
  const source = ts.createSourceFile(name, readFileSync(`${root}lib/${name}`, 'utf8'), ts.ScriptTarget.Latest, true);
  source.forEachChild((node) => {
    if (ts.isInterfaceDeclaration(node)) interfaces.set(node.name.text, node);
    if (ts.isTypeAliasDeclaration(node)) aliases.set(node.name.text, node.type.getText());
  });
}

/** The members of a type that is, or names, one of our interfaces; of a list, those of its entries. */
function findMembers(type: ts.TypeNode): { members: ts.NodeArray<ts.TypeElement>; list: boolean } | undefined {
  if (ts.isTypeLiteralNode(type)) return { members: type.members, list: false };
  if (ts.isParenthesizedTypeNode(type) || ts.isTypeOperatorNode(type)) return findMembers(type.type);
  if (ts.isArrayTypeNode(type)) {
    const found = findMembers(type.elementType);
    return found && { ...found, list: true };
  }
  if (ts.isUnionTypeNode(type)) return type.types.map(findMembers).find((found) => found !== undefined);
  if (ts.isTypeReferenceNode(type) && ts.isIdentifier(type.typeName)) {
    if (type.typeName.text === 'SessionStore' || type.typeName.text === 'Record') return undefined;
    const named = interfaces.get(type.typeName.text);
    return named && { members: named.members, list: false };
  }
  return undefined;
}

/** The doc comment as one line, without its tags. */
function readComment(member: ts.TypeElement): string {
  const comment = ts.getJSDocCommentsAndTags(member).find((node) => ts.isJSDoc(node));
  const lines = (comment?.getText() ?? '').replace(/^\/\*\*|\*\/$/g, '').split('\n');
  const text = lines.map((line) => line.replace(/^\s*\* ?/, '').trim());
  const end = text.findIndex((line) => /^@[a-z]/.test(line));
  return text
    .slice(0, end === -1 ? undefined : end)
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function describe(member: ts.TypeElement): Pick<Row, 'default' | 'about'> {
  const sentences = readComment(member).split(/(?<=[.:)])\s+(?=[A-Z`*'(])/);
  const stated = sentences.find((sentence) => /^Default\b/.test(sentence)) ?? '';
  const rest = sentences.filter((sentence) => sentence !== stated);
  const [, first, why] = /^Default (`[^`]+`): (.+)$/.exec(stated) ?? [];
  if (first !== undefined && why !== undefined) {
    return { default: first, about: [why.charAt(0).toUpperCase() + why.slice(1), ...rest].join(' ') };
  }
  const about = rest.join(' ');
  const [, inText = ''] = /(`[^`]+`) \(default\)/.exec(about) ?? [];
  const [, short = inText] = /^Default:? (?:is )?(.*?)\.?$/.exec(stated) ?? [];
  return { default: short, about };
}

/** In which unit a number is given. */
function findUnit(type: string, about: string): string {
  if (/\bDuration\b/.test(type)) return "milliseconds, or a string such as `'30m'`";
  if (/^Seconds\b/.test(about)) return 'seconds';
  return '';
}

/** The type as it is written; a name of ours for a few literals is replaced by them. */
function writeType(type: ts.TypeNode): string {
  const written = type
    .getText()
    .replaceAll(/\/\*\*.*?\*\/|\s+/g, ' ')
    .replaceAll('readonly ', '')
    .replaceAll(/ +/g, ' ');
  return written.replaceAll(/\b[A-Z]\w+\b/g, (name) => aliases.get(name) ?? name);
}

function listRows(members: ts.NodeArray<ts.TypeElement>, prefix: string): Row[] {
  return members.flatMap((member) => {
    const name = prefix + (member.name?.getText() ?? '');
    const { default: preset, about } = describe(member);
    if (ts.isMethodSignature(member)) {
      const parameters = member.parameters.map((one) => one.getText()).join(', ');
      return [
        {
          option: name,
          type: `(${parameters}) => ${member.type?.getText() ?? 'void'}`,
          unit: '',
          default: preset,
          about,
        },
      ];
    }
    if (!ts.isPropertySignature(member) || member.type === undefined) return [];
    const type = writeType(member.type);
    const row = { option: name, type, unit: findUnit(type, about), default: preset, about };
    const found = findMembers(member.type);
    if (found === undefined) return [row];
    const container = about === '' && preset === '' ? [] : [row];
    return [...container, ...listRows(found.members, `${name}${found.list ? '[]' : ''}.`)];
  });
}

const cell = (text: string): string => text.replaceAll('|', '\\|');
const code = (text: string): string => (text === '' ? '' : `\`${cell(text)}\``);
const preset = (text: string): string =>
  /^(?:'.*'|\d[\d_]*|true|false|\[\]|\{.*\})$/.test(text) ? code(text) : cell(text);

function writeTable(name: string): string {
  const found = interfaces.get(name);
  if (found === undefined) throw new Error(`There is no interface ${name}.`);
  const rows = listRows(found.members, '').map(
    (row) => `| ${code(row.option)} | ${code(row.type)} | ${row.unit} | ${preset(row.default)} | ${cell(row.about)} |`,
  );
  return ['| option | type | unit | default | what it does |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

/** Returns the page with the tables as the types have them. */
export function writeOptionsPage(page: string): string {
  return TABLES.reduce(
    (text, name) =>
      text.replace(
        new RegExp(`(<!-- ${name} -->\n)[^]*?(\n<!-- end -->)`),
        (_whole, before: string, after: string) => `${before}\n${writeTable(name)}\n${after}`,
      ),
    page,
  );
}

if (process.argv.includes('--write')) writeFileSync(PAGE, writeOptionsPage(readFileSync(PAGE, 'utf8')));
