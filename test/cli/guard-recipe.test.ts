/** The recipe for CI in docs/guard.md is a workflow, and its flags are flags. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { addGuard } from '../../cli/guard-flags.ts';
import { standardOutput } from '../../cli/output.ts';

const page = readFileSync(resolve(import.meta.dirname, '..', '..', 'docs', 'guard.md'), 'utf8');

interface Workflow {
  readonly on: string;
  readonly jobs: Readonly<Record<string, { 'runs-on': string; steps: readonly Record<string, unknown>[] }>>;
}

function flagsOfGuard(): string[] {
  const program = new Command();
  addGuard(
    (name) => program.command(name),
    standardOutput(),
    new URL('file:///'),
    () => undefined,
  );
  return program.commands.flatMap(({ options }) => options.flatMap(({ long }) => long ?? []));
}

test('the recipe parses as a workflow that runs guard with flags that there are', () => {
  const [, text = ''] = /```yaml\n([^`]*)```/.exec(page) ?? [];
  const workflow = parse(text, { strict: true }) as Workflow;
  expect(workflow.on).toBe('pull_request');
  const [job] = Object.values(workflow.jobs);
  expect(job?.['runs-on']).toBe('ubuntu-latest');
  for (const step of job?.steps ?? []) expect('uses' in step || 'run' in step).toBe(true);
  const run =
    job?.steps.map(({ run }) => String(run)).find((line) => line.includes('vmlockstep guard')) ?? '';
  expect(run).toMatch(/^npx vmlockstep guard --base "origin\/\$\{\{ github\.base_ref \}\}" --kernel \S+/);
  const flags = run.match(/--[a-z-]+/g) ?? [];
  expect(flags.length).toBeGreaterThan(2);
  expect(flagsOfGuard()).toEqual(expect.arrayContaining(flags.filter((flag) => flag !== '--')));
});

test('every flag of guard is on its page, and no other', () => {
  const usage = /```\n(npx vmlockstep guard [^`]*)```/.exec(page)?.[1] ?? '';
  const told = [...new Set(usage.match(/--[a-z-]+/g) ?? [])].sort();
  const known = flagsOfGuard().filter((flag) => flag !== '--kernel-timeout');
  expect(told).toEqual([...new Set(known)].sort());
});
