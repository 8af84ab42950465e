/** The rivals run for real: they find what is there, nothing where nothing is, and the same every time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Arm } from '../../bench/rivals/arm.ts';
import { ARMS, RIVALS } from '../../bench/rivals/arms.ts';
import { attempt, PROPERTY_IS_FALSE, propertyOf } from '../../bench/rivals/commands-arm.ts';
import { expertCommands } from '../../bench/rivals/expert.ts';
import { LiveRun } from '../../bench/rivals/live-run.ts';
import { machinePlans } from '../../bench/rivals/machine-plans.ts';
import { metered } from '../../bench/rivals/meter.ts';
import { runTrial } from '../../bench/rivals/trial.ts';
import { markOf, seedOf, trialsDue } from '../../bench/rivals.ts';
import type { Scenario } from '../../contract/scenario.ts';
import { FAULTY_KERNELS } from '../../faults/kernels.ts';
import { loadFaultyKernel } from '../../faults/load.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { ALL_INVARIANTS } from '../../properties/invariants/all.ts';

function armCalled(name: string): Arm {
  const found = ARMS.find((arm) => arm.name === name);
  if (found === undefined) throw new Error(`no arm is called ${name}`);
  return found;
}

const faulty = (name: string) => {
  const fault = FAULTY_KERNELS.find((patch) => patch.name === name);
  if (fault === undefined) throw new Error(`no fault is called ${name}`);
  return loadFaultyKernel(fault);
};

const now = (): number => 0;
const [expert, ours, naive] = [RIVALS.expert, RIVALS.ours, 'naive-long'].map(armCalled) as [Arm, Arm, Arm];

describe('rivals', () => {
  test.each([expert, ours, naive].map((arm) => [arm.name, arm] as const))(
    '%s finds an easy fault, shrinks it, and does the same again',
    (_name, arm) => {
      const limits = { budget: 4000, shrinkLimit: 40, now };
      const kernel = faulty('kenter-keeps-no-pv');
      const first = runTrial(arm, kernel, 1, limits);
      expect(first.found).toBe(true);
      expect(first.operations).toBeGreaterThan(0);
      expect(first.shrunk?.to).toBeLessThanOrEqual(first.shrunk?.from ?? 0);
      expect(first.shrunk?.runs).toBeGreaterThan(0);
      expect(runTrial(arm, kernel, 1, limits)).toEqual(first);
    },
  );

  test.each(ARMS.map((arm) => [arm.name, arm] as const))(
    '%s finds nothing in the faithful kernel',
    (_name, arm) => {
      const trial = runTrial(arm, optimizedKernel, 3, { budget: 250, shrinkLimit: 0, now });
      expect(trial).toEqual({ found: false, operations: 250, seconds: 0, shrunk: null });
    },
  );

  test.each([expert, ours, naive].map((arm) => [arm.name, arm] as const))(
    '%s finds a kernel that throws as soon as it is looked at',
    (_name, arm) => {
      const module = faulty('queue-link-lost');
      const throwing: typeof module = {
        ...module,
        boot: () => {
          throw new Error('no');
        },
      };
      const trial = runTrial(arm, throwing, 1, { budget: 100, shrinkLimit: 0, now });
      expect(trial).toMatchObject({ found: true });
      expect(trial.operations).toBeLessThanOrEqual(1);
    },
  );

  test('no arm does what another does, but for what is judged only', () => {
    const unlike = ARMS.filter(({ name }) => name !== 'no-invariants' && name !== 'no-comparison');
    expect(new Set(unlike.map(markOf)).size).toBe(unlike.length);
  });

  test('the budget ends a search whatever is left of the run', () => {
    const kernel = metered(optimizedKernel);
    const { module: candidate, operations, runs, uncounted } = kernel;
    expect(
      expert.find({ candidate, seed: 1, operations, runs, uncounted, budget: 40, shrinkLimit: 0 }),
    ).toBeNull();
    expect(operations()).toBe(40);
  });

  test('commands of the expert are live: of what they free, reach and resume most is there', () => {
    const outcomes = new Map<string, number>();
    const kinds = new Set<string>();
    const count = ({ machine, operations }: Scenario): void => {
      const kernel = referenceKernel.boot(machine);
      for (const [i, operation] of operations.entries()) {
        kinds.add(operation.kind);
        const { kind } = kernel.apply(operation, i + 1).outcome;
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
      }
    };
    const runs = fc.sample(
      fc.tuple(fc.commands(expertCommands(), { maxCommands: 150, size: 'max' }), machinePlans()),
      {
        seed: 5,
        numRuns: 30,
      },
    );
    let given = 0;
    for (const [commands, plan] of runs) {
      const live = new LiveRun(plan, {
        reference: referenceKernel,
        candidate: optimizedKernel,
        compare: true,
        invariants: ALL_INVARIANTS,
        fullEvery: 64,
        mayGoOn: () => true,
        uncounted: () => undefined,
      });
      const listed = [...commands];
      given += listed.length;
      fc.modelRun(() => ({ model: live, real: live }), listed);
      count(live.scenario);
    }
    const run = [...outcomes.values()].reduce((sum, number) => sum + number, 0);
    expect(run / given).toBeGreaterThan(0.45);
    expect(kinds.size).toBeGreaterThan(38);
    expect((outcomes.get('rejected') ?? 0) / run).toBeLessThan(0.01);
    expect((outcomes.get('kern') ?? 0) / run).toBeGreaterThan(0.1);
  });

  test('a failure of the expert replays from seed, path and replayPath', () => {
    const { module: candidate, uncounted } = metered(faulty('kenter-keeps-no-pv'));
    const check = (replay: { readonly path?: string; readonly replayPath?: string }) => {
      const { path, replayPath } = replay;
      const property = propertyOf(
        expertCommands(),
        { maxCommands: 150, size: 'max', ...(replayPath !== undefined && { replayPath }) },
        (plan, drawn) => attempt({ task: { candidate, uncounted }, mayGoOn: () => true }, plan, drawn),
      );
      return fc.check(property, {
        seed: 1,
        numRuns: 100,
        ...(path !== undefined && { path }),
        endOnFailure: path !== undefined,
      });
    };
    const { counterexamplePath, counterexample } = check({});
    const [commands] = counterexample ?? [];
    const replayPath = /replayPath="([^"]*)"/.exec(String(commands))?.[1];
    expect(replayPath).toBeDefined();
    const again = check({ path: counterexamplePath ?? '', replayPath: replayPath ?? '' });
    expect(again.failed).toBe(true);
    expect(again.errorInstance).toEqual(new Error(PROPERTY_IS_FALSE));
    expect(String(again.counterexample?.[0]).replace(/\/\*.*/, '')).toBe(
      String(commands).replace(/\/\*.*/, ''),
    );
  });

  test('every arm has its turn to be first, and seeds differ from fault to fault', () => {
    const faults = FAULTY_KERNELS.slice(0, 12).map(({ name }) => name);
    const due = trialsDue({ arms: ARMS, faults, seeds: 1 });
    expect(due.length).toBe(12 * ARMS.length);
    const firsts = due.filter((_, i) => i % ARMS.length === 0).map(({ arm }) => arm.name);
    expect(new Set(firsts).size).toBe(ARMS.length);
    expect(new Set(faults.map((fault) => seedOf(fault, 1))).size).toBe(faults.length);
  });
});
