import type { RedirectStatus, RefuseStatus } from '../options/secure-options.js';

/** The status of the answer to a plain-HTTP request: a redirect's or a refusal's. */
export type Status = RedirectStatus | RefuseStatus;

/** How plain-HTTP requests are answered: GET and HEAD, the same with `Authorization`, and every other method. */
export interface InsecureAnswer {
  readonly safe: Status;
  readonly authorized: Status;
  readonly unsafe: Status;
}

/** What becomes of a plain-HTTP request. */
export type Decision = InsecureAnswer | 'pass';

/** A step on the way to a decision. The last one whose pattern matches decides. */
export interface RequestStep {
  /** A regular expression over `METHOD /target`, the target as it was sent. */
  readonly pattern: string;
  /** It is to be matched with case. */
  readonly sensitive: boolean;
  readonly decision: Decision;
  /** What it is for, a line or more an entry. */
  readonly says: readonly string[];
}

/** What becomes of requests: nothing but `pass` where nothing is enforced. */
export interface RequestPlan {
  /** What becomes of a request that no step matches. */
  readonly base: Decision;
  readonly steps: readonly RequestStep[];
}

/** Every answer that a plan may come to, the strictest last. */
export function listAnswers({ base, steps }: RequestPlan): readonly InsecureAnswer[] {
  const answers = [base, ...steps.map(({ decision }) => decision)].filter((decision) => decision !== 'pass');
  const named = new Map(answers.map((answer) => [`${strictness(answer)} ${JSON.stringify(answer)}`, answer]));
  return [...named].toSorted(([one], [other]) => compare(one, other)).map(([, answer]) => answer);
}

/** Every status of a plan, the redirects and the refusals, in order. */
export function listStatuses(plan: RequestPlan): {
  readonly redirects: readonly number[];
  readonly refusals: readonly number[];
} {
  const given = listAnswers(plan).flatMap(({ safe, authorized, unsafe }) => [safe, authorized, unsafe]);
  // A host that is not allowed, a WebSocket, and a proxy in front that has ended TLS: whatever the options are.
  const all = [...new Set<number>(given.length === 0 ? [] : [...given, 400, 403, 421])].toSorted(
    (one, other) => one - other,
  );
  return { redirects: all.filter(isRedirect), refusals: all.filter((status) => !isRedirect(status)) };
}

/** How many kinds of requests are refused. */
export function strictness({ safe, authorized, unsafe }: InsecureAnswer): number {
  return [safe, authorized, unsafe].filter((status) => !isRedirect(status)).length;
}

/** What a refusal with 405 says in `Allow`: the methods that are redirected wherever a plan comes to that status. */
export function allowedMethods(plan: RequestPlan): string {
  const refusing = listAnswers(plan).filter(({ authorized, unsafe }) => authorized === 405 || unsafe === 405);
  return refusing.length > 0 && refusing.every(({ safe }) => isRedirect(safe)) ? 'GET, HEAD' : '';
}

function isRedirect(status: number): boolean {
  return status < 400;
}

/** Orders texts by their characters, whatever the language of the machine. */
export function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
