/** User pmaps as a whole: pmap_create, pmap_pinit, pmap_reference, pmap_destroy, pmap_release and PMAP_ACTIVATE (pmap.c). */
import { bytes, isPageAligned, objectOffset, PAGE_SIZE, pages } from '../contract/address.ts';
import { done, none, type Outcome, rejected } from '../contract/outcome.ts';
import { NULL_PMAP, type PmapName, pteObjectOf } from '../contract/pmap.ts';
import { cite, touch } from './bookkeeping.ts';
import { onPmap, pmapNamed } from './pmap.ts';
import { holdsTable } from './pmap-table.ts';
import type { Answer, ModelState, Pmap, Rule, Sleeping, UserPmap, VmMap, VmObject } from './state.ts';
import { kmemAlloc, kmemFree } from './vm-kern.ts';
import { vmObjectDeallocate } from './vm-object.ts';
import { vmPageLookup } from './vm-page.ts';

/** The most that the 16 bits of pm_count hold; one more would wrap (DEV-47). */
const REFERENCES_MOST = 32767;
/** Bytes of page tables that a whole address space would take: one page for each of 1024 slots. */
const TABLES_SIZE = pages(1024);

/** True when a new pmap may have the name: nobody has it or sleeps on his way to it, and it means no other pmap. */
function isFree(state: ModelState, name: PmapName): boolean {
  if (name === '' || name === NULL_PMAP || pmapNamed(state, name) !== undefined) return false;
  return !state.flights.some(
    ({ operation }) =>
      (operation.kind === 'pmap_create' || operation.kind === 'pmap_pinit') && operation.name === name,
  );
}

/** An address space without a mapping; false where the kernel map has no room for its directory (DEV-28). */
function* initialize(state: ModelState, name: PmapName, kernelMap: VmMap): Sleeping<boolean> {
  cite(state, 'PMAP-PINIT-1');
  const allocated = yield* kmemAlloc(state, { size: bytes(PAGE_SIZE) }, kernelMap);
  if (allocated.kind !== 'address') return false;
  // While it slept others may have freed the range: then the page is gone, or is somebody's table.
  const offset = objectOffset(allocated.address - state.machine.kernelMin);
  const page = vmPageLookup(state, state.kernelObject, offset);
  if (page === undefined || holdsTable(state, page.frame)) return false;
  const pteObject: VmObject = { name: pteObjectOf(name), size: TABLES_SIZE, baseReferences: 1, pages: [] };
  state.objects.push(pteObject);
  state.userPmaps.push({
    name,
    references: 1,
    directory: allocated.address,
    pteObject,
    mappings: new Map(),
  });
  touch(state, pteObject, state.kernelObject, 'spaces');
  return true;
}

/** pmap_create: none also for any size but 0, which 1994 keeps for pmaps that the hardware does not use. */
export const pmapCreate: Rule<'pmap_create', Sleeping<Outcome>> = function* (state, { name, size }, map) {
  if (!isFree(state, name)) return rejected('CONV-4');
  cite(state, 'PMAP-CREATE-1');
  return size === 0 && (yield* initialize(state, name, map)) ? done : none;
};

/** pmap_pinit. */
export const pmapPinit: Rule<'pmap_pinit', Sleeping<Answer>> = function* (state, { name }, map) {
  return isFree(state, name) ? yield* initialize(state, name, map) : rejected('CONV-4');
};

/** pm_count: of the kernel pmap every map holds a reference, too. */
export const pmapReferences = ({ maps, kernelPmapReferences }: ModelState, pmap: Pmap): number =>
  pmap === 'kernel' ? maps.length + kernelPmapReferences : pmap.references;

/** One reference more or less. */
function count(state: ModelState, pmap: Pmap, change: 1 | -1): Outcome {
  cite(state, 'PMAP-REF-1');
  if (pmap === 'kernel') state.kernelPmapReferences += change;
  else pmap.references += change;
  touch(state, pmap === 'kernel' ? 'pmap:kernel' : 'spaces');
  return done;
}

/** pmap_reference. */
export const pmapReference: Rule<'pmap_reference'> = (state, call) =>
  onPmap(state, call.pmap, (pmap) =>
    pmapReferences(state, pmap) < REFERENCES_MOST ? count(state, pmap, 1) : rejected('PMAP-REF-1'),
  );

/** pmap_destroy. On the kernel pmap it only takes back what pmap_reference gave. */
export const pmapDestroy: Rule<'pmap_destroy', Outcome | Sleeping<Outcome>> = (state, call, map) =>
  onPmap(state, call.pmap, (pmap) => {
    if (pmap === 'kernel' && state.kernelPmapReferences === 0) return rejected('PMAP-REF-1');
    return pmap === 'kernel' || pmap.references > 1 ? count(state, pmap, -1) : release(state, pmap, map);
  });

/** pmap_release. */
export const pmapRelease: Rule<'pmap_release', Outcome | Sleeping<Outcome>> = (state, call, map) =>
  onPmap(state, call.pmap, (pmap) =>
    pmap === 'kernel' ? rejected('PMAP-REL-1') : release(state, pmap, map),
  );

/** Ends an address space. It is dead before its directory's page goes, which is that of a live one to nobody then. */
function* release(state: ModelState, pmap: UserPmap, kernelMap: VmMap): Sleeping<Outcome> {
  if (pmap === state.activePmap || pmap.mappings.size > 0) return rejected('PMAP-REL-1');
  cite(state, 'PMAP-REL-1');
  state.userPmaps.splice(state.userPmaps.indexOf(pmap), 1);
  pmap.pteObject.baseReferences = 0;
  vmObjectDeallocate(state, pmap.pteObject);
  touch(state, 'spaces');
  return yield* kmemFree(state, { address: pmap.directory, size: bytes(PAGE_SIZE) }, kernelMap);
}

/** PMAP_ACTIVATE: the processor translates through the pmap from now on. */
export const pmapActivate: Rule<'pmap_activate'> = (state, call) =>
  onPmap(
    state,
    call.pmap,
    (pmap) => {
      cite(state, 'CPU-6');
      state.activePmap = pmap;
      touch(state, 'spaces');
      return done;
    },
    rejected('CONV-4'),
  );

/** tlb_evict: there is no TLB to drop anything from. */
export const tlbEvict: Rule<'tlb_evict'> = (state, { start, end }) =>
  isPageAligned(start) && isPageAligned(end) && start <= end ? cite(state, 'CPU-4', done) : rejected('CPU-4');
