/**
 * Faulty kernels: one deliberate bug each, as a patch to `impl/`.
 *
 * Most imitate a bug that BSD, Mach or Linux really had; the rest are slips that this implementation invites.
 * `vmlockstep faults` tells who sees each one first.
 */
import { FAULTY_MAPS } from './kernels-map.ts';
import { FAULTY_MEMORY } from './kernels-memory.ts';
import { FAULTY_MERGES } from './kernels-merge.ts';
import { FAULTY_PMAPS } from './kernels-pmap.ts';
import { FAULTY_SLEEPS } from './kernels-sleep.ts';
import type { FaultPatch } from './patch.ts';

export const FAULTY_KERNELS: readonly FaultPatch[] = [
  ...FAULTY_MAPS,
  ...FAULTY_MERGES,
  ...FAULTY_MEMORY,
  ...FAULTY_PMAPS,
  ...FAULTY_SLEEPS,
];
