/** Gambits about vm_map_submap: each reason to refuse it alone, maps in themselves, and submaps that move house. */
import { objectOffset, PAGE_SIZE } from '../contract/address.ts';
import type { Operation } from '../contract/operation.ts';
import type { MapName } from '../contract/vm-map.ts';
import * as call from './generate-calls.ts';
import { addressIn, fits, type Gambit, type Plan, refused, type SubPlan, span } from './generate-gambits.ts';
import type { Ground } from './generate-ground.ts';
import type { Range } from './generate-reading.ts';
import { bounds, clip, someMap } from './generate-recipe.ts';

const attach = (map: MapName, range: Range, submap: MapName): Operation => ({
  kind: 'vm_map_submap',
  map,
  ...bounds(range),
  submap,
});

const create = (ground: Ground, name: MapName, range: Range): Operation => {
  const { start, end } = bounds(range);
  return { kind: 'vm_map_create', name, min: start, max: end, pageable: ground.draw.percent(40) };
};

const mayCreate = (ground: Ground, count: number): boolean =>
  ground.maps.length + count <= 9 && ground.pools().freeMaps >= count;

/** A null range of `count` pages, behind a hole where there is room, so that it does not grow what lies below. */
export function* nullRange(ground: Ground, map: MapName, count: number): SubPlan<number | undefined> {
  const hole = ground.holes(map).find(({ start, end }) => end - start > count * PAGE_SIZE);
  if (hole === undefined || ground.draw.percent(20))
    return addressIn(yield call.allocPageable(map, count * PAGE_SIZE));
  const at = hole.start + PAGE_SIZE;
  const outcome = yield call.insert(map, 'null', objectOffset(0), span(at, count));
  return outcome.kind === 'kern' && outcome.code === 0 ? at : undefined;
}

const someParent = (ground: Ground, share: number): MapName =>
  someMap(ground, share, ({ standing }) => standing === 'attached');

/** A map that fits its place but for one thing; then, mostly, that thing is put right (MAP-SUB-1). */
function* nearlySubmap(ground: Ground): Plan {
  const { draw } = ground;
  const map = someParent(ground, 75);
  const count = draw.between(2, 3);
  if (!mayCreate(ground, 2) || !fits(ground, map, count + 1)) return;
  const at = yield* nullRange(ground, map, count + 1);
  if (at === undefined) return;
  const range = span(at, count);
  const name = ground.freshName('map');
  yield create(ground, name, range);
  const last = range.end - PAGE_SIZE;
  switch (draw.below(8)) {
    case 0:
      yield call.write(map, draw.pick([at, range.end]), 1);
      yield refused(attach(map, range, name));
      return;
    case 1:
      yield call.inherit(map, span(last, 1), 2);
      yield refused(attach(map, range, name));
      yield call.inherit(map, span(last, 1), 1);
      yield { kind: 'vm_map_simplify', map, start: clip(last) };
      yield { kind: 'vm_map_simplify', map, start: clip(range.end) };
      break;
    case 2:
      yield call.wire(map, range);
      yield call.unwire(map, range);
      yield refused(attach(map, range, name));
      return;
    case 3:
      yield call.free(map, last, PAGE_SIZE);
      yield refused(attach(map, range, name));
      yield call.insert(map, 'null', objectOffset(0), span(last, 1));
      break;
    case 4: {
      const inner = ground.freshName('map');
      yield create(ground, inner, span(at, 1));
      yield attach(map, span(at, 1), inner);
      yield refused(attach(map, draw.percent(50) ? range : span(at, 1), draw.pick([name, inner])));
      yield { kind: 'vm_map_deallocate', map: inner };
      yield call.free(map, at, PAGE_SIZE);
      return;
    }
    case 5:
      yield refused(attach(map, draw.pick([span(at, count + 1), span(at, count - 1)]), name));
      break;
    case 6:
      yield refused(
        attach(map, draw.pick([{ start: at, end: at }, span(at + PAGE_SIZE, count), span(last, 1)]), name),
      );
      break;
    default:
      yield call.protect(map, range, draw.pick([0, 1]));
  }
  if (draw.percent(20)) {
    const empty = ground.freshName('map');
    yield create(ground, empty, span(at, 0));
    yield refused(attach(map, span(at, 0), empty));
    yield { kind: 'vm_map_deallocate', map: empty };
  }
  const attached = yield attach(map, range, name);
  if (attached.kind !== 'kern' || attached.code !== 0) return;
  yield refused(attach(map, range, name));
  yield { kind: 'vm_map_check_protection', map, ...bounds(range), protection: draw.pick([7, 7, 1]) };
  yield* used(ground, map, name);
}

/** Memory of a submap written through its parent, and freed. */
function* used(ground: Ground, parent: MapName, name: MapName): SubPlan<void> {
  const at = addressIn(yield call.allocPageable(name, PAGE_SIZE));
  if (at === undefined) return;
  if (ground.freePages() > 0) yield call.write(ground.draw.percent(50) ? parent : name, at, 6);
  yield call.free(name, at, PAGE_SIZE);
}

/** A map with memory in it that goes away whole, before anybody could reach it (MAP-CREATE-2). */
function* looseMapDies(ground: Ground): Plan {
  const { draw } = ground;
  const count = draw.between(2, 4);
  const name = ground.freshName('map');
  const at = apart(ground, name);
  if (!mayCreate(ground, 1) || at === undefined) return;
  const { start, end } = bounds(span(at, count));
  yield { kind: 'vm_map_create', name, min: start, max: end, pageable: draw.percent(30) };
  yield call.allocPageable(name, count * PAGE_SIZE);
  if (draw.percent(60)) yield call.free(name, at + draw.below(count) * PAGE_SIZE, PAGE_SIZE);
  yield { kind: 'vm_map_deallocate', map: name };
}

/** A map offered as a submap of itself, or of a map inside it (MAP-SUB-1: sub ≠ map, no cycles). */
function* mapInItself(ground: Ground): Plan {
  const { draw } = ground;
  const count = draw.between(1, 3);
  if (!mayCreate(ground, 2) || !fits(ground, 'kernel', count)) return;
  const outer = ground.freshName('map');
  const within = ground.hostile && draw.percent(60);
  const at = within ? yield* nullRange(ground, 'kernel', count) : apart(ground, outer);
  if (at === undefined) return;
  const range = span(at, count);
  yield create(ground, outer, range);
  yield call.allocPageable(outer, count * PAGE_SIZE);
  let inner = outer;
  if (ground.hostile && draw.percent(60)) {
    inner = ground.freshName('map');
    yield create(ground, inner, range);
    yield attach(outer, range, inner);
    yield call.allocPageable(inner, count * PAGE_SIZE);
  }
  yield refused(attach(inner, range, outer));
  if (!within) return;
  yield attach('kernel', range, outer);
  if (ground.freePages() > 0) yield call.write('kernel', at, 4);
  yield call.free(inner, at, count * PAGE_SIZE);
}

/** An address that no other map has anything to do with: memory there belongs to this loose map alone. */
const apart = (ground: Ground, name: MapName): number | undefined => {
  const at = 0x1000_0000 + Number(name.slice('map'.length)) * 16 * PAGE_SIZE;
  return at + 16 * PAGE_SIZE < ground.machine.kernelMin ? at : undefined;
};

const kernelRange = ({ machine: { kernelMin: start, kernelMax: end } }: Ground): Range => ({ start, end });

/** All of kernel_map as one null range, offered as its own submap, or as one of a submap that spans it. */
function* kernelInItself(ground: Ground): Plan {
  const { draw } = ground;
  const holes = ground.holes('kernel');
  const [hole] = holes;
  if (hole === undefined || holes.length > 1 || hole.end !== ground.machine.kernelMax) return;
  if ((ground.map('kernel')?.entryCount ?? 2) > 1) return;
  const range = kernelRange(ground);
  yield call.allocPageable('kernel', hole.end - hole.start);
  if (mayCreate(ground, 1) && draw.percent(50)) {
    const name = ground.freshName('map');
    yield create(ground, name, range);
    yield call.allocPageable(name, range.end - range.start);
    yield refused(attach(name, range, 'kernel'));
  }
  yield refused(attach('kernel', range, 'kernel'));
  yield call.free('kernel', hole.start, hole.end - hole.start);
}

/** A submap that loses its place, whole or in pieces, and gets it back or another one (MAP-DEL-1, MAP-CLIP-2). */
function* movedSubmap(ground: Ground): Plan {
  const { draw } = ground;
  const map = someParent(ground, 75);
  const count = draw.between(1, 3);
  if (!mayCreate(ground, 2) || ground.inFlight() > 0 || !fits(ground, map, count)) return;
  const at = yield* nullRange(ground, map, count);
  if (at === undefined) return;
  const range = span(at, count);
  const name = ground.freshName('map');
  yield create(ground, name, range);
  const first = yield attach(map, range, name);
  if (first.kind !== 'kern' || first.code !== 0) return;
  if (draw.percent(40)) yield* used(ground, map, name);
  if (count > 1 && draw.percent(60)) {
    if (draw.percent(50)) yield call.inherit(map, span(at, 1), draw.pick([0, 2]));
    else yield call.remove(map, span(at + PAGE_SIZE, 0));
    yield refused(call.free(map, at, draw.pick([1, count - 1]) * PAGE_SIZE));
  }
  yield draw.percent(50) ? call.free(map, at, count * PAGE_SIZE) : call.remove(map, range);
  if (draw.percent(30)) yield refused(attach(map, range, name));
  yield call.insert(map, 'null', objectOffset(0), range);
  let parent = map;
  if (draw.percent(50)) {
    parent = ground.freshName('map');
    yield create(ground, parent, range);
    yield attach(map, range, parent);
    yield call.allocPageable(parent, count * PAGE_SIZE);
  }
  const second = yield attach(parent, range, name);
  if (second.kind !== 'kern' || second.code !== 0) return;
  yield* used(ground, draw.percent(50) ? 'kernel' : parent, name);
  if (draw.percent(40)) yield call.free(parent, at, count * PAGE_SIZE);
}

/** Plans about attaching maps. */
export const SUBMAP_GAMBITS: readonly Gambit[] = [
  { name: 'nearly-submap', weight: 6, needs: ['vm_map_create', 'vm_map_submap'], plan: nearlySubmap },
  { name: 'map-in-itself', weight: 4, needs: ['vm_map_create', 'vm_map_submap'], plan: mapInItself },
  { name: 'loose-map-dies', weight: 4, needs: ['vm_map_create', 'vm_map_deallocate'], plan: looseMapDies },
  {
    name: 'kernel-in-itself',
    weight: 12,
    needs: ['kmem_alloc_pageable', 'vm_map_submap'],
    hostile: true,
    plan: kernelInItself,
  },
  {
    name: 'moved-submap',
    weight: 16,
    needs: ['vm_map_create', 'vm_map_submap', 'vm_map_insert', 'kmem_free'],
    hostile: true,
    plan: movedSubmap,
  },
];
