const room = process.env.ROOM ?? 'policy';

/** `ROOM=transport npm run test:mutation`: the mutants of one room against the specs of that room. */
export default {
  // Of the session, what decides.
  mutate: [
    room === 'session' ? 'lib/session/{session-state,header-plan,lifetimes,cookie-tag}.ts' : `lib/${room}/**/*.ts`,
  ],
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.mutation.config.mjs', related: false },
  plugins: ['@stryker-mutator/vitest-runner', './scripts/ignore-texts.mjs'],
  ignorers: ['texts'],
  ignorePatterns: [
    '*',
    '!lib/**',
    '!spec/support/*.ts',
    `!spec/${room}/*.ts`,
    '!spec/{session,device-bound}/options.spec.ts',
    '!scripts/*',
    '!*.json',
    '!vitest.mutation.config.mjs',
  ],
  tempDirName: '.mutants',
  concurrency: 2,
  warnings: { slow: false },
  reporters: ['clear-text', 'progress-append-only', 'json'],
  clearTextReporter: { logTests: false, allowColor: false, reportTests: false, skipFull: true },
  jsonReporter: { fileName: `coverage/mutants-${room}.json` },
};
