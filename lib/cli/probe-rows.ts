import type { ProbedAnswer, ProbedRoute, ProbeReport } from '../probe/probe.js';
import { whoSaid } from './route-words.js';

/** A route that was asked, as a line of the report. */
export interface ProbedRow {
  /** It is turned away over plain HTTP; it answers there as it may, or nothing was answered; or it answers and must not. */
  readonly exposure: 'safe' | 'open' | 'wrong';
  /** Method, path, what was answered over http and over https, and the requirement. */
  readonly cells: readonly string[];
}

/** The routes that were asked. */
export function probedRows({ routes }: ProbeReport): readonly ProbedRow[] {
  return routes
    .filter(({ notAsked }) => notAsked === undefined)
    .map((route) => {
      const { method, path, http, https, requirement } = route;
      const who = whoSaid(requirement);
      const required = who === '' ? requirement.level : `${requirement.level} by ${who}`;
      return {
        exposure: exposureOf(route),
        cells: [method, path, answerText(http), answerText(https), required],
      };
    });
}

function exposureOf({ http, requirement }: ProbedRoute): ProbedRow['exposure'] {
  if (http?.status === undefined) return 'open';
  const isTurnedAway = http.status >= 400 || /^https:/i.test(http.location ?? '');
  if (requirement.level === 'required') return isTurnedAway ? 'safe' : 'wrong';
  return isTurnedAway ? 'safe' : 'open';
}

function answerText(answer: ProbedAnswer | undefined): string {
  if (answer === undefined) return 'not asked';
  const { status, location } = answer;
  if (status === undefined) return 'no answer';
  return location === undefined ? String(status) : `${status} to ${location}`;
}
