import type { FindingId } from '../findings/catalogue.js';
import type { FrontServer } from './directives.js';
import type { Answered, Exchange, Observed } from './observations.js';
import type { ProbeSite, SiteRoute } from './site.js';

/** Something that is wrong with the site as it is deployed. */
export interface Problem {
  readonly id: FindingId;
  readonly subject: string;
  readonly cause: string;
  readonly fix: string;
  /** The page it was seen at; the same about several pages is one finding. */
  readonly page?: string;
}

/** What a rule judges by. */
export interface Judged {
  readonly site: ProbeSite;
  readonly observed: Observed;
  /** Exchanges that were answered. */
  readonly answered: readonly Answered[];
  /** The server that names itself. */
  readonly server: FrontServer | undefined;
  readonly now: Date;
}

/** How many pages a finding names. */
const NAMED_PAGES = 4;

/** Makes one of problems that differ by their page alone, and names the pages. */
export function mergeProblems(problems: readonly Problem[]): readonly Problem[] {
  const groups = new Map<string, [Problem, ...Problem[]]>();
  for (const problem of problems) {
    const key = [problem.id, problem.subject, problem.fix].join('\n');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [problem]);
    else group.push(problem);
  }
  return [...groups.values()].map((group) => {
    const [first] = group;
    const pages = [...new Set(group.flatMap(({ page }) => page ?? []))];
    if (pages.length === 0) return first;
    const rest = pages.length > NAMED_PAGES ? ` and ${pages.length - NAMED_PAGES} more` : '';
    return { ...first, cause: `${first.cause} Seen at ${pages.slice(0, NAMED_PAGES).join(', ')}${rest}.` };
  });
}

/** The address of a request, as a visitor would write it. */
export function urlText({ ask }: Pick<Exchange, 'ask'>, site: ProbeSite): string {
  return `${originText(site, ask.scheme)}${ask.target}`;
}

/** `https://www.example.com`, with the port where it is not that of the scheme. */
export function originText({ host, port, httpPort }: ProbeSite, scheme: 'http' | 'https'): string {
  if (scheme === 'https') return `https://${host}${port === 443 ? '' : `:${port}`}`;
  return `http://${host}${httpPort === 80 ? '' : `:${httpPort}`}`;
}

/** Where a problem was seen. */
export function seenAt({ ask }: Pick<Exchange, 'ask'>, site: ProbeSite): Pick<Problem, 'subject' | 'page'> {
  return { subject: originText(site, ask.scheme), page: ask.target };
}

/** The route of an exchange; undefined for the first page where that is no route. */
export function findRoute({ ask }: Exchange, { routes }: ProbeSite): SiteRoute | undefined {
  return ask.route === undefined ? undefined : routes[ask.route];
}

/** What a finding about a route is about: its handler and path, as the audit has them. */
export function routeSubject({ handler, method, path }: SiteRoute): string {
  return handler === undefined ? `${method} ${path}` : `${handler}, ${path}`;
}
