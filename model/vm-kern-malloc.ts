/** kmem_malloc (vm_kern.c): kernel memory for callers that may be interrupt handlers. */
import { advanceOffset, byteDistance, objectOffset } from '../contract/address.ts';
import { allocated, none, type Outcome, PANIC, rejected } from '../contract/outcome.ts';
import type { KmemMalloc } from '../contract/vm-kern.ts';
import { pmapKenter } from './pmap.ts';
import {
  assert,
  cite,
  type ModelState,
  mapNamed,
  type Sleeping,
  stopMachine,
  type VmMap,
  type VmPage,
} from './state.ts';
import { pageAddresses } from './vm-fault-wire.ts';
import { rangeFrom, requestedLength } from './vm-kern.ts';
import { findspace, type Insertion, insert } from './vm-map.ts';
import { deleteRange } from './vm-map-delete.ts';
import { entryAt, simplify, touchMap } from './vm-map-entry.ts';
import { wire } from './vm-map-pageable.ts';
import { vmPageAlloc, vmPageFree, vmPageLookup } from './vm-page.ts';

/** kmem_malloc as an operation. */
export function* kmemMalloc(state: ModelState, { map: name, size, canWait }: KmemMalloc): Sleeping<Outcome> {
  const map = mapNamed(state, name);
  const kmem = mapNamed(state, 'kmem');
  if (map === undefined) return rejected('CONV-4');
  cite(state, 'KM-MALLOC-1');
  if (name !== 'kmem' && name !== 'mb') return stopMachine(PANIC.mallocWrongMap);
  if (kmem === undefined) return rejected('PRE-KM-MALLOC-1');
  const length = requestedLength(state, size);
  if (length === undefined) return none;
  const start = findspace(state, map, 0, length);
  if (start === undefined) {
    cite(state, 'KM-MALLOC-2');
    return canWait ? stopMachine(PANIC.mallocMapTooSmall) : none;
  }
  cite(state, 'KM-MALLOC-3');
  const offset = objectOffset(start - kmem.min);
  const block = { ...rangeFrom(start, length), object: state.kmemObject, offset };
  insert(state, map, block);
  if (canWait) {
    cite(state, 'KM-MALLOC-4');
    yield* wire(state, map, block.start, block.end);
  } else if (!fillNow(state, map, block)) return none;
  simplify(state, map, start);
  return allocated(start);
}

/** Gives a block its pages at once, contents as they are, and maps them; or takes everything back when one is missing. */
function fillNow(state: ModelState, map: VmMap, block: Insertion): boolean {
  cite(state, 'KM-MALLOC-5');
  const pages: VmPage[] = [];
  const fresh: VmPage[] = [];
  for (const address of pageAddresses(block.start, block.end)) {
    const offset = advanceOffset(block.offset, byteDistance(block.start, address));
    const resident = vmPageLookup(state, state.kmemObject, offset);
    const page = resident ?? vmPageAlloc(state, state.kmemObject, offset);
    if (page === undefined) {
      rollBack(state, map, block, fresh);
      return false;
    }
    pages.push(page);
    if (resident === undefined) fresh.push(page);
  }
  wireNow(state, map, block, pages);
  return true;
}

/** Order only: the frames go back to FREE from the highest offset down. */
function rollBack(state: ModelState, map: VmMap, block: Insertion, fresh: readonly VmPage[]): void {
  for (const page of fresh.toReversed()) vmPageFree(state, state.kmemObject, page);
  deleteRange(state, map, block);
}

/** Marks the block wired and maps its pages directly; their wire counts stay as they are. */
function wireNow(state: ModelState, map: VmMap, block: Insertion, pages: readonly VmPage[]): void {
  cite(state, 'KM-MALLOC-6');
  const entry = entryAt(map, block.start);
  assert(entry?.start === block.start && entry.end === block.end, 'a block has an entry of its own');
  entry.wiredCount = 1;
  touchMap(state, map);
  let index = 0;
  for (const address of pageAddresses(block.start, block.end)) {
    const page = pages[index];
    assert(page !== undefined, 'a block has a page for each of its addresses');
    pmapKenter(state, address, page.frame);
    index += 1;
  }
}
