// Measures a group: its subjects side by side, each in a process of its own, in rounds that alternate.
import { startSubject, stayAwake } from './load.mjs';
import { median } from './statistics.mjs';

/**
 * A process warms up until it has given enough answers, for the compiler counts calls; but no longer than this, in seconds.
 * A limit that busy machines reach is worse than none: what is compiled in the rounds counts for the subject.
 */
const LONGEST_WARM_UP = 30;

/** For how long a process is loaded in a round: long enough for garbage to be collected, else a round has that or not. */
const SECONDS = 0.1;
const ROUNDS = 6;

/** What answers a redirect with 301; all others answer 307. */
const MOVED = new Set(['express-sslify', 'Reflector guard', 'node:http']);

/** Which processes the rows of a group need in a pass, by their key: the subject, and what it is asked. */
export function partsOf(rows, pass) {
  const parts = new Map();
  for (const row of rows) {
    for (const role of ['of', 'to', 'floor']) {
      const every = Math.max(row.every ?? 1, role === 'floor' ? 4 : 1);
      if (row[role] === undefined || pass % every !== 0) continue;
      parts.set(keyOf(row, role), partOf(row, role));
    }
  }
  return parts;
}

/** `bare, again` is `bare` in another process. What has no session is not asked for one. */
function partOf({ headers, cookies, redirects = false, signedIn = false, ...row }, role) {
  const subject = row[role].replace(/, again$/, '');
  return {
    subject,
    headers: { ...headers, ...(cookies !== undefined && role !== 'to' && { cookie: cookies }) },
    signedIn: signedIn && !/^(?:bare|module)/.test(subject),
    status: redirects ? (MOVED.has(subject) ? 301 : 307) : 200,
  };
}

/** By what a process is found that several rows share. */
function keyOf(row, role) {
  return `${row[role]} ${JSON.stringify(partOf(row, role))}`;
}

/**
 * Starts the parts of one pass, warms them up and loads them; resolves to the costs and rates of each, or its error, by its
 * key. `backwards`: the other way round, so that what drifts does so for and against everybody.
 */
export async function measureParts(parts, { platform, at, answers, backwards }) {
  const chosen = backwards ? [...parts].toReversed() : [...parts];
  const taken = new Map();
  const running = [];
  const sleep = stayAwake();
  try {
    await Promise.all(
      chosen.map(async ([key, part], place) => {
        try {
          const process = await startSubject(part.subject, platform, at);
          running[place] = { key, process };
          running[place].load = await loadOf(process, part);
        } catch (error) {
          taken.set(key, { error });
        }
      }),
    );
    const ready = () => running.filter((one) => one?.load !== undefined && !taken.get(one.key)?.error);
    const attempt = async ({ key, process, load }, limits) => {
      try {
        return await process.load({ ...load, ...limits });
      } catch (error) {
        taken.set(key, { error });
        return undefined;
      }
    };
    // Together, on both cores: only what is measured needs one for itself.
    await Promise.all(ready().map((one) => attempt(one, { answers, seconds: LONGEST_WARM_UP })));
    for (const one of ready()) {
      one.process.pin();
      taken.set(one.key, { rounds: [] });
    }
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const one of round % 2 === 0 ? ready() : ready().toReversed()) {
        const { cost, rate } = (await attempt(one, { seconds: SECONDS })) ?? {};
        taken.get(one.key).rounds?.push({ cost, rate });
      }
    }
    return taken;
  } finally {
    sleep();
    await Promise.all(running.map((one) => one?.process.stop()));
  }
}

/** What a process is asked. */
async function loadOf(process, { headers, signedIn, status }) {
  return { status, headers: signedIn ? { ...headers, cookie: await process.signIn(headers) } : headers };
}

/** What one pass says of a row: the ratios of its two processes, and what each took; or the error of one of them. Undefined where they were not started. */
export function ratiosOf(taken, row, role = 'of') {
  const parts = [taken.get(keyOf(row, role)), taken.get(keyOf(row, 'to'))];
  if (parts.includes(undefined)) return undefined;
  const failed = parts.findIndex((part) => part.error !== undefined);
  if (failed !== -1) return { error: `${failed === 0 ? row[role] : row.to}: ${parts[failed].error.message}` };
  const [of, to] = parts.map(({ rounds }) => rounds);
  // Of the same round, which lie next to each other.
  const ratio = (measure) => median(of.map((round, index) => round[measure] / to[index][measure]));
  const middle = (rounds, measure) => median(rounds.map((round) => round[measure]));
  return {
    cost: ratio('cost'),
    rate: ratio('rate'),
    micros: [middle(of, 'cost'), middle(to, 'cost')],
    rates: [middle(of, 'rate'), middle(to, 'rate')],
  };
}
