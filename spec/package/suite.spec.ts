import express from 'express';
import { readFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';

// The suite relies on parts of Jest that are not its public face: spec/support/jest-runtime.cjs says which, and why.
describe('the suite', () => {
  it('has packages from Node, which loads each of them once per worker', () => {
    const path = createRequire(import.meta.url).resolve('express');
    expect(Reflect.get(Module, '_cache')[path].exports).toBe(express);
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
