import { CATALOGUE, type FindingId, type Severity } from './catalogue.js';

/** A diagnosed problem: what is wrong, why, and what to change. */
export interface Finding {
  readonly id: FindingId;
  readonly severity: Severity;
  readonly title: string;
  /** What it is about: a route, a peer, a host, an option. */
  readonly subject: string;
  readonly cause: string;
  readonly fix: string;
}

/** Where findings are written as they are found. */
export type FindingSink = (line: string, severity: Severity) => void;

/** Of each id: one that a client can make at will must not crowd out the others. */
const MAXIMUM_PER_ID = 50;

/** A subject may be what a client sent. */
const LONGEST_SUBJECT = 200;

/**
 * Collects findings and reports each once: the same id about the same subject is counted, not repeated. What comes from
 * requests is bounded in number, for a request may say anything.
 */
export class Findings {
  private readonly kept = new Map<FindingId, Map<string, Finding>>();

  constructor(
    private readonly ignored: ReadonlySet<string>,
    private readonly sink: FindingSink,
  ) {}

  /** Reports a finding, unless it is known already or accepted in `findings.ignore`. */
  report(id: FindingId, details: { subject: string; cause: string; fix: string }): void {
    const ofId = this.kept.get(id) ?? new Map<string, Finding>();
    const subject = details.subject.slice(0, LONGEST_SUBJECT);
    if (this.ignored.has(id) || ofId.has(subject) || ofId.size >= MAXIMUM_PER_ID) return;
    const finding: Finding = { id, ...CATALOGUE[id], ...details, subject };
    this.kept.set(id, ofId.set(subject, finding));
    this.sink(`${id} ${finding.title} (${subject}). ${finding.cause} ${finding.fix}`, finding.severity);
    if (ofId.size === MAXIMUM_PER_ID) this.sink(`${id} No more of these are reported.`, finding.severity);
  }

  /** Everything found so far. */
  all(): readonly Finding[] {
    return [...this.kept.values()].flatMap((ofId) => [...ofId.values()]);
  }
}
