const { dirname } = require('node:path');

const express = dirname(require.resolve('express'));

/**
 * Jest cannot require an ES module before Node 24.9, and @fastify/static requires one. Express brings the same package as
 * CommonJS.
 */
module.exports = function resolve(request, options) {
  return options.defaultResolver(
    request,
    request === 'content-disposition' ? { ...options, basedir: express } : options,
  );
};
