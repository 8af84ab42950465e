/** What makes two failures the same failure: the property, the operation that showed it and the field that was wrong. */
import type { LockstepReport } from './verdict.ts';

/** Stored with a scenario, and kept while it is shrunk. */
export interface FailureSignature {
  /** An invariant ID, INV-ACC-MODEL, or what befell the kernel (KERNEL-THREW, KERNEL-HUNG, KERNEL-DIED). */
  readonly property: string;
  readonly side: 'reference' | 'candidate';
  /** Kind of the operation after which it showed; null: at boot. */
  readonly operation: string | null;
  /** Of a disagreement, its first difference without names and numbers: `maps.entries.wiredCount`; else null. */
  readonly field: string | null;
}

/** A path without names and numbers: `maps.kernel.entries[2].wiredCount` and `maps.sub0.entries[0].wiredCount` are one field of two states. */
export function fieldOf(path: string): string {
  const [table = '', ...rest] = path.replace(/\[[^\]]*\]/g, '').split('.');
  return [table, ...(NAMED.has(table) ? rest.slice(1) : rest)].join('.');
}

/** Tables of a state whose paths go on with the name, address or number of one thing in it. */
const NAMED: ReadonlySet<string> = new Set(['maps', 'objects', 'mappings', 'pv']);

/** The signature of a run's failure; null where nothing failed. */
export function signatureOf({ scenario, failure }: LockstepReport): FailureSignature | null {
  if (failure === null) return null;
  const { property, side, number, differences } = failure;
  const [first] = differences;
  return {
    property,
    side,
    operation: scenario.operations[number - 1]?.kind ?? null,
    field: first === undefined ? null : fieldOf(first.path),
  };
}

/** True when two failures are the same failure. */
export const sameSignature = (one: FailureSignature, other: FailureSignature): boolean =>
  one.property === other.property &&
  one.side === other.side &&
  one.operation === other.operation &&
  one.field === other.field;
