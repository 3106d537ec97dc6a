import { Args, Field, Int, Mutation, ObjectType, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { SecureAudit, SecureExempt, SecureRequired, type Leak } from 'nestjs-secure';
import { createApp, ran, sharedApp, type App, type AppParts } from '../support/applications.js';
import { drivers, operate } from '../support/graphql.js';
import { sampled } from '../support/everything.js';

@ObjectType()
class Member {
  @Field(() => Int)
  id!: number;
}

@Resolver(() => Member)
class MembersResolver {
  @Query(() => Member)
  member(): Member {
    return { id: 1 };
  }

  @SecureRequired()
  @Query(() => String, { nullable: true })
  invoice(): string {
    ran.push('invoice');
    return 'invoice';
  }

  @SecureRequired({ onInsecure: 'redirect' })
  @Mutation(() => String, { nullable: true })
  rename(@Args('to', { type: () => String }) to: string): string {
    ran.push('rename');
    return to;
  }

  @SecureRequired()
  @ResolveField(() => String, { nullable: true })
  address(@Parent() member: Member): string {
    ran.push('address');
    return `address of ${member.id}`;
  }
}

@SecureRequired()
@Resolver()
class AccountsResolver {
  @Query(() => String, { nullable: true })
  balance(): string {
    ran.push('balance');
    return '42';
  }

  @SecureExempt()
  @Query(() => String)
  rate(): string {
    return '1.05';
  }

  @SecureRequired({ refuse: { status: 404 } })
  @Query(() => String)
  statement(): string {
    ran.push('statement');
    return 'statement';
  }
}

@Resolver()
class ParentResolver {
  @SecureRequired()
  @Query(() => String, { nullable: true })
  inherited(): string {
    ran.push('inherited');
    return 'inherited';
  }

  @SecureRequired()
  @Query(() => String, { nullable: true })
  overridden(): string {
    ran.push('parent');
    return 'parent';
  }
}

@Resolver()
class ChildResolver extends ParentResolver {
  @Query(() => String, { nullable: true })
  override overridden(): string {
    ran.push('child');
    return 'child';
  }
}

const REFUSED = { extensions: { code: 'HTTPS_REQUIRED', reason: 'insecure-secret' } };

describe.each(sampled(drivers, 2))('%s', (_name, { newAdapter, graphql }) => {
  const resolvers: AppParts = {
    imports: [graphql({ fieldResolverEnhancers: ['guards'] })],
    providers: [MembersResolver, AccountsResolver, ChildResolver],
  };
  const shared = sharedApp(newAdapter, resolvers);

  function create(parts: Partial<AppParts> = {}): Promise<App> {
    return createApp(newAdapter, { ...resolvers, ...parts });
  }

  it.each([
    ['a query', '{ invoice }', { invoice: null }],
    ['a mutation', 'mutation { rename(to: "Ann") }', { rename: null }],
    ['a query of a marked class', '{ balance }', { balance: null }],
    ['a query that is inherited', '{ inherited }', { inherited: null }],
    ['a query that overrides a marked one', '{ overridden }', { overridden: null }],
  ])('%s that is marked is refused over plain HTTP with an error, and does not run', async (_which, query, data) => {
    const reply = await operate(shared(), query);
    expect(reply).toMatchObject({ status: 200, data, errors: [REFUSED] });
    expect(reply.headers).not.toHaveProperty('location');
    expect(ran).toEqual([]);
  });

  it('a field that is marked is refused over plain HTTP, and the rest is answered', async () => {
    expect(await operate(shared(), '{ member { id address } }')).toMatchObject({
      status: 200,
      data: { member: { id: 1, address: null } },
      errors: [{ ...REFUSED, path: ['member', 'address'] }],
    });
    expect(ran).toEqual([]);
  });

  it.each([
    ['{ invoice }', { invoice: 'invoice' }],
    ['mutation { rename(to: "Ann") }', { rename: 'Ann' }],
    ['{ member { address } }', { member: { address: 'address of 1' } }],
    ['{ balance statement overridden }', { balance: '42', statement: 'statement', overridden: 'child' }],
  ])('%s is answered over https', async (query, data) => {
    expect(await operate(shared(), query, { https: true })).toMatchObject({ status: 200, data, errors: undefined });
  });

  it.each([
    ['{ member { id } }', { member: { id: 1 } }],
    ['{ rate }', { rate: '1.05' }],
  ])('%s is not marked, and is answered over plain HTTP', async (query, data) => {
    const app = await create();

    expect(await operate(app, query)).toMatchObject({ status: 200, data, errors: undefined });
    expect(app.logged).toEqual([]);
  });

  it('a GET is refused as well, and never redirected', async () => {
    const headers = { 'apollo-require-preflight': 'true' };
    const { status, headers: answered, body } = await shared().ask('/graphql?query=%7Binvoice%7D', { headers });
    expect({ status, location: answered.location }).toEqual({ status: 200, location: undefined });
    expect(JSON.parse(body)).toMatchObject({
      errors: [{ extensions: { code: 'HTTPS_REQUIRED', reason: 'insecure-refused' } }],
    });
    expect(ran).toEqual([]);
  });

  it('a proxy that is not believed is named, as everywhere', async () => {
    const app = await create({ options: { proxies: { trust: ['10.0.0.1'] } } });

    expect(await operate(app, '{ invoice }', { https: true })).toMatchObject({
      errors: [{ extensions: { code: 'HTTPS_REQUIRED', reason: 'proxy-not-believed' } }],
    });
    expect(app.logged).toEqual([expect.stringMatching(/SEC101.*127\.0\.0\.1/s)]);
  });

  it('what leaked is reported once, however many fields refuse it', async () => {
    const leaks: Leak[] = [];
    const app = await create({
      options: { proxies: { trust: ['loopback'] }, onLeak: (leak) => void leaks.push(leak) },
    });

    const { errors } = await operate(app, '{ a: invoice b: invoice balance }');
    expect(errors).toHaveLength(3);
    expect(leaks).toEqual([{ kind: 'body', method: 'POST', path: '/graphql', peer: '127.0.0.1' }]);
  });

  it('nothing is refused with httpsSupport: false, nor with reportOnly', async () => {
    for (const options of [{ httpsSupport: false }, { reportOnly: true }]) {
      const app = await create({ options });
      expect(await operate(app, '{ invoice }')).toMatchObject({ data: { invoice: 'invoice' }, errors: undefined });
    }
  });

  it('no error is logged for a refusal', async () => {
    const app = await create({ options: { findings: { ignore: [{ id: 'SEC215', because: 'not asked here' }] } } });

    await operate(app, '{ invoice }');
    expect(app.logged).toEqual([]);
  });

  describe('the endpoint as a whole', () => {
    it.each([
      ['by a path rule', { paths: ['/graphql'] }],
      ["by mode 'all'", { mode: 'all' as const }],
    ])('requires https %s: the gate answers, before anything is parsed', async (_by, options) => {
      const app = await create({ options });

      const { status, body } = await app.ask('/graphql', { method: 'POST', body: '{ not JSON' });
      expect(status).toBe(403);
      expect(JSON.parse(body)).toMatchObject({ reason: 'insecure-secret' });
      expect(await operate(app, '{ member { id } }', { https: true })).toMatchObject({
        status: 200,
        errors: undefined,
      });
    });

    it('is listed among the routes, so a path rule for it is not taken for misspelt', async () => {
      const app = await create({ options: { paths: ['/graphql'], hosts: ['example.com'] } });

      const audit = app.nest.get(SecureAudit);
      expect(audit.routes()).toContainEqual(
        expect.objectContaining({ kind: 'http', path: '/graphql', requirement: { level: 'required', by: 'path' } }),
      );
      expect(audit.findings().map(({ id }) => id)).not.toContain('SEC011');
    });

    it('is found under a global prefix', async () => {
      const app = await create({
        imports: [graphql({ fieldResolverEnhancers: ['guards'], useGlobalPrefix: true, path: 'data' })],
        options: { paths: ['/api/data'] },
        main: (nest) => void nest.setGlobalPrefix('api'),
      });

      expect((await app.ask('/api/data', { method: 'POST' })).status).toBe(403);
      expect(app.nest.get(SecureAudit).routes()).toContainEqual(
        expect.objectContaining({ path: 'Query.member', requirement: { level: 'required', by: 'path' } }),
      );
    });
  });

  it('an override that keeps a mark is a finding', async () => {
    const app = await create();

    expect(app.nest.get(SecureAudit).findings()).toContainEqual(
      expect.objectContaining({ id: 'SEC301', subject: 'ChildResolver.overridden' }),
    );
  });

  it('resolvers are listed with what they require', async () => {
    const app = await create();

    const listed = app.nest
      .get(SecureAudit)
      .routes()
      .filter(({ kind }) => kind === 'graphql');
    const rows = listed.map(({ path, handler, requirement, overHttp }) => [
      path,
      handler,
      requirement.by,
      overHttp.safe,
    ]);
    const refused = { action: 'refuse', status: 403 };
    expect(rows).toStrictEqual([
      ['Query.member', 'MembersResolver.member', 'nobody', { action: 'pass' }],
      ['Query.invoice', 'MembersResolver.invoice', 'handler', refused],
      ['Mutation.rename', 'MembersResolver.rename', 'handler', refused],
      ['Member.address', 'MembersResolver.address', 'handler', refused],
      ['Query.balance', 'AccountsResolver.balance', 'class', refused],
      ['Query.rate', 'AccountsResolver.rate', 'handler', { action: 'pass' }],
      ['Query.statement', 'AccountsResolver.statement', 'handler', { action: 'refuse', status: 404 }],
      ['Query.overridden', 'ChildResolver.overridden', 'handler', refused],
      ['Query.inherited', 'ChildResolver.inherited', 'handler', refused],
    ]);
  });
});

describe('the status of an answer without data', () => {
  it.each(drivers)('is that of the refusal where %s allows it', async (name, { newAdapter, graphql }) => {
    const preserve = name.startsWith('Apollo') ? { preserveHttpStatusForExecutionErrors: false } : {};
    const app = await createApp(newAdapter, { imports: [graphql(preserve)], providers: [AccountsResolver] });

    expect(await operate(app, '{ statement }')).toMatchObject({ status: 404, data: null, errors: [REFUSED] });
  });
});
