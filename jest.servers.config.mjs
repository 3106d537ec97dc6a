import config from './jest.config.mjs';

// The tests against real servers, which they start themselves: redis-server, postgres, mariadbd,
// chromium, nginx, apache2, caddy and haproxy must be installed.
export default { ...config, roots: ['<rootDir>/spec/servers'], testPathIgnorePatterns: ['/node_modules/'] };
