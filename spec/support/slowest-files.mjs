/** A reporter of jest: the ten slowest files, as they ran beside the others. */
export default class SlowestFiles {
  onRunComplete(_contexts, { testResults }) {
    if (testResults.length < 10) return;
    const seconds = ({ perfStats: { start, end } }) => (end - start) / 1000;
    const slowest = testResults.toSorted((a, b) => seconds(b) - seconds(a)).slice(0, 10);
    console.error('\nThe ten slowest files:');
    for (const result of slowest) {
      console.error(
        `${seconds(result).toFixed(1).padStart(6)} s  ${result.testFilePath.replace(/.*\/spec\//, 'spec/')}`,
      );
    }
  }
}
