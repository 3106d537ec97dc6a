import { subjectOf, type BootFacts } from './boot-facts.js';
import type { Findings } from '../findings/findings.js';

/** Half a year, below which scanners count HSTS as missing. */
const LEAST_SECONDS = 15_768_000;

const ONE_YEAR = 31_536_000;

/** What can be told of Strict-Transport-Security, beside the pages there are. */
export function checkHsts({ settings, routes, production }: BootFacts, findings: Findings): void {
  const { options, httpsSupport } = settings;
  if (!httpsSupport || options.hsts === false) return;
  const levelled = routes.map((route) => ({ route, level: route.requirement?.of(route.path).level }));
  const exempt = levelled.find(({ level }) => level === 'exempt')?.route;
  if (options.hsts === undefined) {
    if (!production || exempt !== undefined) return;
    findings.report('SEC402', {
      subject: 'hsts',
      cause: 'Whoever types the address comes over http first, and somebody on the way can keep him there.',
      fix: `Set hsts: { maxAge: ${ONE_YEAR} }; or hsts: false, where a proxy sends the header or a page needs http.`,
    });
    return;
  }
  const { maxAge = ONE_YEAR, preload = false } = options.hsts;
  if (maxAge === 0) return;
  if (maxAge < LEAST_SECONDS) {
    findings.report('SEC403', {
      subject: `hsts.maxAge: ${maxAge}`,
      cause: 'A browser forgets it between two visits, and the next one begins over http.',
      fix: `Raise it step by step to a year: hsts: { maxAge: ${ONE_YEAR} }.`,
    });
  }
  const open = exempt ?? levelled.find(({ level }) => level === 'unmarked')?.route;
  if (preload && open !== undefined) {
    findings.report('SEC404', {
      subject: 'hsts.preload',
      cause: `${subjectOf(open)} answers over http: preload lists want every page redirected, and browsers that have the list never ask over http.`,
      fix: "Use mode: 'all' and exempt nothing, or take preload out.",
    });
  } else if (exempt !== undefined) {
    findings.report('SEC401', {
      subject: 'hsts',
      cause: `A browser that has seen the header asks for everything over https, also ${exempt.path}, which is meant for http.`,
      fix: 'Right if every page works over https too; otherwise set hsts: { maxAge: 0 } to take it back.',
    });
  }
}
