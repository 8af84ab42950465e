/** The tutorial shows what its commands print, cites rules that its scenarios follow, and sets exercises that can be solved. */
import { readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runCase } from '../cli/corpus-job.ts';
import { faultKernelOrRefuse } from '../cli/fault-kernel.ts';
import { readScenario, type StoredScenario } from '../cli/scenario-file.ts';
import { staleness } from '../cli/scenario-outcomes.ts';
import { RULES } from '../contract/rules.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { directoryWith, root, vmlockstep } from './cli/command.ts';

const text = readFileSync(join(root, 'docs', 'tutorial.md'), 'utf8');
const chapters = text.split(/^## (?=\d\. )/m).slice(1);
const files = readdirSync(join(root, 'tutorial')).filter((name) => name.endsWith('.scn.json'));

const stored = (...path: readonly string[]): StoredScenario => readScenario(join(root, 'tutorial', ...path));

describe('what it shows is what its commands print', () => {
  const shown = [...text.matchAll(/```\n\$ npx vmlockstep (.*)\n([^`]*)```/g)];

  test('there is something to show in each chapter', () => {
    expect(shown.length).toBeGreaterThanOrEqual(chapters.length);
    for (const chapter of chapters) expect(chapter).toContain('```\n$ npx vmlockstep ');
  });

  test.each(shown.map(([, command = '', lines = '']) => [command, lines]))('%s', async (command, lines) => {
    const directory = directoryWith();
    for (const name of ['tutorial', 'golden']) symlinkSync(join(root, name), join(directory, name));
    // Other tests share the machine: a kernel may take its time to load.
    const patience = command.includes('--kernel ') ? ['--kernel-timeout', '60s'] : [];
    const { stdout: said, stderr } = await vmlockstep(directory, [...command.split(' '), ...patience]);
    // The commands that it prints repeat the flags that it was given.
    const stdout = said.replaceAll(' --kernel-timeout 1m', '');
    // `…` stands for any lines; what stands between two of them is there as it is, and in this order.
    const parts = lines.split(/^…\n/m).filter((part) => part !== '');
    let at = 0;
    for (const part of parts) {
      expect(stdout.slice(at), stderr).toContain(part);
      at = stdout.indexOf(part, at) + part.length;
    }
    expect(parts.join('').split('\n').length).toBeGreaterThan(3);
  });
});

test('each chapter is a scenario that holds on the optimized kernel', () => {
  expect(files.map((name) => name.slice(0, 1))).toEqual(chapters.map((chapter) => chapter.slice(0, 1)));
  for (const name of files) expect(runCase(stored(name).scenario, optimizedKernel).failure).toBeNull();
});

test.each(chapters.map((chapter, i) => [i + 1, chapter]))(
  'the rules that chapter %i cites are those that its scenario follows',
  (number, chapter) => {
    const { machine, operations } = stored(files[Number(number) - 1] ?? '').scenario;
    const kernel = referenceKernel.boot(machine);
    for (const [i, operation] of operations.entries()) kernel.apply(operation, i + 1);
    const known = Object.keys(RULES);
    const cited = [...String(chapter).matchAll(/\b(?!INV-)[A-Z]+(?:-[A-Z]+)?-\d+\b/g)].map(([id]) => id);
    expect(cited.length).toBeGreaterThan(3);
    expect(cited.filter((id) => !known.includes(id))).toEqual([]);
    const followed = [...kernel.rules.keys()].map(String);
    expect(cited.filter((id) => !followed.includes(id))).toEqual([]);
  },
);

describe('the exercises', () => {
  const names = readdirSync(join(root, 'tutorial', 'exercises'));

  test('are two a chapter, each named with its command, each with a solution', () => {
    expect(names).toEqual(
      chapters.flatMap((_, i) => [`${i + 1}-find.scn.json`, `${i + 1}-predict.scn.json`]),
    );
    expect(readdirSync(join(root, 'tutorial', 'solutions'))).toEqual(names);
    for (const name of names)
      expect(text).toMatch(new RegExp(`\`npx vmlockstep replay tutorial/exercises/${name}[ \`]`));
  });

  test.each(names.filter((name) => name.endsWith('-predict.scn.json')))(
    '%s is answered by its solution and not by itself',
    (name) => {
      const exercise = stored('exercises', name);
      const solution = stored('solutions', name);
      expect(solution.scenario).toEqual(exercise.scenario);
      expect(staleness(exercise.scenario, exercise.outcomes)).toMatch(/^operations\[0\] .* meant "\?"/);
      expect(exercise.outcomes?.every((word) => word === '?')).toBe(true);
      expect(solution.outcomes).toBeDefined();
      expect(staleness(solution.scenario, solution.outcomes)).toBeNull();
    },
  );

  const NUMBERS = ['no', 'one', 'two', 'three', 'four'];
  test.each(names.filter((name) => name.endsWith('-find.scn.json')))(
    '%s is solved by its solution, in as many operations as it says',
    async (name) => {
      const fault = new RegExp(`exercises/${name} --kernel (fault:[a-z-]+)\``).exec(text)?.[1] ?? '';
      const faulty = await faultKernelOrRefuse(fault);
      const { scenario } = stored('solutions', name);
      const chapter = chapters[Number(name.slice(0, 1)) - 1] ?? '';
      expect(chapter).toContain(`**Find** in ${NUMBERS[scenario.operations.length]} operations:`);
      expect(runCase(stored('exercises', name).scenario, faulty).failure).toBeNull();
      expect(runCase(scenario, faulty).failure?.number).toBe(scenario.operations.length);
      expect(runCase(scenario, optimizedKernel).failure).toBeNull();
    },
  );
});
