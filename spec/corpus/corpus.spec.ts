import { SecureAudit } from 'nestjs-secure';
import { adapters, createApp } from '../support/applications.js';
import { controllers, deserved } from './handlers.js';

/** Of the findings on the corpus, how many are deserved; of those deserved, how many are found. */
interface Score {
  readonly precision: number;
  readonly recall: number;
}

function scoreOf(found: ReadonlySet<string>, wanted: ReadonlySet<string>): Score {
  const right = [...found].filter((one) => wanted.has(one)).length;
  return { precision: right / found.size, recall: right / wanted.size };
}

describe.each(adapters)('the corpus on %s', (platform, newAdapter) => {
  let found: Set<string>;
  const causes = new Map<string, string>();
  const wanted = new Set([...deserved].flatMap(([handler, ids]) => ids.map((id) => `${id} ${handler}`)));

  beforeEach(async () => {
    const { nest } = await createApp(newAdapter, { controllers, options: { hosts: ['example.com'], hsts: false } });
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
      `corpus on ${platform}: ${deserved.size} handlers, ${found.size} findings, precision ${percent(precision)}, recall ${percent(recall)}\n`,
    );
    expect([...found].toSorted()).toEqual([...wanted].toSorted());
    expect({ precision, recall }).toEqual({ precision: 1, recall: 1 });
    expect(deserved.size).toBeGreaterThanOrEqual(40);
  });

  it('says of what is only suspected that it may be', () => {
    for (const handler of ['Code.handedOn', 'Guards.noRole', 'Guards.optional', 'Code.show', 'Code.exemptCookie']) {
      expect([handler, causes.get(handler)]).toEqual([handler, expect.stringMatching(/\bmay\b/)]);
    }
    for (const handler of ['Code.read', 'Guards.role', 'Guards.jwt']) {
      expect([handler, causes.get(handler)]).toEqual([handler, expect.not.stringMatching(/\bmay\b/)]);
    }
  });
});
