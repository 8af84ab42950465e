/** expectLockstep, called with what it cannot use: one line that says what was passed and what to pass. */
import { describe, expect, test } from 'vitest';
import { type ExpectLockstepOptions, expectLockstep, type MakeKernel } from 'vmlockstep';
import toy from '../examples/first-fit.ts';

const NOWHERE = { corpus: null, out: null } as const;

class Kernel {}

describe('what is no kernel', () => {
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'makeKernel is undefined; pass a kernel module { declares, boot }'],
    ['null', null, 'makeKernel is null'],
    ['a path', './kernel.ts', 'makeKernel is a text; import the module and pass its default export'],
    ['a promise', Promise.resolve(toy), 'makeKernel is a promise; await it'],
    ['a promise made', () => Promise.resolve(toy), 'makeKernel() is a promise; await it'],
    [
      'all exports',
      { default: toy },
      'makeKernel is all that a module exports; pass its default export alone',
    ],
    ['a booted kernel', { apply: () => undefined }, 'makeKernel is a booted kernel'],
    [
      'a class',
      Kernel,
      'makeKernel is the class Kernel; pass { declares, boot: (machine) => new Kernel(machine) }',
    ],
    ['half a module', { boot: toy.boot }, 'makeKernel lacks declares; a kernel module is { declares, boot }'],
    ['a boot function', toy.boot, 'makeKernel: threw TypeError'],
    ['a number', () => 3, 'makeKernel() is a number'],
    [
      'an unknown operation',
      { ...toy, declares: { ...toy.declares, operations: ['malloc'] } },
      'kernel first-fit: declares.operations[0]: is no operation',
    ],
    [
      'no beginning',
      { ...toy, declares: { ...toy.declares, operations: ['kmem_free'] } },
      'nothing in it can be the first operation',
    ],
  ])('%s', (_, value, message) => {
    expect(() => expectLockstep(value as MakeKernel, { ...NOWHERE, runs: 1 })).toThrow(message);
    expect(() => expectLockstep(value as MakeKernel, { ...NOWHERE, runs: 1 })).not.toThrow(/\n/);
  });
});

test.each<[unknown, string]>([
  [{ rnus: 3 }, "options.rnus: there is no such option; did you mean 'runs'?"],
  [{ runs: -1 }, 'options.runs: must be a whole number from 0 to'],
  [{ runs: '3' }, 'options.runs: must be a whole number from 0 to'],
  [{ seed: 0.5 }, 'options.seed: must be a whole number from 0 to'],
  [{ timeLimit: 0 }, 'options.timeLimit: must be a whole number from 1 to'],
  [
    { workload: 'everything' },
    'options.workload[0]: is no workload; `npx vmlockstep list workloads` names them',
  ],
  [{ workload: [] }, 'options.workload: must name at least one workload'],
  [{ out: '' }, 'options.out: must not be empty'],
  [
    { invariants: ['INV-MAP-ORDER'] },
    'options.invariants[0]: must be an invariant, such as invariantById(ID)',
  ],
  [{ shrink: 1 }, 'options.shrink: must be true or false'],
  [{ scenarios: [] }, 'options.scenarios: must hold at least one'],
  [3, 'options: must be an object'],
])('options %j are refused in one line', (options, message) => {
  expect(() => expectLockstep(toy, options as ExpectLockstepOptions)).toThrow(`expectLockstep: ${message}`);
});
