/** Kernels that show their state, whole or cell by cell. */
import type { KernelMemory } from '../contract/kernel-memory.ts';
import { indexSnapshot } from './index-snapshot.ts';
import type { StateView } from './view.ts';

/** A kernel whose state can be read at all. */
export type VisibleKernel = KernelMemory & Required<Pick<KernelMemory, 'snapshot'>>;
/** A kernel that tells what it touched and shows it cell by cell. */
export type CellKernel = KernelMemory & Required<Pick<KernelMemory, 'cell' | 'touched'>>;

/** True for a kernel that shows its state cell by cell. */
export const hasCells = (kernel: KernelMemory): kernel is CellKernel =>
  kernel.cell !== undefined && kernel.touched !== undefined;

/** A kernel's whole state, contents of pages apart. */
export const presentState = (kernel: VisibleKernel): StateView =>
  indexSnapshot(kernel.snapshot({ contents: false }));
