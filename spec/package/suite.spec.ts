import { jest } from '@jest/globals';
import express from 'express';
import { readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { SecureModule } from 'nestjs-secure';

// The suite relies on parts of Jest that are not its public face: spec/support/jest-runtime.cjs says which, and why.
describe('the suite', () => {
  const loadedByNode = Reflect.get(Module, '_cache');

  it('has packages from Node, which loads each of them once per worker', () => {
    const path = createRequire(import.meta.url).resolve('express');
    expect(loadedByNode[path].exports).toBe(express);
  });

  it('has lib from its worker, which loads each module of it once', async () => {
    const [runtime, index] = ['../support/jest-runtime.cjs', '../../lib/index.ts'].map((path) =>
      fileURLToPath(new URL(path, import.meta.url)),
    );
    const module = loadedByNode[runtime ?? ''].exports.lib.get(index);
    expect(module.namespace.SecureModule).toBe(SecureModule);
    jest.resetModules();
    const { SecureModule: another } = await import('nestjs-secure');
    expect(another).not.toBe(SecureModule);
  });

  it('runs in the context of Node, where what Node throws is an Error', () => {
    expect(() => readFileSync('no such file')).toThrow(Error);
  });

  it("has the test that runs in a storage that is none of Node's", () => {
    const storage = Reflect.get(globalThis, Symbol.for('nestjs-secure:storage-of-circus'));
    expect(storage.getStore()).toMatchObject({
      test: { name: "has the test that runs in a storage that is none of Node's" },
    });
  });
});
