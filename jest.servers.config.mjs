import config from './jest.config.mjs';

// The tests against real servers, which they start themselves: redis-server and postgres must be installed.
export default { ...config, roots: ['<rootDir>/spec/servers'], testPathIgnorePatterns: ['/node_modules/'] };
