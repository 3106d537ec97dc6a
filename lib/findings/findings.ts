import type { IgnoredFinding } from '../options/secure-options.js';
import { CATALOGUE, documentationPath, type FindingId, type Severity } from './catalogue.js';
import { counted, findingsBlock } from './group-findings.js';
import { LimitedLog, type Clock } from './limited-log.js';

/** A diagnosed problem: what is wrong, why, and what to change. */
export interface Finding {
  readonly id: FindingId;
  readonly severity: Severity;
  readonly title: string;
  /** What it is about: a route, a peer, a host, an option. */
  readonly subject: string;
  readonly cause: string;
  readonly fix: string;
  /** The page that explains it, with an example: a path in the package. */
  readonly documentation: string;
  /** How often it was found since the application started. */
  readonly occurrences: number;
}

/** What a finding is about. */
export interface FindingAbout {
  readonly subject: string;
  /** What tells it from others of its id. Default: the subject. */
  readonly signature?: string;
}

/** What is said of a finding besides its id. */
export interface FindingDetails extends FindingAbout {
  readonly cause: string;
  readonly fix: string;
}

/** Where findings are written: those of the boot as one text of several lines, later ones line by line. */
export type FindingSink = (text: string, severity: LoggedSeverity) => void;

/** What is of severity info stands in the audit only. */
type LoggedSeverity = Exclude<Severity, 'info'>;

interface Kept {
  readonly finding: Omit<Finding, 'occurrences'>;
  /** Its place in the order in which findings were found first. */
  readonly place: number;
  occurrences: number;
}

/** Of each id, since the boot: one that a client can make at will must not crowd out the others. */
const MAXIMUM_PER_ID = 100;

/** A finding may quote what a client sent: that is neither long nor a way to write to a terminal. */
const LONGEST_SUBJECT = 200;
const UNPRINTABLE = /\p{C}/gu;

/**
 * Collects findings, each once: the same id about the same subject is counted. What requests cause is bounded in number,
 * in the log as in the memory, for a request may say anything; what has not been seen for longest is forgotten first.
 */
export class Findings {
  private readonly atBoot = new Map<string, Kept>();
  private readonly since = new Map<FindingId, Map<string, Kept>>();
  private readonly log: LimitedLog<LoggedSeverity>;
  private collecting = false;
  private places = 0;

  constructor(
    private readonly ignored: ReadonlySet<string>,
    private readonly sink: FindingSink,
    clock?: Clock,
  ) {
    this.log = new LimitedLog(sink, clock);
  }

  /** From here on findings are written only by `flush`. Their number is not bounded: no request has been served yet. */
  collect(): void {
    this.collecting = true;
  }

  /** Writes what was collected, as one text; from here on each finding is a line of its own. */
  flush(): void {
    this.collecting = false;
    const logged = [...this.atBoot.values()].map(({ finding }) => finding).filter(({ severity }) => isLogged(severity));
    if (logged.length === 0) return;
    const errors = logged.filter(({ severity }) => severity === 'error').length;
    const warnings = counted(logged.length - errors, 'warning');
    const heading = `${counted(logged.length, 'finding')} at boot: ${counted(errors, 'error')}, ${warnings}.`;
    this.sink(`${heading}\n${findingsBlock(logged)}`, errors > 0 ? 'error' : 'warning');
  }

  /** Reports a finding, unless it is accepted in `findings.ignore`. */
  report(id: FindingId, details: FindingDetails): void {
    // What the application itself says at boot is not cut: two long paths may differ only at their ends.
    const longest = this.collecting ? Infinity : LONGEST_SUBJECT;
    const subject = printable(details.subject.slice(0, longest));
    if (this.ignored.has(id) || this.ignored.has(`${id} ${subject}`)) return;
    const key = (details.signature ?? subject).slice(0, longest);
    const { severity, title } = CATALOGUE[id];
    const cause = printable(details.cause);
    const fix = printable(details.fix);
    this.keep(key, { id, severity, title, subject, cause, fix, documentation: documentationPath(id) });
    if (this.collecting || !isLogged(severity)) return;
    const line = `${id} ${title} (${subject}). ${cause} ${fix}`;
    this.log.write({ group: id, key, line, label: `${id} (${subject})`, level: severity });
  }

  /**
   * Reports a finding whose text is dear to make: `explain` is called only where the text will be written. What the log
   * would only count is only counted, so a client that makes up subjects costs no more than the log has lines.
   */
  reportLazily(id: FindingId, about: FindingAbout, explain: () => Pick<FindingDetails, 'cause' | 'fix'>): void {
    const subject = printable(about.subject.slice(0, LONGEST_SUBJECT));
    if (this.ignored.has(id) || this.ignored.has(`${id} ${subject}`)) return;
    const key = (about.signature ?? subject).slice(0, LONGEST_SUBJECT);
    const { severity } = CATALOGUE[id];
    const entry = { group: id, key, line: '', label: `${id} (${subject})` };
    if (this.collecting || !isLogged(severity) || !this.log.holdsBack(entry)) {
      this.report(id, { ...about, ...explain() });
      return;
    }
    const known = this.atBoot.get(`${id} ${key}`) ?? this.since.get(id)?.get(key);
    if (known !== undefined) this.keep(key, known.finding);
    this.log.write({ ...entry, level: severity });
  }

  /** Everything found so far, in the order in which it was found first. */
  all(): readonly Finding[] {
    const kept = [...this.atBoot.values(), ...[...this.since.values()].flatMap((ofId) => [...ofId.values()])];
    return kept.toSorted((a, b) => a.place - b.place).map(({ finding, occurrences }) => ({ ...finding, occurrences }));
  }

  /** Writes the counts that are still to be written. */
  close(): void {
    this.log.close();
  }

  private keep(key: string, finding: Omit<Finding, 'occurrences'>): void {
    const { id } = finding;
    const ofId = this.since.get(id) ?? new Map<string, Kept>();
    const known = this.atBoot.get(`${id} ${key}`) ?? ofId.get(key);
    if (known !== undefined) known.occurrences += 1;
    const kept = known ?? { finding, place: (this.places += 1), occurrences: 1 };
    if (this.collecting) this.atBoot.set(`${id} ${key}`, kept);
    if (this.atBoot.has(`${id} ${key}`)) return;
    // The last one seen is the last one in the map.
    ofId.delete(key);
    if (ofId.size >= MAXIMUM_PER_ID) forgetFirst(ofId);
    this.since.set(id, ofId.set(key, kept));
  }
}

/** What is accepted, for the constructor of `Findings`: ids, and ids with a subject. */
export function compileIgnored(ignore: readonly IgnoredFinding[] = []): ReadonlySet<string> {
  return new Set(ignore.map(({ id, subject }) => (subject === undefined ? id : `${id} ${subject}`)));
}

function printable(text: string): string {
  return text.replace(UNPRINTABLE, '?');
}

function forgetFirst(kept: Map<string, Kept>): void {
  for (const key of kept.keys()) {
    kept.delete(key);
    return;
  }
}

function isLogged(severity: Severity): severity is LoggedSeverity {
  return severity !== 'info';
}
