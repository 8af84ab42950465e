/** Machines of every shape: tables beyond one batch, RAM beyond 32 MiB, a recursive slot elsewhere, slots taken by users. */
import { afterAll, expect, test } from 'vitest';
import { address, bytes, frameNumber, PDE_SPAN } from '../../contract/address.ts';
import { type MachineConfig, recursiveSlot } from '../../contract/machine.ts';
import type { Operation } from '../../contract/operation.ts';
import { optimizedKernel } from '../../impl/optimized-kernel.ts';
import { GuestPool } from '../../judge/guest-pool.ts';
import { judgeScenario } from '../../judge/scenario.ts';
import { flatSpaces, freeSlots } from '../../judge/state.ts';
import { TOUR } from '../../judge/tour.ts';
import { referenceKernel } from '../../model/reference-kernel.ts';
import { freshState } from './state.ts';

const guests = new GuestPool();
afterAll(() => guests.end());

/** The verdict on the last state of a user pmap with a page at each of these addresses, on the tour's machine or another. */
function judged(changes: Partial<MachineConfig>, pages: readonly number[]) {
  const operations: Operation[] = [
    { kind: 'pmap_create', name: 'u0', size: bytes(0) },
    ...pages.map(
      (at, i): Operation => ({
        kind: 'pmap_enter',
        pmap: 'u0',
        address: address(at),
        frame: frameNumber(i % 2),
        protection: 7 as 0,
        wired: false,
      }),
    ),
  ];
  const machine = { ...TOUR.machine, ...changes };
  const wanted = (number: number): boolean => number === operations.length;
  const kernels = { reference: referenceKernel, candidate: optimizedKernel };
  return judgeScenario({ machine, operations }, kernels, guests, { wanted, salts: [0] });
}

test('a kernel map of 700 tables takes several batches', async () => {
  const kernelMin = address(0x5000_0000);
  const kernelMax = address(0xff00_0000);
  const window = { kernelMin, kernelStart: address(kernelMin + 0x1_0000), kernelMax, scratchWindow: null };
  const { report, words } = await judged(window, [0x40_0000]);
  expect(report.failure).toBeNull();
  expect(words).toBe(2 * 2 * 1024 * (1 + 700) + 2 * 1024);
});

test('40 MiB of RAM have the stub behind them', async () => {
  const { report } = await judged({ managedPages: 10_240 }, [8 * PDE_SPAN, 9 * PDE_SPAN]);
  expect(report.failure).toBeNull();
});

test('where the kernel needs slot 959 the window lies below its tables', async () => {
  const start = {
    kernelMin: address(0xefc0_0000),
    kernelStart: address(0xefc2_0000),
    kernelMax: address(0xf000_0000),
  };
  expect(recursiveSlot({ ...TOUR.machine, ...start })).toBe(958);
  expect((await judged({ ...start, scratchWindow: null }, [0x40_0000])).report.failure).toBeNull();
});

test('slots that users map in are left to them', async () => {
  const taken = [8, 9, 10, 11, 12, 13, 14, 15].map((slot) => slot * PDE_SPAN);
  expect((await judged({}, taken)).report.failure).toBeNull();
  const state = freshState();
  const free = freeSlots(state, flatSpaces(state), 0, 6);
  expect(free).toEqual([0, 2, 3, 5]);
});

test('the first and the last page that a user can map, and a kernel map up to the last page', async () => {
  const top = {
    kernelMin: address(0xffe0_0000),
    kernelStart: address(0xffe1_0000),
    kernelMax: address(0xffff_f000),
    scratchWindow: null,
  };
  expect((await judged(top, [0, 0xefbf_d000])).report.failure).toBeNull();
});
