/** The same suite for another test runner. */
import { test } from 'node:test';
import { expectLockstep } from 'vmlockstep';
import kernel from './kernel.ts';

test('my kernel does what the model does', () => {
  expectLockstep(kernel, { runs: 20, corpus: null, out: null });
});
