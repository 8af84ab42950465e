/** What a sound machine is: kernels boot on it, and not on others. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { address, pages } from '../contract/address.ts';
import { type MachineConfig, machineFaults } from '../contract/machine.ts';
import { optimizedKernel } from '../impl/optimized-kernel.ts';
import { referenceKernel } from '../model/reference-kernel.ts';
import { smallMachine } from './properties/generated.ts';

const at = (page: number) => address(0xfe00_0000 + page * 4096);
const machineOf = (
  mapEntries: number,
  image: number,
  reserved: readonly [number, number][],
): MachineConfig => ({
  ...smallMachine,
  scratchPages: 0,
  scratchWindow: null,
  kernelMin: at(0),
  kernelStart: at(image),
  kernelMax: at(16),
  mapEntries,
  reserved: reserved.map(([page, length]) => ({ start: at(page), length: pages(length) })),
});

describe('the entry pool', () => {
  test('must hold what booting takes: the image and each reservation that is free, inside and not empty', () => {
    const reserved: [number, number][] = [
      [4, 2],
      [5, 1],
      [8, 0],
      [15, 2],
      [6, 1],
    ];
    expect(machineFaults(machineOf(3, 2, reserved))).toEqual([]);
    expect(machineFaults(machineOf(2, 2, reserved))).toEqual([
      'machine.mapEntries: must be at least 3, since booting takes that many',
    ]);
    expect(machineFaults({ ...machineOf(1, 2, reserved), mapEntries: null })).toEqual([]);
  });

  test('of a sound machine is enough for both kernels, of any other for neither', () => {
    const range = fc.tuple(fc.integer({ min: 0, max: 17 }), fc.integer({ min: 0, max: 4 }));
    const machines = fc.tuple(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 4 }),
      fc.array(range),
    );
    fc.assert(
      fc.property(machines, ([mapEntries, image, reserved]) => {
        const machine = machineOf(mapEntries, image, reserved);
        const sound = machineFaults(machine).length === 0;
        for (const { boot } of [referenceKernel, optimizedKernel])
          if (sound) boot(machine);
          else expect(() => boot(machine)).toThrow();
      }),
      { seed: 1994, numRuns: 500 },
    );
  });
});
