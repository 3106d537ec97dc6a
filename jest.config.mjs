export default {
  testEnvironment: '<rootDir>/spec/support/jest-environment.cjs',
  runtime: '<rootDir>/spec/support/jest-runtime.cjs',
  roots: ['<rootDir>/spec'],
  testMatch: ['**/*.spec.ts'],
  // An application starts in most tests; a slow machine is no failure.
  testTimeout: 30_000,
  maxWorkers: '100%',
  // `npm run test:all` runs those that end in .all.spec.ts as well: child processes, the compiler, bundles.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/spec/servers/', '\\.all\\.spec\\.ts$'],
  testSequencer: '<rootDir>/spec/support/longest-first.mjs',
  reporters: ['default', '<rootDir>/spec/support/slowest-files.mjs'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: {
    '^nestjs-secure$': '<rootDir>/lib/index.ts',
    '^nestjs-secure/testing$': '<rootDir>/lib/testing/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false }] },
  collectCoverageFrom: ['lib/{policy,transport,urls,response}/**/*.ts'],
  coverageThreshold: { global: { branches: 100, functions: 100, lines: 100, statements: 100 } },
};
