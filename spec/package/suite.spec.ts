import express from 'express';
import { executionAsyncResource } from 'node:async_hooks';
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

  it('has no storage of Node in a test, for which every promise would be followed', () => {
    expect(Object.getOwnPropertySymbols(executionAsyncResource()).map(String)).not.toContain('Symbol(kResourceStore)');
  });
});
