import { jest } from '@jest/globals';
import { transformSync } from '@swc/core';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import type { AuditReport } from '../../lib/cli/audit-report.js';
import { Cli } from '../support/cli-process.js';

jest.setTimeout(180_000);

const compilerOptions = {
  target: 'ES2022',
  module: 'nodenext',
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

/** A monorepo of the Nest CLI, with a constructor that takes one parameter by a token and one by its type. */
const SOURCES = {
  'apps/shop/src/orders.service.ts': `
    import { Injectable } from '@nestjs/common';
    @Injectable()
    export class OrdersService {}
  `,
  'apps/shop/src/orders.controller.ts': `
    import { Body, Controller, Get, Inject, Post } from '@nestjs/common';
    import { SecureRequired } from 'nestjs-secure';
    import { OrdersService } from './orders.service.js';

    class SignInDto {
      password!: string;
    }

    @Controller('orders')
    export class OrdersController {
      constructor(readonly orders: OrdersService, @Inject('NAME') readonly name: string) {}

      @SecureRequired()
      @Get()
      list() {
        return this.name;
      }

      @Post('sign-in')
      signIn(@Body() dto: SignInDto) {
        return dto.password === 'x';
      }
    }
  `,
  'apps/shop/src/app.module.ts': `
    import 'reflect-metadata';
    import { Module } from '@nestjs/common';
    import { SecureModule } from 'nestjs-secure';
    import { OrdersController } from './orders.controller.js';
    import { OrdersService } from './orders.service.js';

    @Module({
      imports: [SecureModule.forRoot({ hosts: ['shop.example'] })],
      controllers: [OrdersController],
      providers: [OrdersService, { provide: 'NAME', useValue: 'orders' }],
    })
    export class AppModule {}
  `,
  'apps/office/src/app.module.ts': `
    import 'reflect-metadata';
    import { Controller, Get, Module } from '@nestjs/common';
    import { SecureModule } from 'nestjs-secure';

    @Controller('desks')
    class DesksController {
      @Get()
      list() {}
    }

    @Module({ imports: [SecureModule.forRoot({ hosts: ['office.example'] })], controllers: [DesksController] })
    export class AppModule {}
  `,
};

const project = (name: string, type = 'application'): object => ({
  type,
  root: `${type === 'library' ? 'libs' : 'apps'}/${name}`,
  sourceRoot: `${type === 'library' ? 'libs' : 'apps'}/${name}/src`,
});

const MANIFESTS = {
  'package.json': { name: 'monorepo', private: true },
  'tsconfig.json': { compilerOptions },
  'nest-cli.json': {
    monorepo: true,
    root: 'apps/shop',
    projects: { shop: project('shop'), office: project('office'), common: project('common', 'library') },
  },
};

/** What compiles a file to CommonJS with the types of constructors, as `nest build` does with either builder. */
const BUILDERS: Record<string, (source: string, file: string) => { code: string; map?: string }> = {
  swc: (source, filename) =>
    transformSync(source, {
      filename,
      sourceMaps: true,
      module: { type: 'commonjs' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
        keepClassNames: true,
      },
    }),
  tsc: (source, fileName) => {
    const { outputText, sourceMapText } = ts.transpileModule(source, {
      fileName,
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.CommonJS,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        sourceMap: true,
      },
    });
    return { code: outputText, ...(sourceMapText === undefined ? {} : { map: sourceMapText }) };
  },
};

let cli: Cli;

beforeAll(async () => {
  cli = await Cli.compile();
  for (const name of ['module', 'commonjs', ...Object.keys(BUILDERS)]) {
    for (const [file, content] of Object.entries({ ...MANIFESTS, ...SOURCES })) {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      write(join(name, file), name === 'commonjs' ? text.replaceAll(/'(\.\/.*)\.js'/g, "'$1'") : text);
    }
    if (name === 'module') write('module/package.json', '{ "type": "module" }');
    mkdirSync(cli.path(join(name, 'node_modules')));
    symlinkSync(cli.folder, cli.path(join(name, 'node_modules/nestjs-secure')));
  }
  for (const [name, build] of Object.entries(BUILDERS)) {
    for (const [file, source] of Object.entries(SOURCES)) {
      const compiled = join(name, 'dist', file).replace(/\.ts$/, '.js');
      const { code, map } = build(source, cli.path(join(name, file)));
      write(compiled, `${code}\n//# sourceMappingURL=${compiled.split('/').at(-1)}.map\n`);
      if (map !== undefined) write(`${compiled}.map`, map);
    }
  }
});

afterAll(() => cli.remove());

function write(name: string, content: string): void {
  mkdirSync(dirname(cli.path(name)), { recursive: true });
  writeFileSync(cli.path(name), content);
}

async function audit(folder: string, ...args: string[]): Promise<AuditReport> {
  const { stdout, stderr } = await cli.run(['audit', ...args, '--json'], {}, folder);
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

describe('a project of a monorepo', () => {
  it.each([
    ['built by SWC', 'swc', []],
    ['built by tsc', 'tsc', []],
    ['in TypeScript of CommonJS, with the loader for it', 'commonjs', ['--import', '@swc-node/register']],
    ['in TypeScript of ES modules, with theirs', 'module', ['--import', '@swc-node/register/esm-register']],
  ])('%s is audited by its name', async (_what, folder, args) => {
    const { routes, findings, module } = await audit(folder, 'shop', ...args);
    expect(module).toContain('apps/shop/src/app.module');
    expect(routes.map(({ method, path, requirement }) => `${method} ${path} ${requirement.level}`).toSorted()).toEqual([
      'GET /orders required',
      'POST /orders/sign-in unmarked',
    ]);
    // A loader that keeps its source maps to itself runs other lines than the file has: then none is named.
    const { file = '', line = 0 } = routes.find(({ path }) => path === '/orders')?.source ?? {};
    expect(file).toMatch(args.length > 0 ? /^$/ : /apps\/shop\/src\/orders\.controller\.[jt]s$/);
    const source = readFileSync(cli.path(join(folder, 'apps/shop/src/orders.controller.ts')), 'utf8');
    if (file !== '') expect(source.split('\n')[line - 1]).toContain('list(');
    expect(
      findings.filter(({ severity }) => severity === 'error').map(({ id, subject }) => `${id} ${subject}`),
    ).toEqual(['SEC310 OrdersController.signIn, /orders/sign-in']);

    const office = await audit(folder, 'office', ...args);
    expect(office.routes.map(({ path }) => path)).toEqual(['/desks']);
  });

  it('is asked for where there are several', async () => {
    const { code, stderr } = await cli.run(['audit'], {}, 'swc');
    expect([code, stderr]).toEqual([2, expect.stringContaining('shop, office')]);
  });

  it.each(['module', 'commonjs'])('of %s that is not compiled is told so, with a command that works', async (type) => {
    const { code, stderr } = await cli.run(['audit', 'shop'], {}, type);
    expect(code).toBe(2);
    const [, args = ''] = /npx nestjs-secure (audit .*)/.exec(stderr) ?? [];
    const { stdout } = await cli.run([...args.split(' '), '--json'], {}, type);
    expect(stdout).toContain('/orders/sign-in');
  });

  // Field case F4; in a package of CommonJS, tsx loads a second Nest 12 besides.
  it.each([
    ['module', /--import (@\S+) where package\.json has "type": "module"/],
    ['commonjs', /--import (@\S+) elsewhere/],
  ])('of %s, with a loader that does not do, is told of one that does, which works', async (folder, advice) => {
    const { code, stderr } = await cli.run(['audit', 'shop', '--import', 'tsx'], {}, folder);
    expect(code).toBe(2);
    const [, loader = ''] = advice.exec(stderr) ?? [];
    expect((await audit(folder, 'shop', '--import', loader)).routes).toHaveLength(2);
  });
});
