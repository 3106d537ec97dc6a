import { createRequire } from 'node:module';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';

const root = process.cwd();
/** Outside of spec, whose tsconfig would see it. */
const folder = join(root, 'spec/.session-types');
const major = String(createRequire(import.meta.url)('@nestjs/common/package.json').version).split('.')[0];

/** A module format, an adapter, whether @types/express-session is installed, and skipLibCheck. */
type Project = readonly [format: string, adapter: string, beside: boolean, skipLibCheck: boolean];

const projects: Project[] = ['commonjs', 'module'].flatMap((format) =>
  ['express', 'fastify'].flatMap((adapter) =>
    [false, true].flatMap((beside) =>
      [true, false].map((skipLibCheck): Project => [format, adapter, beside, skipLibCheck]),
    ),
  ),
);

/** Where the types of express-session do not win, which ask for callbacks. */
const AS_PROMISES = `
    void Promise.all([session.save(), session.regenerate(), session.destroy(), session.reload()]);
`;

/** The methods of @fastify/session and @fastify/secure-session, which work as before. */
const FASTIFY_METHODS = `
    const cart: string[] = session.get('cart') ?? [];
    session.set('cart', [...cart, session.data().userId ?? 'nobody']);
    session.options({ maxAge: 60_000 });
    session.delete();
    void session.regenerate(['cart']).then(() => undefined);
    // @ts-expect-error -- SessionData declares the cart as a list
    session.set('cart', 7);
    // @ts-expect-error -- SessionData has no key of this name
    session.get('kart');
`;

/** What docs/sessions.md says of types, and what must not compile. */
function sourceFor([, adapter, beside]: Project): string {
  const [from, request] = adapter === 'express' ? ['express', 'Request'] : ['fastify', 'FastifyRequest'];
  return `
import { Controller, Get, Inject, Module, Post, Req, Session } from '@nestjs/common';
import type { ${request} } from '${from}';
import { SecureModule, SecureRequired, SecureSessions, Store, type SessionData, type SessionFace, type SessionStore } from 'nestjs-secure';
${adapter === 'fastify' ? "import type {} from 'nestjs-secure/fastify';" : ''}
${beside ? "import type {} from 'nestjs-secure/express-session';" : ''}
${beside ? "import connectPgSimple from 'connect-pg-simple';" : ''}

declare module 'nestjs-secure' {
  interface SessionData {
    userId: string;
    cart: string[];
  }
}

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Get()
  show(@Req() request: ${request}): string[] {
    const { session } = request;
    session.cart = ['tea'];
    session.cookie.maxAge = 60_000;
    session.save(() => undefined);
    session.regenerate((error?: unknown) => void error);
    session.destroy(() => undefined);
    session.reload(() => undefined);
    session.touch();
${adapter === 'express' && beside ? '' : AS_PROMISES}
${adapter === 'fastify' ? FASTIFY_METHODS : ''}
    // @ts-expect-error -- SessionData declares userId as a string
    session.userId = 7;
    // @ts-expect-error -- SessionData has no key of this name
    session.kart;
    return [session.id, request.sessionID, session.userId ?? 'nobody', ...(session.cart ?? [])];
  }

  @Get('session')
  read(@Session() session: SessionFace & Partial<SessionData>): string | undefined {
    return session.userId;
  }

  @Post()
  async signIn(@Req() request: ${request}): Promise<string[] | undefined> {
    await this.sessions.signIn(request, 'ada', { cart: ['tea'], other: true }, { idleTimeout: '30d', persistent: true });
    // @ts-expect-error -- SessionData declares the cart as a list
    await this.sessions.signIn(request, 'ada', { cart: 7 });
    const [first] = await this.sessions.list('ada');
    return first?.data.cart;
  }
}

${beside ? "const PgStore = connectPgSimple({ Store } as never);\nconst store: SessionStore = new PgStore({ conString: 'postgres://', createTableIfMissing: true });" : 'class Mine extends Store {}\nnew Mine().on("connect", () => undefined);'}

@Module({
  imports: [SecureModule.forRoot({ session: { secret: process.env['SESSION_SECRET']${beside ? ', store' : ''} } })],
  controllers: [AccountController],
})
export class AppModule {}
`;
}

/** Emits the declarations of the package, as a project has them in its node_modules. */
function installPackage(): void {
  const config = ts.getParsedCommandLineOfConfigFile(
    join(root, 'tsconfig.build.json'),
    { noEmit: false, emitDeclarationOnly: true },
    { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
  );
  if (config === undefined) throw new Error('tsconfig.build.json cannot be read.');
  const target = join(folder, 'node_modules/nestjs-secure');
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  write(join(target, 'package.json'), JSON.stringify(manifest));
  write(join(target, 'dist/cjs/package.json'), '{ "type": "commonjs" }');
  const program = ts.createProgram(config.fileNames, config.options);
  program.emit(undefined, (name, text) => {
    const path = relative(join(root, 'dist/esm'), resolve(name));
    for (const format of ['esm', 'cjs']) write(join(target, 'dist', format, path), text);
  });
}

/** What all projects import is read once. */
const files = new Map<string, ts.SourceFile | undefined>();

function diagnose(project: Project, source = sourceFor(project)): string[] {
  const [format, adapter, beside, skipLibCheck] = project;
  const directory = join(folder, project.join('-'));
  write(join(directory, 'package.json'), JSON.stringify({ type: format }));
  const main = join(directory, 'src/main.ts');
  write(main, source);
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    skipLibCheck,
    esModuleInterop: true,
    experimentalDecorators: true,
    emitDecoratorMetadata: true,
    types: ['node', ...(beside ? ['express-session'] : [])],
    typeRoots: [join(root, 'node_modules/@types')],
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, version, ...rest) => {
    if (name === main) return getSourceFile(name, version, ...rest);
    const key = `${name} ${typeof version === 'object' ? version.impliedNodeFormat : version}`;
    if (!files.has(key)) files.set(key, getSourceFile(name, version, ...rest));
    return files.get(key);
  };
  return ts.getPreEmitDiagnostics(ts.createProgram([main], options, host)).map(({ file, messageText }) => {
    const where = file === undefined ? '' : relative(root, file.fileName);
    return `${adapter}: ${where}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  installPackage();
}, 120_000);

it.each(projects)(
  `Nest ${major}, a %s project on %s, with @types/express-session: %s, skipLibCheck: %s, compiles the documented lines`,
  (...project) => {
    expect(diagnose(project)).toEqual([]);
  },
  120_000,
);

it.each<[line: string, project: Project, says: RegExp]>([
  [
    "import type {} from 'nestjs-secure/express-session';",
    ['module', 'express', true, true],
    /express: .*'(?:userId|cart)' does not exist/,
  ],
  [
    "import type {} from 'nestjs-secure/fastify';",
    ['module', 'fastify', false, true],
    /fastify: .*'session' does not exist/,
  ],
])('without the line %s it does not compile', (line, project, says) => {
  expect(diagnose(project, sourceFor(project).replace(line, ''))).toContainEqual(expect.stringMatching(says));
});
