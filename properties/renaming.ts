/** A one-to-one correspondence between the objects of two kernels, grown as they are met. */
import type { EntrySnapshot } from '../contract/vm-map.ts';
import type { ObjectName } from '../contract/vm-object.ts';

/** Base objects keep their names; anonymous ones may be called anything. */
export interface Renaming {
  /** Makes two objects correspond; false when one of them already corresponds to another. */
  pair(expected: ObjectName, actual: ObjectName): boolean;
  /** The candidate's name for one of the reference's objects; a name nobody has where it has no partner. */
  actualOf(expected: ObjectName): ObjectName;
  /** The reference's name for one of the candidate's objects; likewise. */
  expectedOf(actual: ObjectName): ObjectName;
}

const BASE_OBJECTS: readonly ObjectName[] = ['kernel', 'kmem', 'scratch'];

/** True for the objects that every kernel has from boot on, and for those of page tables, named after their pmap. */
export const isBaseObject = (name: ObjectName): boolean =>
  BASE_OBJECTS.includes(name) || name.startsWith('pte:');

/** A correspondence that so far only holds between the base objects. */
export function startRenaming(): Renaming {
  const forward = new Map<ObjectName, ObjectName>(BASE_OBJECTS.map((name) => [name, name]));
  const backward = new Map(forward);
  // An object that corresponds to none must not be taken for one that happens to have its name.
  const unpaired = (name: ObjectName) => `unpaired ${name}`;
  return {
    pair(expected, actual) {
      const [known, knownBack] = [forward.get(expected), backward.get(actual)];
      if (known !== undefined || knownBack !== undefined) return known === actual && knownBack === expected;
      forward.set(expected, actual);
      backward.set(actual, expected);
      return true;
    },
    actualOf: (expected) => forward.get(expected) ?? unpaired(expected),
    expectedOf: (actual) => backward.get(actual) ?? unpaired(actual),
  };
}

/** True when two entries stand for corresponding things; objects met for the first time become a pair. */
export function sameObjectBacking(
  expected: EntrySnapshot['backing'],
  actual: EntrySnapshot['backing'],
  renaming: Renaming,
): boolean {
  if (expected === null || actual === null) return expected === actual;
  if ('object' in expected) return 'object' in actual && renaming.pair(expected.object, actual.object);
  return 'submap' in actual && expected.submap === actual.submap;
}
