/** Which cells a step changed, for claims that nothing changed. */
import type { CellName } from '../../contract/snapshot.ts';
import { readCell } from '../cells.ts';
import type { View } from '../view.ts';

/** The cells that the step really changed, among those it may have touched. Contents of pages are not looked at. */
export function changedCells(view: View): CellName[] {
  return view.touched.filter((cell) => !sameValue(view.before(cell), readCell(view, cell)));
}

/** Structural equality of plain data, page contents aside. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => sameValue(item, b[i]));
  }
  for (const [key, value] of Object.entries(a))
    if (!CONTENTS.has(key) && !sameValue(value, Reflect.get(b, key))) return false;
  return Object.keys(b).every((key) => CONTENTS.has(key) || Object.hasOwn(a, key));
}

const CONTENTS: ReadonlySet<string> = new Set(['contents', 'undefinedContents']);

/** Whether one list of numbers is a reordering of the other. */
export function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  const ascending = (list: readonly number[]) => [...list].sort((x, y) => x - y);
  return sameValue(ascending(a), ascending(b));
}
