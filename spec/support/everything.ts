/**
 * Whether `npm run test:all` runs: every adapter, every cell of a matrix, every round of a race and 20,000 runs of a
 * property. `npm test` covers each promise once on both adapters. Files that end in `.all.spec.ts` run in the former only.
 */
export const EVERYTHING = process.env['TEST_ALL'] === '1';

/** The runs of a property; `npm run test:mutation` has fewer for each mutant. */
export const PROPERTY_RUNS = { numRuns: Number(process.env['PROPERTY_RUNS'] ?? howMany(20_000, 200)) };

/**
 * The schedules of requests in two processes, each of which is some ten requests over sockets:
 * `SCHEDULES=20000 npm run test:all -- spec/session/model` runs as many as other properties, and so does
 * `SCHEDULES=20000 npm run test:servers -- spec/servers/session-model.spec.ts`.
 */
export const SCHEDULES = { numRuns: Number(process.env['SCHEDULES'] ?? howMany(3_000, 200)) };

/** How often something is done: as often as `npm run test:all` does it, or a few times. */
export function howMany(all: number, few: number): number {
  return EVERYTHING ? all : few;
}

/** The rows of a table: all of them, or every nth. */
export function sampled<Row>(rows: readonly Row[], nth: number): readonly Row[] {
  return EVERYTHING ? rows : rows.filter((_, at) => at % nth === 0);
}

/** The rows of a table for one of several columns: all of them, or in turn each row for one column only. */
export function shared<Row>(rows: readonly Row[], column: number, columns: number): readonly Row[] {
  const own = rows.filter((_, at) => at % columns === column);
  return EVERYTHING || own.length === 0 ? rows : own;
}

/** How often a property must have come across a case to mean something; so few runs as `npm test` has are not counted. */
export function oftenEnough(all: number): number {
  return howMany(all, -1);
}
