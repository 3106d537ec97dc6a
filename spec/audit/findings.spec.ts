import { Findings } from '../../lib/findings/findings.js';

function collect(ignored: string[] = []): { findings: Findings; lines: string[] } {
  const lines: string[] = [];
  return { lines, findings: new Findings(new Set(ignored), (line) => lines.push(line)) };
}

const about = (subject: string): { subject: string; cause: string; fix: string } => ({
  subject,
  cause: 'C.',
  fix: 'F.',
});

describe('a finding', () => {
  it('is written in one line with its id, its subject, the cause and the fix', () => {
    const { findings, lines } = collect();
    findings.report('SEC101', about('10.0.0.3'));
    expect(lines).toEqual(['SEC101 A peer that is not a declared proxy says https (10.0.0.3). C. F.']);
    expect(findings.all()).toMatchObject([{ id: 'SEC101', severity: 'error', subject: '10.0.0.3' }]);
  });

  it('is kept once for one subject, and counted', () => {
    const { findings, lines } = collect();
    for (const subject of ['a', 'b', 'a']) findings.report('SEC101', about(subject));
    expect(lines).toHaveLength(2);
    expect(findings.all()).toMatchObject([
      { subject: 'a', occurrences: 2 },
      { subject: 'b', occurrences: 1 },
    ]);
  });

  it('is told from others by its signature where it has one', () => {
    const { findings } = collect();
    for (const subject of ['a', 'b']) findings.report('SEC101', { ...about(subject), signature: 'same' });
    expect(findings.all()).toMatchObject([{ subject: 'a', occurrences: 2 }]);
  });

  it('is not reported where it is accepted', () => {
    const { findings, lines } = collect(['SEC101']);
    findings.report('SEC101', about('a'));
    expect([lines, findings.all()]).toEqual([[], []]);
  });

  it('that a client makes at will crowds out no other, in the log and in the audit', () => {
    const { findings, lines } = collect();
    for (let i = 0; i < 5000; i += 1) findings.report('SEC002', about(`${i}.example`));
    findings.report('SEC101', about('10.0.0.3'));
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toContain('SEC101');
    expect(findings.all()).toHaveLength(101);
  });

  it('that comes again and again is not forgotten for those that come once', () => {
    const { findings } = collect();
    for (let i = 0; i < 5000; i += 1) {
      findings.report('SEC002', about(`${i}.example`));
      if (i % 50 === 0) findings.report('SEC002', about('shop.example.com'));
    }
    expect(findings.all()).toContainEqual(expect.objectContaining({ subject: 'shop.example.com', occurrences: 100 }));
  });

  it('is no way to write to the terminal of whoever reads the log', () => {
    const { findings, lines } = collect();
    findings.report('SEC005', about('GET /\x1b[31m\x9b\n\u202ex'));
    expect(lines[0]).toContain('(GET /?[31m???x).');
  });

  it('keeps no more than the beginning of what a client sent', () => {
    const { findings } = collect();
    findings.report('SEC005', about(`/${'x'.repeat(10_000)}`));
    expect(findings.all()[0]?.subject).toHaveLength(200);
  });
});
