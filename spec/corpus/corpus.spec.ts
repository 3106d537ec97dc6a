import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { SecureAudit } from 'nestjs-secure';
import { createApp } from '../support/applications.js';
import { drivers } from '../support/graphql.js';
import { controllers, deserved, resolvers } from './handlers.js';

class TokenAuthGuard {
  canActivate(): boolean {
    return true;
  }
}

/** Handlers whose finding is a suspicion. */
const MAY = [
  'Code.handedOn',
  'Code.forgot',
  'Guards.noRole',
  'Guards.optional',
  'Code.show',
  'Code.exemptCookie',
  'MoreGuards.noRole',
];

/** Of the findings on the corpus, how many are deserved; of those deserved, how many are found. */
interface Score {
  readonly precision: number;
  readonly recall: number;
}

function scoreOf(found: ReadonlySet<string>, wanted: ReadonlySet<string>): Score {
  const right = [...found].filter((one) => wanted.has(one)).length;
  return { precision: right / found.size, recall: right / wanted.size };
}

describe.each(drivers.filter(([name]) => name !== 'Apollo on Fastify'))(
  'the corpus with %s',
  (platform, { newAdapter, graphql }) => {
    let found: Set<string>;
    const causes = new Map<string, string>();
    const wanted = new Set([...deserved].flatMap(([handler, ids]) => ids.map((id) => `${id} ${handler}`)));

    beforeEach(async () => {
      const { nest } = await createApp(newAdapter, {
        imports: [ThrottlerModule.forRoot([]), graphql()],
        controllers,
        providers: resolvers,
        options: { hosts: ['example.com'], hsts: false },
      });
      const findings = nest
        .get(SecureAudit)
        .findings()
        .filter(({ id }) => !/^SEC30\d$/.test(id));
      found = new Set(findings.map(({ id, subject }) => `${id} ${subject.replace(/,.*/, '')}`));
      for (const { subject, cause } of findings) causes.set(subject.replace(/,.*/, ''), cause);
    });

    it('has every finding that a handler deserves, and no other', () => {
      const { precision, recall } = scoreOf(found, wanted);
      const percent = (part: number): string => `${Math.round(part * 1000) / 10} %`;
      process.stdout.write(
        `corpus with ${platform}: ${deserved.size} handlers, ${found.size} findings, precision ${percent(precision)}, recall ${percent(recall)}\n`,
      );
      expect([...found].toSorted()).toEqual([...wanted].toSorted());
      expect({ precision, recall }).toEqual({ precision: 1, recall: 1 });
      expect(deserved.size).toBeGreaterThanOrEqual(40);
    });

    it('says of what is only suspected that it may be', () => {
      for (const handler of MAY) {
        expect([handler, causes.get(handler)]).toEqual([handler, expect.stringMatching(/\bmay\b/)]);
      }
      expect(causes.get('Code.forgot')).toContain(
        "its path says 'forgot-password', so it may change or reset a password",
      );
      for (const handler of ['Code.read', 'Guards.role', 'Guards.jwt', 'MoreGuards.made', 'Operations.register']) {
        expect([handler, causes.get(handler)]).toEqual([handler, expect.not.stringMatching(/\bmay\b/)]);
      }
    });

    it('a global guard stands before queries and mutations too', async () => {
      const { nest } = await createApp(newAdapter, {
        imports: [graphql()],
        providers: [...resolvers, { provide: APP_GUARD, useClass: TokenAuthGuard }],
        options: { hosts: ['example.com'], hsts: false },
      });
      const findings = nest.get(SecureAudit).findings();
      expect(findings.find(({ subject }) => subject === 'TokenAuthGuard, global')?.cause).toBe(
        'It stands before 9 handler(s) that are taken over plain HTTP, such as Mutation.register.',
      );
    });
  },
);
