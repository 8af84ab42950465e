/**
 * Faulty kernels: one deliberate bug each, as a patch to `impl/`.
 *
 * Most imitate a bug that BSD, Mach or Linux really had; the rest are slips that this implementation invites.
 * `vmlockstep faults` tells who sees each one first.
 */
import type { FaultPatch } from './patch.ts';
export declare const FAULTY_KERNELS: readonly FaultPatch[];
