import Sequencer from '@jest/test-sequencer';

/**
 * Child processes, compilers and bundles first: a worker that begins with one of them last keeps the others waiting. Before
 * them two of middle length, for the first of a worker loads the packages for all that follow, which takes two seconds.
 */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const isLong = ({ path }) => path.endsWith('.all.spec.ts');
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's, and returns a list of its own
    const sorted = super.sort(tests).toSorted((one, other) => Number(isLong(other)) - Number(isLong(one)));
    const first = sorted.splice(Math.floor(sorted.length / 2), 2);
    return [...first, ...sorted];
  }
}
