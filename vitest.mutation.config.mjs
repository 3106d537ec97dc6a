import { defineConfig } from 'vitest/config';

const room = process.env.ROOM ?? 'policy';

/** The specs of one pure room, for `npm run test:mutation`: Vitest starts them for a mutant in a tenth of the time of Jest. */
export default defineConfig({
  test: {
    globals: true,
    isolate: false,
    include: [
      room === 'session'
        ? 'spec/session/{session-state,header-plan,lifetimes,cookie-tag}.spec.ts'
        : `spec/${room}/*.spec.ts`,
      ...(room === 'settings' ? ['spec/{session,device-bound}/options.spec.ts'] : []),
    ],
    // These start applications.
    exclude: [
      'spec/transport/socket-and-framework.spec.ts',
      'spec/urls/{every-route,secure-urls-of-applications}.spec.ts',
      'spec/response/{hsts-beside-others,insecure-cookies}.spec.ts',
    ],
    // Read by spec/support/everything.ts.
    env: { PROPERTY_RUNS: '10' },
    testTimeout: 60_000,
  },
});
