/** The suite of somebody who has a kernel of their own, as README.md shows it. */
import { expect, test } from 'vitest';
import { expectLockstep } from 'vmlockstep';
import kernel from './kernel.ts';

test('my kernel does what the model does', () => {
  expect(expectLockstep(kernel, { kernel: 'kernel.ts' }).scenarios).toBeGreaterThanOrEqual(100);
}, 60_000);
