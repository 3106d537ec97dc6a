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

const MAXIMUM_KEPT = 1000;

/**
 * Collects findings and reports each once: the same id about the same subject is counted, not repeated. What comes from
 * requests is bounded in number, for a request may say anything.
 */
export class Findings {
  private readonly kept = new Map<string, Finding>();

  constructor(
    private readonly ignored: ReadonlySet<string>,
    private readonly sink: FindingSink,
  ) {}

  /** Reports a finding, unless it is known already or accepted in `findings.ignore`. */
  report(id: FindingId, details: { subject: string; cause: string; fix: string }): void {
    const key = `${id} ${details.subject}`;
    if (this.ignored.has(id) || this.kept.has(key) || this.kept.size >= MAXIMUM_KEPT) return;
    const finding: Finding = { id, ...CATALOGUE[id], ...details };
    this.kept.set(key, finding);
    this.sink(`${id} ${finding.title} (${finding.subject}). ${finding.cause} ${finding.fix}`, finding.severity);
  }

  /** Everything found so far. */
  all(): readonly Finding[] {
    return [...this.kept.values()];
  }
}
