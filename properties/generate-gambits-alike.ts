/** Gambits about neighbours that differ in exactly one thing, which alone must keep them apart (MAP-SIMPL-1, MAP-INSERT-5). */
import { objectOffset, PAGE_SIZE } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import { addressIn, fits, type Gambit, type Plan, type SubPlan, span } from './generate-gambits.ts';
import type { Ground } from './generate-ground.ts';
import { bounds, clip, someMap } from './generate-recipe.ts';

const simplify = (map: MapName, at: number): Operation => ({
  kind: 'vm_map_simplify',
  map,
  start: clip(at),
});

/** Makes the second page of two differ from the first in one attribute and nothing else. */
function* setApart(ground: Ground, map: MapName, at: number): SubPlan<void> {
  const { draw } = ground;
  const [first, second] = [span(at, 1), span(at + PAGE_SIZE, 1)];
  switch (draw.below(6)) {
    case 0: {
      // Lowering the maximum lowers the rights too, so the other page gets the same rights without a maximum.
      const rights = draw.pick([0, 1, 3, 5]);
      const [lowered, plain] = draw.percent(50) ? [first, second] : [second, first];
      yield { kind: 'vm_map_protect', map, ...bounds(lowered), protection: rights, setMax: true };
      yield call.protect(map, plain, rights);
      return;
    }
    case 1:
      yield call.inherit(map, draw.percent(50) ? first : second, draw.pick([0, 2]));
      return;
    case 2:
      yield call.protect(map, draw.percent(50) ? first : second, draw.pick([0, 1, 3, 5]));
      return;
    case 3:
      if (ground.freePages() > 0) yield call.wire(map, draw.percent(50) ? first : second);
      return;
    default:
      // The second page belongs to an object of two pages, the first to one of its own or to none: offsets match.
      if (ground.freePages() < 1) return;
      yield call.write(map, second.start, draw.between(1, 255));
      yield call.free(map, at, PAGE_SIZE);
      yield call.insert(map, draw.percent(70) ? 'anon' : 'null', objectOffset(0), first);
  }
}

/** Two pages cut out of one allocation, set apart by one attribute, then asked to merge. */
function* oneDifference(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 70);
  const hole = ground.holes(map).find(({ start, end }) => end - start >= 3 * PAGE_SIZE);
  if (hole === undefined) return;
  // Behind a hole, so that nothing below can grow into it.
  const at = hole.start + PAGE_SIZE;
  const made = yield call.insert(map, 'null', objectOffset(0), span(at, 2));
  if (made.kind !== 'kern' || made.code !== 0) return;
  const seam = at + PAGE_SIZE;
  yield* setApart(ground, map, at);
  yield simplify(map, seam);
  if (draw.percent(40)) yield call.protect(map, span(at, 2), 1);
  if (draw.percent(40)) yield call.free(map, at, 2 * PAGE_SIZE);
}

/** Memory that differs from fresh memory in its inheritance alone, and fresh memory right behind it (MAP-INSERT-5). */
function* otherInheritance(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 70);
  const count = draw.between(1, 2);
  if (!fits(ground, map, count + 1)) return;
  const at = addressIn(yield call.allocPageable(map, count * PAGE_SIZE));
  if (at === undefined) return;
  yield call.inherit(map, span(at, count), draw.pick([0, 2]));
  if (ground.entryAt(map, at + count * PAGE_SIZE) === undefined)
    yield call.insert(map, 'null', objectOffset(0), span(at + count * PAGE_SIZE, 1));
}

/** A null range around a submap: its placeholder differs from what lies beside it in the submap alone. */
function* besideSubmap(ground: Ground): Plan {
  const { draw } = ground;
  const map = someMap(ground, 80, ({ standing }) => standing === 'attached');
  const hole = ground.holes(map).find(({ start, end }) => end - start >= 4 * PAGE_SIZE);
  if (hole === undefined || ground.maps.length > 7 || ground.pools().freeMaps === 0) return;
  const at = hole.start + PAGE_SIZE;
  const made = yield call.insert(map, 'null', objectOffset(0), span(at, 3));
  if (made.kind !== 'kern' || made.code !== 0) return;
  const { start, end } = bounds(span(at + PAGE_SIZE, 1));
  const submap = ground.freshName('map');
  yield { kind: 'vm_map_create', name: submap, min: start, max: end, pageable: draw.percent(40) };
  const attached = yield { kind: 'vm_map_submap', map, start, end, submap };
  if (attached.kind !== 'kern' || attached.code !== 0) return;
  yield simplify(map, start);
  yield simplify(map, end);
  if (draw.percent(50)) yield call.allocPageable(submap, PAGE_SIZE);
}

/** One page of an object mapped twice side by side: only the offset keeps the entries apart. */
function* samePageTwice(ground: Ground): Plan {
  const hole = ground.holes('kernel').at(-1);
  if (hole === undefined || hole.end - hole.start < 3 * PAGE_SIZE) return;
  const at = hole.end - 2 * PAGE_SIZE;
  const offset = objectOffset(at - ground.machine.kernelMin);
  yield call.insert('kernel', 'kernel', offset, span(at, 1));
  yield call.insert('kernel', 'kernel', offset, span(at + PAGE_SIZE, 1));
  yield simplify('kernel', at + PAGE_SIZE);
  if (ground.freePages() > 1) yield call.write('kernel', at + PAGE_SIZE, 6);
  yield call.free('kernel', at, 2 * PAGE_SIZE);
}

/** Plans about neighbours that nearly merge. */
export const ALIKE_GAMBITS: readonly Gambit[] = [
  {
    name: 'one-difference',
    weight: 12,
    needs: ['vm_map_insert', 'vm_map_simplify', 'vm_map_protect'],
    plan: oneDifference,
  },
  {
    name: 'other-inheritance',
    weight: 3,
    needs: ['vm_map_insert', 'vm_map_inherit'],
    plan: otherInheritance,
  },
  {
    name: 'beside-submap',
    weight: 5,
    needs: ['vm_map_insert', 'vm_map_create', 'vm_map_submap', 'vm_map_simplify'],
    plan: besideSubmap,
  },
  {
    name: 'same-page-twice',
    weight: 8,
    needs: ['vm_map_insert', 'vm_map_simplify'],
    hostile: true,
    plan: samePageTwice,
  },
];
