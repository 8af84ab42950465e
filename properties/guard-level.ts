/** What two kernels can be compared by, and how each of them takes part in a comparison. */
import type { KernelDeclaration, KernelMemory, KernelModule, Show } from '../contract/kernel-memory.ts';
import { panic } from '../contract/outcome.ts';

/** `meaning`: what a caller can tell, level `contract`. `structure`: the rest, seen at level `bsd` alone. */
export type DifferenceKind = 'meaning' | 'structure';

/** Everything that has a meaning to a caller. */
const MEANT: readonly Show[] = ['outcomes', 'maps', 'objects', 'pages', 'pmap'];

/** Said in the place of an outcome by a kernel that threw; where both throw they agree. */
export const THREW = 'the kernel threw an exception';

const inBoth = <Item>(one: readonly Item[], other: readonly Item[]): Item[] =>
  one.filter((item) => other.includes(item));

/**
 * What both kernels declare. As to placement both count as `first-fit`: the base leads, and where one of them chooses
 * freely, GuardJudge tells whether another place was as good.
 */
export const commonDeclaration = (
  base: KernelDeclaration,
  working: KernelDeclaration,
): KernelDeclaration => ({
  name: working.name,
  operations: inBoth(working.operations, base.operations),
  shows: inBoth(working.shows, base.shows),
  placement: 'first-fit',
});

/** The same without what is structure; a kernel that shows its structure shows everything. */
export const meaningOf = (declares: KernelDeclaration): KernelDeclaration => ({
  ...declares,
  shows: declares.shows.includes('structure') ? MEANT : declares.shows,
});

/** How a kernel takes part. */
export interface Part {
  readonly declares: KernelDeclaration;
  /** False: whole snapshots are read, since what the kernel says it touched is not to be relied on. */
  readonly byCells: boolean;
  /** Told what the kernel threw. */
  onThrow(error: unknown): void;
}

/** The kernel as it takes part: an exception in an operation stops the machine, as a panic does. */
export const takingPart = (module: KernelModule, part: Part): KernelModule => ({
  declares: part.declares,
  boot: (machine) => {
    const kernel = module.boot(machine);
    const { snapshot, cell, touched } = kernel;
    const taking: { -readonly [Method in keyof KernelMemory]: KernelMemory[Method] } = {
      apply: (operation, number) => {
        try {
          return kernel.apply(operation, number);
        } catch (error) {
          part.onThrow(error);
          return { outcome: panic(THREW) };
        }
      },
    };
    if (snapshot) taking.snapshot = (options) => snapshot.call(kernel, options);
    if (part.byCells && cell && touched) {
      taking.cell = cell.bind(kernel);
      taking.touched = () => touched.call(kernel);
    }
    return taking;
  },
});
