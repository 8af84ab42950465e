/** A faulty kernel is a patch to one source file: the bug reads as a diff. */

/** One change to one source file. */
export interface Edit {
  /** File it changes, relative to the package, for example `impl/vm-map.ts`. */
  readonly file: string;
  /** Text that occurs exactly once in that file. */
  readonly find: string;
  /** What stands there instead. */
  readonly replace: string;
}

/** One deliberate fault: an edit, and those that only together with it restore an old behaviour. */
export interface FaultPatch extends Edit {
  /** Kebab-case name, unique. */
  readonly name: string;
  /** Where such a bug was real, or which slip it imitates. */
  readonly source: string;
  /**
   * IDs of the invariants one of which sees it first with the comparison switched off; empty where only the
   * comparison with the reference model is known to see it.
   */
  readonly caughtBy: readonly string[];
  /** Further edits, in the order in which they are made; absent for a fault of one edit. */
  readonly also?: readonly Edit[];
}

/** All edits of a fault as patches of their own, so that each is applied and refused by itself. */
export function editsOf(fault: FaultPatch): readonly FaultPatch[] {
  const { also = [], ...first } = fault;
  return [first, ...also.map(({ file, find, replace }) => ({ ...first, file, find, replace }))];
}

/**
 * The text with the fault put in. Throws when the anchor does not occur exactly once: the source has moved on
 * and the fault must be written anew.
 */
export function applyPatch({ name, file, find, replace }: FaultPatch, text: string): string {
  const [before, after, ...more] = text.split(find);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(
      `fault ${name}: its anchor must occur exactly once in ${file}, not ${text.split(find).length - 1} times`,
    );
  if (find === replace) throw new Error(`fault ${name}: find and replace are equal`);
  return before + replace + after;
}
