import { Findings, type Finding } from '../findings/findings.js';
import type { Unlisted } from '../policy/route-table.js';
import { detectFrontServer } from './directives.js';
import { judgeCertificate } from './judge-certificate.js';
import { judgeForgery } from './judge-forgery.js';
import { judgeHsts } from './judge-hsts.js';
import { judgeCookies, judgeOpenPages } from './judge-open-pages.js';
import { isTelling, judgeHttps, judgeRequired } from './judge-redirects.js';
import { isAnswered, type Observed } from './observations.js';
import { mergeProblems, urlText, type Judged, type Problem } from './problems.js';
import type { ProbeSite } from './site.js';

const RULES: readonly ((judged: Judged) => readonly Problem[])[] = [
  judgeCertificate,
  judgeHttps,
  judgeRequired,
  judgeForgery,
  judgeOpenPages,
  judgeCookies,
  judgeHsts,
];

/** Everything that is wrong with a site, by what was seen of it. A pure function: the same observations, the same findings. */
export function judge(site: ProbeSite, observed: Observed, now: Date): readonly Finding[] {
  const answered = observed.exchanges.filter(isAnswered);
  const server = detectFrontServer(observed.exchanges);
  const judged: Judged = { site, observed, answered, server, now };
  const problems = RULES.flatMap((rule) => rule(judged));
  const findings = new Findings(new Set(site.ignored), () => undefined);
  findings.collect();
  for (const { id, ...details } of mergeProblems(withoutConsequences(problems))) findings.report(id, details);
  return findings.all();
}

/**
 * Leaves out what follows from another fault: an application that does not know that a request came over https sends no
 * HSTS, and one that takes plain HTTP for https sends it there, and leads visitors to its page to sign in. Advice about the
 * header or the redirect would be wrong.
 */
function withoutConsequences(problems: readonly Problem[]): readonly Problem[] {
  const isUnknown = problems.some(
    ({ id, subject }) => id === 'SEC531' || (/^SEC52[12]$/.test(id) && subject.startsWith('https')),
  );
  const isMistaken = problems.some(({ id }) => id === 'SEC520');
  return problems.filter(
    ({ id }) => !(id === 'SEC540' && isUnknown) && !((id === 'SEC542' || id === 'SEC528') && isMistaken),
  );
}

/** What was asked and says nothing: no answer, or one of a server that is busy or broken. */
export function listUnanswered(site: ProbeSite, { exchanges }: Observed): readonly Unlisted[] {
  return exchanges.flatMap((exchange) => {
    const { ask, answer } = exchange;
    if (isAnswered(exchange) && isTelling(exchange.answer)) return [];
    const cause = 'failure' in answer ? `No answer: ${answer.failure}.` : `Answered ${answer.status}.`;
    return [{ subject: `${ask.method} ${urlText(exchange, site)}`, cause }];
  });
}
