/** Which scenarios show a faulty kernel. */
import { FAULTY_KERNELS } from './kernels.ts';
import { FAULTY_SPACES } from './kernels-spaces.ts';
import type { FaultPatch } from './patch.ts';

/** Faulty kernels by the workload that they are sought with: `default` is the mix. */
export const SOUGHT: { readonly [Workload in 'default' | 'pmap']: readonly FaultPatch[] } = {
  default: FAULTY_KERNELS,
  pmap: FAULTY_SPACES,
};

export type SoughtWith = keyof typeof SOUGHT;

/** The workload that a fault is sought with. */
export const soughtWith = ({ name }: FaultPatch): SoughtWith =>
  FAULTY_SPACES.some((fault) => fault.name === name) ? 'pmap' : 'default';
