/** Whether the long runs are asked for: `ALL=1 npm test -- <file>`. The one place that reads the variable. */
export const isThorough = process.env['ALL'] !== undefined && process.env['ALL'] !== '';

/** How often a randomised test runs: a few times with every `npm test`, and as often as it should in a thorough run. */
export function runs(usually: number, thoroughly: number): number {
  return isThorough ? thoroughly : usually;
}
