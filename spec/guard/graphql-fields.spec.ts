import { Injectable, Module, Scope, type Type } from '@nestjs/common';
import { Field, Int, ObjectType, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { SecureExempt, SecureRequired } from 'nestjs-secure';
import { createApp, ran } from '../support/applications.js';
import { drivers, operate } from '../support/graphql.js';

@ObjectType()
class Book {
  @Field(() => Int)
  id!: number;
}

@Resolver(() => Book)
class LibraryResolver {
  @Query(() => Book)
  book(): Book {
    return { id: 1 };
  }
}

@Resolver(() => Book)
class MarkedFieldResolver {
  @SecureRequired()
  @ResolveField(() => String, { nullable: true })
  borrower(): string {
    ran.push('borrower');
    return 'Ann';
  }
}

@Injectable({ scope: Scope.REQUEST })
@Resolver(() => Book)
class RequestScopedResolver extends MarkedFieldResolver {}

@SecureRequired()
@Resolver(() => Book)
class MarkedClassResolver {
  @ResolveField('borrower', () => String, { nullable: true })
  findBorrower(): string {
    return 'Ann';
  }
}

@SecureRequired()
@Resolver(() => Book)
class ExemptFieldResolver {
  @SecureExempt()
  @ResolveField(() => String)
  title(): string {
    return 'Emma';
  }
}

@Resolver(() => Book)
class UnmarkedFieldResolver {
  @ResolveField(() => String)
  title(): string {
    return 'Emma';
  }
}

describe.each(drivers)('fields with %s', (_name, { newAdapter, graphql }) => {
  it.each([
    ['on the field', MarkedFieldResolver, 'MarkedFieldResolver.borrower (Book.borrower)'],
    ['on its class', MarkedClassResolver, 'MarkedClassResolver.findBorrower (Book.borrower)'],
    ['that a request-scoped class inherits', RequestScopedResolver, 'RequestScopedResolver.borrower (Book.borrower)'],
  ])('a mark %s fails the boot where no guards run on fields', async (_where, resolver, name) => {
    const boot = createApp(newAdapter, { imports: [graphql()], providers: [LibraryResolver, resolver] });

    await expect(boot).rejects.toThrow(
      `${name} is marked with @SecureRequired(), but GraphQLModule runs no guards on fields, so it would answer over plain HTTP. Set fieldResolverEnhancers: ['guards']`,
    );
  });

  it.each<[which: string, resolver: Type]>([
    ['is not marked', UnmarkedFieldResolver],
    ['is exempt in a marked class', ExemptFieldResolver],
  ])('a field that %s needs no guards', async (_which, resolver) => {
    const app = await createApp(newAdapter, { imports: [graphql()], providers: [LibraryResolver, resolver] });

    expect(await operate(app, '{ book { id title } }')).toMatchObject({
      data: { book: { id: 1, title: 'Emma' } },
      errors: undefined,
    });
  });

  it.each([RequestScopedResolver, MarkedFieldResolver])(
    'with guards on fields the field is refused: %p',
    async (resolver) => {
      const app = await createApp(newAdapter, {
        imports: [graphql({ fieldResolverEnhancers: ['guards'] })],
        providers: [LibraryResolver, resolver],
      });

      expect(await operate(app, '{ book { id borrower } }')).toMatchObject({
        data: { book: { id: 1, borrower: null } },
        errors: [{ extensions: { code: 'HTTPS_REQUIRED' } }],
      });
      expect(ran).toEqual([]);
      expect(await operate(app, '{ book { borrower } }', { https: true })).toMatchObject({
        data: { book: { borrower: 'Ann' } },
      });
    },
  );

  it('an endpoint is asked about its own modules, and what they import', async () => {
    @Module({ providers: [MarkedFieldResolver] })
    class BorrowersModule {}
    @Module({ providers: [LibraryResolver], imports: [BorrowersModule] })
    class LibraryModule {}
    @Module({ providers: [LibraryResolver] })
    class OtherModule {}
    const imports = [LibraryModule, OtherModule];

    const open = createApp(newAdapter, { imports: [...imports, graphql({ include: [LibraryModule] })] });
    await expect(open).rejects.toThrow('MarkedFieldResolver.borrower');
    await createApp(newAdapter, { imports: [...imports, graphql({ include: [OtherModule] })] });
  });
});
