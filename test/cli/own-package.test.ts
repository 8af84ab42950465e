/** A kernel's file may lie anywhere and still import the contract by the package's name. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judgeScenario as aliased } from 'vmlockstep';
import { address } from 'vmlockstep/contract';
import toy from '../../examples/first-fit.ts';
import { reachableGoals } from '../../properties/goals.ts';
import { judgeScenario } from '../../properties/lockstep.ts';
import { directoryWith, vmlockstep } from './command.ts';

const source = readFileSync(new URL('../../examples/first-fit.ts', import.meta.url), 'utf8');

test.each([null, '{"type":"module"}'])('with a package file of %s', async (packageFile) => {
  const directory = directoryWith({
    'kernel.ts': source,
    ...(packageFile === null ? {} : { 'package.json': packageFile }),
  });
  const { status, stdout } = await vmlockstep(directory, ['check', '--kernel', 'kernel.ts', '--runs', '5']);
  expect({ status, last: stdout.trim().split('\n').at(-1) }).toEqual({
    status: 0,
    last: '5 passed, 0 failed, 0 skipped',
  });
});

test('a suite in a clone imports the package by its name', () => {
  expect(aliased).toBe(judgeScenario);
  expect(address(4096)).toBe(4096);
});

test('a kernel with two operations is asked only for goals that these can meet', () => {
  const ids = reachableGoals(toy.declares).map(({ id }) => id);
  expect(ids).toContain('free-of-nothing');
  for (const id of ['submap-full', 'page-retained', 'freed-wired-twice', 'sleep:transition:kmem_free'])
    expect(ids).not.toContain(id);
});
