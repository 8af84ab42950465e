/** kill -9 at so many moments: once a failure was met, its scenario is on disk, whole, and fails again. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { readScenario } from '../../cli/scenario-file.ts';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { runLockstep } from '../../properties/lockstep.ts';
import { sameSignature, signatureOf } from '../../properties/signature.ts';
import { bin, directoryWith, vmlockstep } from './command.ts';
import { kernel, showing } from './kernel-text.ts';

/** Runs at the same time. */
const LANES = 3;

/** Fails at the twelfth operation, and is so slow that shrinking takes some seconds. */
const SLOW = kernel({
  declares: showing("'outcomes'"),
  boot: '() => { calls = 0; return { apply }; }',
  apply: `() => {
    for (const end = performance.now() + 1; performance.now() < end; );
    calls += 1;
    return { outcome: { kind: calls < 12 ? 'done' : 'none' } };
  }`,
  also: 'let calls = 0;',
});
const ARGS = ['check', '--kernel', './slow.mjs', '--seed', '5', '--runs', '40'];
const FOUND = join('out', 'INV-ACC-MODEL-5.unshrunk.scn.json');

/** The same in this process, which is faster than a command for each file. */
const liar: KernelModule = {
  declares: { name: 'liar', operations: ['pagedaemon'], shows: ['outcomes'], placement: 'first-fit' },
  boot: () => {
    let calls = 0;
    return {
      apply: () => {
        calls += 1;
        return { outcome: calls < 12 ? { kind: 'done' } : { kind: 'none' } };
      },
    };
  },
};
const signatureIn = (path: string) =>
  signatureOf(
    runLockstep(readScenario(path).scenario, {
      reference: referenceKernel,
      candidate: liar,
      compare: true,
      invariants: [],
      fullEvery: 1,
    }),
  );

/**
 * When to kill: so many milliseconds after the process began, its kernel was loaded, it told of the failure, or of the first
 * smaller scenario.
 */
interface Moment {
  readonly after: 'start' | 'run' | 'failure' | 'shrink';
  readonly delay: number;
}
const moments = (kills: number): Moment[] =>
  fc.sample(
    fc.oneof(
      { weight: 1, arbitrary: fc.record({ after: fc.constant('start' as const), delay: fc.nat(900) }) },
      { weight: 2, arbitrary: fc.record({ after: fc.constant('run' as const), delay: fc.nat(150) }) },
      { weight: 3, arbitrary: fc.record({ after: fc.constant('failure' as const), delay: fc.nat(700) }) },
      { weight: 4, arbitrary: fc.record({ after: fc.constant('shrink' as const), delay: fc.nat(100) }) },
    ),
    { seed: 50, numRuns: kills },
  );

/** What a campaign had told by the time it was killed. */
interface Told {
  /** Of the failure. */
  readonly met: boolean;
  /** Of a smaller scenario, and not of its end. */
  readonly shrinking: boolean;
}

/** Runs the campaign up to the moment. */
function killedAt({ after, delay }: Moment, directory: string): Promise<Told> {
  return new Promise((settle) => {
    // A group of its own: the guardian and the process that it guards die together.
    const child = spawn(process.execPath, [bin, ...ARGS, '--events', '-'], {
      cwd: directory,
      detached: true,
    });
    let told = '';
    let waiting = true;
    const look = (place: Moment['after']): void => {
      if (!waiting || place !== after) return;
      waiting = false;
      setTimeout(() => {
        if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      }, delay);
    };
    child.stderr.resume();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (told.includes('"event":"run"')) look('run');
      if (told.includes('"event":"failure"')) look('failure');
      if (told.includes('"event":"shrink"')) look('shrink');
    });
    const has = (event: string): boolean => told.includes(`"event":"${event}"`);
    child.on('close', () => settle({ met: has('failure'), shrinking: has('shrink') && !has('end') }));
    look('start');
  });
}

/** Describes the claim for so many kills. */
export function killedAtMoments(kills: number): void {
  describe('a campaign killed with -9', () => {
    let expected = '';
    beforeAll(async () => {
      const directory = directoryWith({ 'slow.mjs': SLOW });
      const { status } = await vmlockstep(directory, ARGS);
      expect(status).toBe(1);
      expected = readFileSync(join(directory, FOUND), 'utf8');
      const replayed = await vmlockstep(directory, ['replay', FOUND, '--kernel', './slow.mjs']);
      expect(replayed.stdout).toMatch(/^FAILED INV-ACC-MODEL after operation 12$/m);
      expect(replayed.status).toBe(1);
      expect(readdirSync(join(directory, 'out')).filter((name) => /shrinking|RUNNING/.test(name))).toEqual(
        [],
      );
    }, 120_000);

    test(`at ${kills} moments has its failure on disk whenever it had met it`, async () => {
      const todo = moments(kills).entries();
      const ends: (Told & { readonly moment: Moment; readonly directory: string })[] = [];
      const lane = async (): Promise<void> => {
        for (const [, moment] of todo) {
          const directory = directoryWith({ 'slow.mjs': SLOW });
          ends.push({ moment, ...(await killedAt(moment, directory)), directory });
        }
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      expect(ends).toHaveLength(kills);

      let smaller = 0;
      for (const { moment, met, shrinking, directory } of ends) {
        const found = join(directory, FOUND);
        if (met) expect(existsSync(found), JSON.stringify(moment)).toBe(true);
        if (!existsSync(join(directory, 'out'))) continue;
        // What is there is whole, told or not.
        if (existsSync(found)) expect(readFileSync(found, 'utf8')).toBe(expected);
        const best = join(directory, 'out', 'INV-ACC-MODEL-5.shrinking.scn.json');
        const ended = existsSync(join(directory, 'out', 'INV-ACC-MODEL-5.scn.json'));
        if (shrinking && !ended) expect(existsSync(best), JSON.stringify(moment)).toBe(true);
        if (!existsSync(best)) continue;
        smaller += 1;
        const [first, now] = [signatureIn(found), signatureIn(best)];
        expect(first !== null && now !== null && sameSignature(first, now)).toBe(true);
        expect(readScenario(best).scenario.operations.length).toBeLessThan(
          readScenario(found).scenario.operations.length,
        );
      }
      const met = ends.filter((end) => end.met).length;
      expect(met).toBeGreaterThan(kills / 3);
      expect(met).toBeLessThan(kills);
      expect(smaller).toBeGreaterThan(kills / 5);
    }, 300_000);
  });
}
