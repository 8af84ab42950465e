/** Attributes of ranges: protection and inheritance (vm_map.c). */
import {
  KERN_INVALID_ARGUMENT,
  KERN_PROTECTION_FAILURE,
  KERN_SUCCESS,
  kern,
  type Outcome,
  rejected,
} from '../contract/outcome.ts';
import {
  permits,
  VM_INHERIT_COPY,
  VM_INHERIT_NONE,
  VM_INHERIT_SHARE,
  VM_PROT_ALL,
  VM_PROT_READ,
  type VmProt,
} from '../contract/protection.ts';
import type { VmMapInherit, VmMapProtect } from '../contract/vm-map.ts';
import { pmapProtect } from './pmap.ts';
import { waitForTransitions } from './sched.ts';
import { cite, type ModelState, mapNamed, type Sleeping, type VmMap, type VmMapEntry } from './state.ts';
import { aligned, clamp } from './vm-map.ts';
import { clipEnd, clipResidue, entriesIn, type Range, touchMap } from './vm-map-entry.ts';

/** vm_map_protect as an operation. */
export function* vmMapProtect(state: ModelState, operation: VmMapProtect): Sleeping<Outcome> {
  const map = mapNamed(state, operation.map);
  const { protection } = operation;
  if (map === undefined || !permits(VM_PROT_ALL, protection)) return rejected('CONV-4');
  cite(state, 'MAP-PROT-1');
  const range = clamp(state, map, operation.start, operation.end);
  yield* waitForTransitions(state, map, range, ['wiring']);
  if (!aligned(state, range.start, range.end)) return kern(KERN_INVALID_ARGUMENT);
  clipResidue(state, map, range.start);
  const refusal = refuseProtection(state, map, range, protection);
  if (refusal !== KERN_SUCCESS) return kern(refusal);
  for (const entry of entriesIn(map, range)) {
    clipEnd(state, map, entry, range.end);
    changeProtection(state, map, entry, operation);
  }
  return kern(KERN_SUCCESS);
}

/** The code of the first entry of the range that cannot take the protection. */
function refuseProtection(state: ModelState, map: VmMap, range: Range, protection: VmProt): number {
  cite(state, 'MAP-PROT-2');
  for (const { submap, maxProtection } of entriesIn(map, range)) {
    if (submap !== null) return KERN_INVALID_ARGUMENT;
    if (!permits(maxProtection, protection)) return KERN_PROTECTION_FAILURE;
  }
  return KERN_SUCCESS;
}

function changeProtection(
  state: ModelState,
  map: VmMap,
  entry: VmMapEntry,
  { protection: wanted, setMax }: VmMapProtect,
): void {
  cite(state, 'MAP-PROT-3');
  const old = entry.protection;
  entry.protection = setMax ? wanted & old : wanted;
  if (setMax) entry.maxProtection = wanted;
  touchMap(state, map);
  if (entry.protection === old) return;
  cite(state, 'MAP-PROT-4');
  if (entry.wiredCount > 0 && !permits(entry.protection, VM_PROT_READ)) cite(state, 'MAP-PROT-5');
  pmapProtect(state, entry, entry.protection);
}

/** vm_map_inherit as an operation. */
export function* vmMapInherit(state: ModelState, operation: VmMapInherit): Sleeping<Outcome> {
  const map = mapNamed(state, operation.map);
  if (map === undefined) return rejected('CONV-4');
  cite(state, 'MAP-INH-1');
  const { inheritance } = operation;
  const known = [VM_INHERIT_SHARE, VM_INHERIT_COPY, VM_INHERIT_NONE].includes(inheritance);
  if (!known) return kern(KERN_INVALID_ARGUMENT);
  const range = clamp(state, map, operation.start, operation.end);
  yield* waitForTransitions(state, map, range, ['wiring']);
  if (!aligned(state, range.start, range.end)) return kern(KERN_INVALID_ARGUMENT);
  clipResidue(state, map, range.start);
  for (const entry of entriesIn(map, range)) {
    clipEnd(state, map, entry, range.end);
    entry.inheritance = inheritance;
    touchMap(state, map);
  }
  return kern(KERN_SUCCESS);
}
