import config from './jest.config.mjs';

// Read by spec/support/everything.ts, in every worker.
process.env.TEST_ALL = '1';

/** Everything that needs no installed server: every matrix, every race, and 20,000 runs of each property. */
export default {
  ...config,
  testTimeout: 60_000,
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/spec/servers/'],
};
