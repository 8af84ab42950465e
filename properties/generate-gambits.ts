/**
 * Gambits: short plans of a few operations that reach states which independent choices reach too rarely.
 * Their steps are woven into the other operations, so each is looked at again before it is emitted.
 */
import { objectOffset, PAGE_SIZE } from '../contract/address.ts';
import type { Operation, OperationKind } from '../contract/operation.ts';
import type { Outcome } from '../contract/outcome.ts';
import type { MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import type { Ground } from './generate-ground.ts';
import { framedSize } from './generate-kmem.ts';
import { objectOf } from './generate-reading.ts';
import { bounds, clip, mallocMap, someMap } from './generate-recipe.ts';
import { largestHole } from './selectors.ts';

/** A step that is meant to be refused: it is emitted where a deliberate error is due. */
export interface Refused {
  readonly refused: Operation;
}

/** A plan under way: yields the next operation, is told its outcome. */
export type Plan = Generator<Operation | Refused, void, Outcome>;

/** A part of a plan with a result of its own. */
export type SubPlan<Result> = Generator<Operation | Refused, Result, Outcome>;

/** Marks a step as one that is meant to be refused. */
export const refused = (operation: Operation): Refused => ({ refused: operation });

/** A plan that may be begun at any time; it gives up by itself where the state does not suit it. */
export interface Gambit {
  readonly name: string;
  readonly weight: number;
  /** Kinds it is pointless without. */
  readonly needs: readonly OperationKind[];
  /** Aliases objects or detaches submaps: for hostile scenarios only. */
  readonly hostile?: true;
  readonly plan: (ground: Ground) => Plan;
}

/** The address an allocator returned; undefined when it returned none, slept or stopped the machine. */
export const addressIn = (outcome: Outcome): number | undefined =>
  outcome.kind === 'address' ? outcome.address : undefined;

/** [start, start + count pages). */
export const span = (start: number, count: number) => ({ start, end: start + count * PAGE_SIZE });

/** Room for `count` pages in one piece. */
export const fits = (ground: Ground, map: MapName, count: number): boolean =>
  largestHole(ground, map) >= count * PAGE_SIZE;

/** Write into memory, free it, get the same place again and look whether anything shines through. */
function* reuse(ground: Ground): Plan {
  const { draw } = ground;
  const small = mallocMap(ground);
  const map = small !== undefined && draw.percent(50) ? small : someMap(ground, 60);
  const count = draw.between(1, 3);
  const size = count * PAGE_SIZE;
  if (!fits(ground, map, count) || ground.freePages() < count) return;
  const again =
    map === 'kmem' || map === 'mb'
      ? call.malloc(map, size, { canWait: draw.percent(50) })
      : draw.pick([call.allocWired(map, size), call.allocPageable(map, size)]);
  const at = addressIn(yield again);
  if (at === undefined) return;
  yield call.write(map, at + draw.below(size), draw.between(1, 255));
  yield draw.percent(75) ? call.free(map, at, size) : call.remove(map, span(at, count));
  const second = addressIn(yield again);
  if (second !== undefined) yield call.read(map, second + draw.below(size));
}

/** Many small ranges, every second one freed, then sizes that fit the teeth exactly or just not. */
function* comb(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 60);
  const teeth = draw.between(3, 6);
  const count = draw.between(1, 2);
  const taken: number[] = [];
  for (let i = 0; i < teeth && fits(ground, map, count); i += 1) {
    const one = call.allocPageable(map, count * PAGE_SIZE);
    const at = addressIn(
      yield draw.percent(60) || ground.freePages() < count ? one : call.allocWired(map, count * PAGE_SIZE),
    );
    if (at !== undefined) taken.push(at);
  }
  for (const [i, at] of taken.entries()) if (i % 2 === 0) yield call.free(map, at, count * PAGE_SIZE);
  if (fits(ground, map, count + 1)) yield call.allocPageable(map, (count + 1) * PAGE_SIZE);
  if (fits(ground, map, count)) yield call.allocPageable(map, count * PAGE_SIZE);
}

/** Rights taken from wired memory and given back, or not before it is freed (MAP-PROT-5, DEV-18). */
function* wiredWithoutRights(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 60);
  const size = framedSize(ground, map);
  if (size === undefined || size > 4 * PAGE_SIZE) return;
  const at = addressIn(yield call.allocWired(map, size));
  if (at === undefined) return;
  const range = span(at, Math.ceil(size / PAGE_SIZE));
  yield call.protect(map, range, draw.pick([0, 0, 1, 2]));
  if (draw.percent(50)) {
    yield call.protect(map, range, draw.pick([7, 7, 3]));
    yield call.read(map, at);
  }
  yield draw.percent(70) ? call.free(map, at, size) : call.unwire(map, range);
}

/** A nowait block faulted, unwired (DEV-6), wired again, freed. */
function* nowaitBlock(ground: Ground): Plan {
  const { draw } = ground;
  const map = mallocMap(ground);
  const count = draw.between(1, 2);
  if (map === undefined || !fits(ground, map, count) || ground.freePages() < count) return;
  const at = addressIn(yield call.malloc(map, count * PAGE_SIZE, { canWait: false }));
  if (at === undefined) return;
  if (draw.percent(60)) yield call.fault(map, at, draw.pick([1, 3]));
  if (draw.percent(60)) {
    yield call.unwire(map, span(at, count));
    if (draw.percent(60)) yield call.wire(map, span(at, count));
  }
  yield call.free(map, at, count * PAGE_SIZE);
}

/** Nowait and canwait neighbours, which merge; then unwired and freed across the seam (KM-MALLOC-7). */
function* mixedNeighbours(ground: Ground): Plan {
  const { draw } = ground;
  const map = mallocMap(ground);
  if (map === undefined || !fits(ground, map, 2) || ground.freePages() < 2) return;
  const first = addressIn(yield call.malloc(map, PAGE_SIZE, { canWait: draw.percent(50) }));
  const second = addressIn(yield call.malloc(map, PAGE_SIZE, { canWait: draw.percent(50) }));
  if (first === undefined || second !== first + PAGE_SIZE) return;
  if (draw.percent(50)) yield call.unwire(map, span(first, 2));
  yield call.free(map, first, 2 * PAGE_SIZE);
}

/** A page freed out of the middle of touched pageable memory stays resident, until it is extended over. */
function* retainedPage(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 60);
  if (!fits(ground, map, 3) || ground.freePages() < 3) return;
  const at = addressIn(yield call.allocPageable(map, 3 * PAGE_SIZE));
  if (at === undefined) return;
  const page = at + draw.between(1, 2) * PAGE_SIZE;
  yield call.write(map, page, draw.between(1, 255));
  if (draw.percent(50)) yield { kind: 'vm_page_deactivate', map, address: clip(page) };
  yield call.free(map, page, PAGE_SIZE);
  const again = addressIn(yield call.allocPageable(map, PAGE_SIZE));
  if (again !== undefined) yield call.read(map, again);
}

/** A submap from birth to death: used, emptied, given up by its creator, its placeholder freed. */
function* submapLife(ground: Ground): Plan {
  const { draw } = ground;
  const parent = someMap(ground, 70, ({ standing }) => standing === 'attached');
  const count = draw.between(1, 6);
  if (ground.maps.length > 7 || ground.pools().freeMaps === 0 || !fits(ground, parent, count)) return;
  const before = ground.holes(parent).find(({ start, end }) => end - start >= count * PAGE_SIZE);
  const neighbour = before === undefined ? undefined : ground.entryAt(parent, before.start - 1);
  if (neighbour !== undefined && objectOf(neighbour) !== null) return;
  const name = ground.freshName('sub');
  const born = yield call.suballoc(name, parent, count * PAGE_SIZE, { pageable: draw.percent(40) });
  if (born.kind !== 'submap') return;
  const { min, max } = born;
  if (draw.percent(70)) {
    const at = addressIn(yield call.allocPageable(name, PAGE_SIZE));
    if (at !== undefined) yield call.free(name, at, PAGE_SIZE);
  }
  yield { kind: 'vm_map_deallocate', map: name };
  yield draw.percent(50) ? call.free(parent, min, max - min) : call.remove(parent, { start: min, end: max });
}

/** A map created over allocated room and then attached there (MAP-SUB-1). */
function* attachedMap(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 80, ({ standing }) => standing === 'attached');
  const count = draw.between(1, 4);
  if (ground.maps.length > 7 || ground.pools().freeMaps === 0 || !fits(ground, map, count + 1)) return;
  const at = addressIn(yield call.allocPageable(map, (count + 1) * PAGE_SIZE));
  if (at === undefined) return;
  const { start, end } = bounds(span(at, count));
  const submap = ground.freshName('map');
  yield { kind: 'vm_map_create', name: submap, min: start, max: end, pageable: draw.percent(40) };
  if (draw.percent(20)) {
    yield { kind: 'vm_map_deallocate', map: submap };
    return;
  }
  const attached = yield { kind: 'vm_map_submap', map, start, end, submap };
  if (attached.kind !== 'kern' || attached.code !== 0) return;
  const inside = addressIn(yield call.allocPageable(submap, PAGE_SIZE));
  if (inside !== undefined) yield call.write('kernel', inside, 9);
}

/** A range inserted away from the map's minimum, so that the hole before it must still be found (DEV-2). */
function* holeAtMinimum(ground: Ground): Plan {
  const map = someMap(ground, 20);
  const hole = ground.holes(map)[0];
  if (hole === undefined || hole.end - hole.start < 3 * PAGE_SIZE) return;
  yield call.insert(map, 'null', objectOffset(0), span(hole.start + 2 * PAGE_SIZE, 1));
  if (ground.draw.percent(50)) yield call.allocPageable(map, 2 * PAGE_SIZE);
}

/** Single pages freed out of one long range until no static entry is left, or one page short of it. */
function* interiorFrees(ground: Ground): Plan {
  const { draw } = ground;
  const spare = ground.pools().freeEntries;
  if (spare === null || spare > 24) return;
  const map = someMap(ground, 70, ({ pageable }) => !pageable);
  const count = 2 * spare + 3;
  if (!fits(ground, map, count)) return;
  const at = addressIn(yield call.allocPageable(map, count * PAGE_SIZE));
  if (at === undefined) return;
  const stop = draw.percent(50) ? 0 : -1;
  for (let page = 1; page < count && (ground.pools().freeEntries ?? 0) > stop; page += 2)
    yield call.free(map, at + page * PAGE_SIZE, PAGE_SIZE);
  if (ground.pools().freeEntries === 0) yield call.allocPageable(map, PAGE_SIZE);
}

/** The static map pool emptied before kmem exists. */
function* manyMaps(ground: Ground): Plan {
  if (ground.known('kmem') !== undefined) return;
  for (let i = ground.pools().freeMaps; i > 0 && ground.known('kmem') === undefined; i -= 1) {
    const { kernelStart: min } = ground.machine;
    const { start, end } = bounds(span(min, 1));
    const name = ground.freshName('map');
    yield { kind: 'vm_map_create', name, min: start, max: end, pageable: false };
  }
  if (ground.known('kmem') !== undefined || ground.pools().freeMaps > 0 || ground.draw.percent(50)) return;
  yield refused(call.suballoc(ground.freshName('sub'), 'kernel', PAGE_SIZE, { pageable: false }));
}

/** An empty submap given up by its creator, then its placeholder freed (DEV-34 where its record is a static one). */
function* abandonedSubmap(ground: Ground): Plan {
  const { draw, maps } = ground;
  const empty = maps.filter(
    ({ name, standing, parent, deallocated }) =>
      standing === 'attached' && parent !== null && !deallocated && ground.map(name)?.entryCount === 0,
  );
  const found = draw.one(empty.filter(({ name }) => name !== 'kmem' && name !== 'mb'));
  if (found === undefined || found.parent === null) return;
  const { name, parent, min, max } = found;
  yield { kind: 'vm_map_deallocate', map: name };
  yield call.free(parent, min, max - min);
}

/** Plans about allocation, freeing and submaps. */
export const GAMBITS: readonly Gambit[] = [
  { name: 'reuse', weight: 10, needs: ['kmem_free'], plan: reuse },
  { name: 'comb', weight: 8, needs: ['kmem_alloc_pageable', 'kmem_free'], plan: comb },
  {
    name: 'wired-without-rights',
    weight: 8,
    needs: ['kmem_alloc', 'vm_map_protect'],
    plan: wiredWithoutRights,
  },
  { name: 'nowait-block', weight: 8, needs: ['kmem_malloc', 'kmem_free'], plan: nowaitBlock },
  { name: 'mixed-neighbours', weight: 5, needs: ['kmem_malloc', 'kmem_free'], plan: mixedNeighbours },
  {
    name: 'retained-page',
    weight: 6,
    needs: ['kmem_alloc_pageable', 'checked_write', 'kmem_free'],
    plan: retainedPage,
  },
  { name: 'submap-life', weight: 6, needs: ['kmem_suballoc', 'vm_map_deallocate'], plan: submapLife },
  {
    name: 'attached-map',
    weight: 6,
    needs: ['vm_map_create', 'vm_map_submap', 'kmem_alloc_pageable'],
    plan: attachedMap,
  },
  { name: 'hole-at-minimum', weight: 4, needs: ['vm_map_insert'], plan: holeAtMinimum },
  { name: 'interior-frees', weight: 2, needs: ['kmem_alloc_pageable', 'kmem_free'], plan: interiorFrees },
  {
    name: 'abandoned-submap',
    weight: 8,
    needs: ['kmem_suballoc', 'vm_map_deallocate', 'kmem_free'],
    plan: abandonedSubmap,
  },
  { name: 'many-maps', weight: 6, needs: ['vm_map_create'], plan: manyMaps },
];
