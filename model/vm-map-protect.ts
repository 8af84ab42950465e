/** Attributes of ranges: protection and inheritance (vm_map.c). */
import {
  KERN_INVALID_ARGUMENT,
  KERN_PROTECTION_FAILURE,
  KERN_SUCCESS,
  rejected,
} from '../contract/outcome.ts';
import { permits, VM_INHERIT_NONE, VM_PROT_ALL, VM_PROT_READ, type VmProt } from '../contract/protection.ts';
import { cite, touch } from './bookkeeping.ts';
import { pmapProtect } from './pmap.ts';
import type { Answer, Call, KernCode, ModelState, Range, Sleeping, VmMap, VmMapEntry } from './state.ts';
import { admit } from './vm-map.ts';
import { clipEnd, clipResidue, entriesIn } from './vm-map-entry.ts';

/** vm_map_protect: an answer, once nobody is wiring a part of the range. */
export function* vmMapProtect(state: ModelState, call: Call<'vm_map_protect'>, map: VmMap): Sleeping<Answer> {
  const { protection } = call;
  if (!permits(VM_PROT_ALL, protection)) return rejected('MAP-PROT-1');
  cite(state, 'MAP-PROT-1');
  const range = yield* admit(state, map, call, ['wiring']);
  if (range === undefined) return KERN_INVALID_ARGUMENT;
  clipResidue(state, map, range.start);
  const code = checkProtection(state, map, range, protection);
  if (code !== KERN_SUCCESS) return code;
  for (const entry of entriesIn(map, range)) {
    clipEnd(state, map, entry, range.end);
    changeProtection(state, entry, call);
    touch(state, map);
  }
  return KERN_SUCCESS;
}

/** The code of the first entry of the range that cannot take the protection. */
function checkProtection(state: ModelState, map: VmMap, range: Range, protection: VmProt): KernCode {
  cite(state, 'MAP-PROT-2');
  for (const { submap, maxProtection } of entriesIn(map, range)) {
    if (submap !== null) return KERN_INVALID_ARGUMENT;
    if (!permits(maxProtection, protection)) return KERN_PROTECTION_FAILURE;
  }
  return KERN_SUCCESS;
}

function changeProtection(state: ModelState, entry: VmMapEntry, call: Call<'vm_map_protect'>): void {
  cite(state, 'MAP-PROT-3');
  const old = entry.protection;
  entry.protection = call.setMax ? call.protection & old : call.protection;
  if (call.setMax) entry.maxProtection = call.protection;
  if (entry.protection === old) return;
  cite(state, 'MAP-PROT-4');
  if (entry.wiredCount > 0 && !permits(entry.protection, VM_PROT_READ)) cite(state, 'MAP-PROT-5');
  pmapProtect(state, entry);
}

/** vm_map_inherit: a KERN code, once nobody is wiring a part of the range. */
export function* vmMapInherit(
  state: ModelState,
  call: Call<'vm_map_inherit'>,
  map: VmMap,
): Sleeping<KernCode> {
  cite(state, 'MAP-INH-1');
  if (call.inheritance > VM_INHERIT_NONE) return KERN_INVALID_ARGUMENT;
  const range = yield* admit(state, map, call, ['wiring']);
  if (range === undefined) return KERN_INVALID_ARGUMENT;
  clipResidue(state, map, range.start);
  for (const entry of entriesIn(map, range)) {
    clipEnd(state, map, entry, range.end);
    entry.inheritance = call.inheritance;
    touch(state, map);
  }
  return KERN_SUCCESS;
}
