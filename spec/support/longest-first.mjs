import Sequencer from '@jest/test-sequencer';

/** Child processes, compilers and bundles first: a worker that begins with one of them last keeps the others waiting. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const isLong = ({ path }) => path.endsWith('.all.spec.ts');
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's, and returns a list of its own
    return super.sort(tests).toSorted((one, other) => Number(isLong(other)) - Number(isLong(one)));
  }
}
