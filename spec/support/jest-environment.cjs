const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { IncomingMessage, ServerResponse } = require('node:http');
const { setFlagsFromString } = require('node:v8');
const { ModernFakeTimers } = require('@jest/fake-timers');
const { ModuleMocker } = require('jest-mock');

// What Jest keeps for itself before a spec fakes it.
const NATIVE = {
  'jest-native-promise': Promise,
  'jest-native-now': Date.now.bind(Date),
  'jest-native-read-file': readFileSync,
  'jest-native-write-file': writeFileSync,
  'jest-native-exists-file': existsSync,
};
// What jest-circus leaves on the global object: each file has these of its own, or events reach the files before it.
const OF_ONE_FILE = new Set([
  'JEST_STATE_SYMBOL',
  'EVENT_HANDLERS',
  'TEST_TIMEOUT_SYMBOL',
  'RETRY_TIMES',
  'RETRY_TIMES_SETTER',
  'RETRY_IMMEDIATELY',
  'WAIT_BEFORE_RETRY',
  'LOG_ERRORS_BEFORE_RETRY',
]);

// What a spec calls a hundred times is not worth a compilation: V8 is to wait for what is called more often. Measured on the
// specs of gate, guard, enforcer and half of the session: 44 s of CPU in place of 50.
setFlagsFromString('--interrupt-budget=1000000');

// A process that ends by itself first takes its heap apart, for longer than Jest waits for a worker.
process.once('beforeExit', () => process.exit());

/** light-my-request gives Express's prototypes others, for the whole process, when it injects into an application of Express. */
function restoreExpress() {
  // Nest 11 brings a copy of Express of its own.
  for (const path of Object.keys(require.cache).filter((file) => /[/\\]express[/\\]index\.js$/.test(file))) {
    const { request, response } = require.cache[path].exports;
    Object.setPrototypeOf(request, IncomingMessage.prototype);
    Object.setPrototypeOf(response, ServerResponse.prototype);
  }
}

/** The context of Node itself, for spec/support/jest-runtime.cjs. What a file changes in `process` ends with the file. */
module.exports = class MainContextEnvironment {
  constructor({ projectConfig }) {
    this.global = globalThis;
    for (const [name, value] of Object.entries(NATIVE)) globalThis[Symbol.for(name)] ??= value;
    this.moduleMocker = new ModuleMocker(globalThis);
    this.fakeTimers = null;
    this.fakeTimersModern = new ModernFakeTimers({ config: projectConfig, global: globalThis });
    this.before = { env: { ...process.env }, exit: process.exit, console };
  }

  async setup() {
    // Jest has 100 frames taken for each expectation and each error of an application.
    Error.stackTraceLimit = 10;
  }

  async teardown() {
    this.fakeTimersModern.dispose();
    for (const key of Object.getOwnPropertySymbols(globalThis)) {
      if (OF_ONE_FILE.has(key.description) || key.description.startsWith('nestjs-secure:')) delete globalThis[key];
    }
    for (const name of Object.keys(process.env)) {
      if (!(name in this.before.env)) delete process.env[name];
    }
    Object.assign(process.env, this.before.env);
    restoreExpress();
    process.exit = this.before.exit;
    process.exitCode = undefined;
    globalThis.console = this.before.console;
  }

  exportConditions() {
    return ['node', 'node-addons'];
  }

  getVmContext() {
    return globalThis;
  }
};
