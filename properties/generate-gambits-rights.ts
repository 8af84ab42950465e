/** Gambits about rights, page queues and the merging of clipped entries. */
import { bytes, PAGE_SIZE } from '../contract/address.ts';
import type { MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import { addressIn, type Gambit, type Plan, refused, type SubPlan, span } from './generate-gambits.ts';
import type { Ground } from './generate-ground.ts';
import { bounds, clip, someMap } from './generate-recipe.ts';
import { largestHole } from './selectors.ts';

/** Pageable memory of a few pages, its first page written; undefined where room or frames are short. */
function* touched(ground: Ground, map: MapName, count: number): SubPlan<number | undefined> {
  if (largestHole(ground, map) < count * PAGE_SIZE || ground.freePages() < 1) return undefined;
  const at = addressIn(yield call.allocPageable(map, count * PAGE_SIZE));
  if (at !== undefined) yield call.write(map, at, ground.draw.between(1, 255));
  return at;
}

/** Rights lowered, an access that they forbid, rights back, an access that needs them. */
function* rightsAndBack(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 75);
  const at = yield* touched(ground, map, 2);
  if (at === undefined) return;
  const range = span(at, draw.between(1, 2));
  const left = draw.pick([0, 0, 1, 1, 5]);
  yield call.protect(map, range, left);
  if (draw.percent(60)) yield refused(left === 0 ? call.read(map, at) : call.write(map, at, 1));
  else if (map === 'kernel') yield refused({ kind: 'cpu_read', address: clip(at), length: 4 });
  if (left !== 0 && draw.percent(50)) yield { kind: 'cpu_write', address: clip(at), bytes: [1, 2] };
  yield call.protect(map, range, draw.pick([3, 7]));
  yield call.write(map, at, 2);
}

/** A page never touched before, made unreadable or read-only, then accessed by the CPU (FAULT-TRAP-1). */
function* trappingAccess(ground: Ground): Plan {
  const { draw } = ground;
  if (largestHole(ground, 'kernel') < PAGE_SIZE) return;
  const at = addressIn(yield call.allocPageable('kernel', PAGE_SIZE));
  if (at === undefined) return;
  const writes = draw.percent(50);
  yield call.protect('kernel', span(at, 1), writes ? 1 : 0);
  yield refused(
    writes
      ? { kind: 'cpu_write', address: clip(at), bytes: [7] }
      : { kind: 'cpu_read', address: clip(at), length: 1 },
  );
}

/** The maximum lowered, then more rights asked for than are left. */
function* loweredMaximum(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 60);
  if (largestHole(ground, map) < 2 * PAGE_SIZE) return;
  const at = addressIn(yield call.allocPageable(map, 2 * PAGE_SIZE));
  if (at === undefined) return;
  const left = draw.pick([1, 3, 5]);
  yield { kind: 'vm_map_protect', map, ...bounds(span(at, 1)), protection: left, setMax: true };
  yield refused(call.protect(map, span(at, draw.between(1, 2)), 7));
}

/** A page put on the INACTIVE queue and taken off it by a fault or a wire. */
function* inactivePage(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 60);
  const at = yield* touched(ground, map, 2);
  if (at === undefined) return;
  yield { kind: 'vm_page_deactivate', map, address: clip(at) };
  if (draw.percent(50)) yield call.wire(map, span(at, 1));
  else yield call.fault(map, at, 1);
  if (draw.percent(40)) yield call.free(map, at, 2 * PAGE_SIZE);
}

/** An entry cut by an attribute that is then set back, and put together again (MAP-SIMPL-1). */
function* cutAndMended(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 60);
  if (largestHole(ground, map) < 3 * PAGE_SIZE) return;
  const at = addressIn(yield call.allocPageable(map, 3 * PAGE_SIZE));
  if (at === undefined) return;
  const page = span(at + PAGE_SIZE, 1);
  yield call.inherit(map, page, 2);
  yield call.inherit(map, page, 1);
  yield { kind: 'vm_map_simplify', map, start: clip(page.start) };
  if (draw.percent(60)) yield { kind: 'vm_map_simplify', map, start: clip(page.end) };
}

/** Touched pageable memory with a submap wanted right behind it. */
function* touchedNeighbour(ground: Ground): Plan {
  const room = ground.holes('kernel')[0];
  if (room === undefined || room.end - room.start < 2 * PAGE_SIZE || ground.pools().freeMaps === 0) return;
  const at = yield* touched(ground, 'kernel', 1);
  const behind = at === undefined ? undefined : ground.entryAt('kernel', at);
  if (at === undefined || behind === undefined) return;
  const name = ground.freshName('sub');
  yield refused({ kind: 'kmem_suballoc', name, parent: 'kernel', size: bytes(PAGE_SIZE), pageable: false });
}

/** Plans about rights, queues and merging. */
export const RIGHTS_GAMBITS: readonly Gambit[] = [
  {
    name: 'rights-and-back',
    weight: 7,
    needs: ['kmem_alloc_pageable', 'vm_map_protect'],
    plan: rightsAndBack,
  },
  {
    name: 'trapping-access',
    weight: 4,
    needs: ['kmem_alloc_pageable', 'vm_map_protect'],
    plan: trappingAccess,
  },
  {
    name: 'lowered-maximum',
    weight: 3,
    needs: ['kmem_alloc_pageable', 'vm_map_protect'],
    plan: loweredMaximum,
  },
  {
    name: 'inactive-page',
    weight: 5,
    needs: ['kmem_alloc_pageable', 'vm_page_deactivate'],
    plan: inactivePage,
  },
  { name: 'cut-and-mended', weight: 3, needs: ['vm_map_inherit', 'vm_map_simplify'], plan: cutAndMended },
  {
    name: 'touched-neighbour',
    weight: 1,
    needs: ['kmem_suballoc', 'kmem_alloc_pageable'],
    plan: touchedNeighbour,
  },
];
