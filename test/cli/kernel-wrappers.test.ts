/** What stands between the runner and a kernel hands on every question. */
import { describe, expect, test } from 'vitest';
import { FlightRecorder, sharedRecord } from '../../cli/flight-recorder.ts';
import { judgedModule } from '../../cli/judged-kernel.ts';
import { watchedKernel } from '../../cli/watched-kernel.ts';
import type { KernelModule } from '../../contract/kernel-memory.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { MACHINE } from '../properties/fixture-view.ts';
import { directoryWith, vmlockstep } from './command.ts';

/** Names of what can be asked of a booted kernel; in a class they stand on the prototype. */
function questions(module: KernelModule): string[] {
  const kernel: object = module.boot(MACHINE);
  const own = Object.keys(kernel);
  const shared = Object.getOwnPropertyNames(Object.getPrototypeOf(kernel)).filter(
    (name) => !Object.hasOwn(Object.prototype, name),
  );
  return [...new Set([...own, ...shared])].sort();
}

describe('each question that the optimized kernel answers', () => {
  const asked = questions(optimizedKernel);
  test('is one of many', () => {
    expect(asked).toEqual([
      'apply',
      'audit',
      'cell',
      'memoryImage',
      'pageTables',
      'snapshot',
      'tlb',
      'touched',
    ]);
  });
  test('can be asked of it under watch', () => {
    expect(questions(watchedKernel(optimizedKernel, new FlightRecorder(sharedRecord())))).toEqual(asked);
  });
  test('can be asked of it as an outside kernel', () => {
    expect(questions(judgedModule(optimizedKernel, 'a kernel'))).toEqual(asked);
  });
});

test('check sees a stale translation in the TLB', async () => {
  const { stdout, status } = await vmlockstep(directoryWith(), [
    'check',
    ...['--workload', 'pmap', '--runs', '20', '--no-corpus', '--shrink-time', '2s'],
    ...['--kernel', 'fault:protect-without-flush', '--kernel-timeout', '60s'],
  ]);
  expect(stdout).toMatch(/^FAILED INV-TLB-NOSTALE after operation \d+$/m);
  expect(status).toBe(1);
});
